package sgp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness/sgp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key     = "sk-secret-key-0123456789"
	created = "2026-01-02T03:04:05Z"
)

// platform is a small stand-in, in memory, that checks every request against the
// contract. It is a transport, so that a test can put faults in its way.
type platform struct {
	t   *testing.T
	mux *http.ServeMux
	// fault answers in place of the platform, or calls serve; nil: serve.
	fault func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error)

	// unchecked leaves the contract alone, where thousands of requests are made.
	unchecked bool
	// mute leaves the run keys out of what is given back.
	mute bool
	// archived results are only listed when they are asked for.
	archived map[string]bool
	// largest is the most results in a page; 0: as many as asked for.
	largest int

	mu       sync.Mutex
	requests []string
	keys     map[string]int // values of x-api-key
	cases    []sgp.TestCase
	versions []sgp.EvaluationDatasetVersion
	frozen   map[int][]sgp.TestCase
	results  []sgp.TestCaseResult
	made     int // results, ever
	datasets []sgp.EvaluationDataset
}

func newPlatform(t *testing.T) *platform {
	p := &platform{t: t, mux: http.NewServeMux(), keys: map[string]int{}, frozen: map[int][]sgp.TestCase{}}
	const ds, ev = "/v4/evaluation-datasets", "/v4/evaluations"
	p.mux.HandleFunc("POST "+ds, p.createDataset)
	p.mux.HandleFunc("GET "+ds, func(w http.ResponseWriter, r *http.Request) { page(w, r, p.datasets) })
	p.mux.HandleFunc("GET "+ds+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, dataset(r.PathValue("id"), sgp.Flexible))
	})
	p.mux.HandleFunc("GET "+ds+"/{id}/test-cases", func(w http.ResponseWriter, r *http.Request) { page(w, r, p.cases) })
	p.mux.HandleFunc("GET "+ds+"/{id}/test-cases/history/{num}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("num"))
		page(w, r, p.frozen[n])
	})
	p.mux.HandleFunc("POST "+ds+"/{id}/test-cases/batch", p.createCases)
	p.mux.HandleFunc("GET "+ds+"/{id}/evaluation-dataset-versions", func(w http.ResponseWriter, r *http.Request) { page(w, r, p.versions) })
	p.mux.HandleFunc("POST "+ds+"/{id}/evaluation-dataset-versions", func(w http.ResponseWriter, r *http.Request) { answer(w, p.addVersion(true)) })
	p.mux.HandleFunc("POST "+ds+"/{id}/publish", func(w http.ResponseWriter, r *http.Request) {
		p.addVersion(false)
		answer(w, sgp.PublishResponse{Success: true})
	})
	p.mux.HandleFunc("POST "+ds+"/{id}/evaluation-dataset-versions/{version}/publish", func(w http.ResponseWriter, r *http.Request) {
		answer(w, sgp.PublishResponse{Success: true})
	})
	p.mux.HandleFunc("POST /v4/application-specs", func(w http.ResponseWriter, r *http.Request) {
		answer(w, sgp.ApplicationSpec{ID: "as_1", Name: "app", CreatedAt: created, AccountID: "acc"})
	})
	p.mux.HandleFunc("GET /v4/application-specs/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, sgp.ApplicationSpec{ID: r.PathValue("id"), Name: "app", CreatedAt: created, AccountID: "acc"})
	})
	p.mux.HandleFunc("POST "+ev, func(w http.ResponseWriter, r *http.Request) {
		var req sgp.EvaluationRequest
		_ = json.NewDecoder(r.Body).Decode(&req)
		e := evaluation("ev_new")
		e.Name, e.Tags, e.ApplicationSpecID = req.Name, req.Tags, req.ApplicationSpecID
		answer(w, e)
	})
	p.mux.HandleFunc("GET "+ev, func(w http.ResponseWriter, r *http.Request) {
		page(w, r, []sgp.Evaluation{evaluation("ev_1")})
	})
	p.mux.HandleFunc("GET "+ev+"/{id}", func(w http.ResponseWriter, r *http.Request) { answer(w, evaluation(r.PathValue("id"))) })
	p.mux.HandleFunc("POST "+ev+"/{id}/test-case-results/batch", p.createResults)
	p.mux.HandleFunc("GET "+ev+"/{id}/test-case-results", p.listResults)
	p.mux.HandleFunc("GET "+ev+"/{id}/test-case-results/{result}", func(w http.ResponseWriter, r *http.Request) { answer(w, p.results[0]) })
	p.mux.HandleFunc("PATCH "+ev+"/{id}/test-case-results/{result}", func(w http.ResponseWriter, r *http.Request) {
		var patch sgp.TestCaseResultPatch
		_ = json.NewDecoder(r.Body).Decode(&patch)
		p.results[0].AuditComment = patch.AuditComment
		answer(w, p.results[0])
	})
	return p
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	if !p.unchecked {
		loadContracts().check(p.t, r, body)
	}
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.URL.RequestURI())
	p.keys[r.Header.Get("X-Api-Key")]++
	p.mu.Unlock()
	serve := func() *http.Response {
		p.mu.Lock()
		defer p.mu.Unlock()
		w := httptest.NewRecorder()
		p.mux.ServeHTTP(w, again(r, body))
		resp := w.Result()
		resp.Request = r
		return resp
	}
	if p.fault != nil {
		return p.fault(r, body, serve)
	}
	return serve(), nil
}

// client makes a client of the stand-in, which waits for nothing.
func (p *platform) client() *sgp.Client {
	c, err := sgp.New(sgp.Config{
		APIKey: key, AccountID: "acc", HTTPClient: &http.Client{Transport: p},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	require.NoError(p.t, err)
	return c
}

// posts counts the batches of results that were sent.
func (p *platform) posts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.requests {
		if strings.HasPrefix(r, "POST ") && strings.HasSuffix(r, "/test-case-results/batch") {
			n++
		}
	}
	return n
}

func (p *platform) createDataset(w http.ResponseWriter, r *http.Request) {
	var req sgp.CreateEvaluationDatasetRequest
	_ = json.NewDecoder(r.Body).Decode(&req)
	d := dataset("ds_"+strconv.Itoa(len(p.datasets)+1), req.SchemaType)
	d.Name = req.Name
	p.datasets = append(p.datasets, d)
	answer(w, d)
}

func (p *platform) createCases(w http.ResponseWriter, r *http.Request) {
	var reqs []sgp.TestCaseVersionRequest
	if err := json.NewDecoder(r.Body).Decode(&reqs); err != nil {
		panic(err)
	}
	out := []sgp.TestCase{}
	for _, req := range reqs {
		tc := testCase("tc_" + strconv.Itoa(len(p.cases)+1))
		tc.TestCaseData, tc.ChatHistory, tc.TestCaseMetadata = req.TestCaseData, req.ChatHistory, req.TestCaseMetadata
		p.cases = append(p.cases, tc)
		out = append(out, tc)
	}
	answer(w, out)
}

func (p *platform) addVersion(draft bool) sgp.EvaluationDatasetVersion {
	n := len(p.versions) + 1
	v := sgp.EvaluationDatasetVersion{
		ID: fmt.Sprintf("v_%d", n), Num: n, EvaluationDatasetID: "ds_1", Draft: draft,
		CreatedAt: created, AccountID: "acc", CreatedByUserID: "u",
	}
	p.versions = append(p.versions, v)
	p.frozen[n] = slices.Clone(p.cases)
	return v
}

func (p *platform) createResults(w http.ResponseWriter, r *http.Request) {
	var reqs []sgp.TestCaseResultRequest
	if err := json.NewDecoder(r.Body).Decode(&reqs); err != nil {
		panic(err)
	}
	answer(w, p.shown(p.take(reqs)))
}

func (p *platform) listResults(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if limit, _ := strconv.Atoi(q.Get("limit")); p.largest > 0 && limit > p.largest {
		q.Set("limit", strconv.Itoa(p.largest))
		r.URL.RawQuery = q.Encode()
	}
	listed := slices.DeleteFunc(p.shown(p.results), func(res sgp.TestCaseResult) bool {
		return p.archived[res.ID] && q.Get("include_archived") != "true"
	})
	page(w, r, listed)
}

// shown are results as they are given back.
func (p *platform) shown(results []sgp.TestCaseResult) []sgp.TestCaseResult {
	out := slices.Clone(results)
	for i := range out {
		if p.mute {
			out[i].TestCaseEvaluationData.Unknown = nil
		}
	}
	return out
}

// take stores results as the platform does.
func (p *platform) take(reqs []sgp.TestCaseResultRequest) []sgp.TestCaseResult {
	out := []sgp.TestCaseResult{}
	for _, req := range reqs {
		p.made++
		res := sgp.TestCaseResult{
			ID: fmt.Sprintf("r_%d", p.made), LabelStatus: sgp.StatusCompleted,
			ApplicationSpecID: req.ApplicationSpecID, EvaluationID: "ev_1", EvaluationDatasetID: "ds_1",
			EvaluationDatasetVersionNum: req.EvaluationDatasetVersionNum, TestCaseID: req.TestCaseID,
			TestCaseEvaluationData: req.TestCaseEvaluationData, Result: req.Result,
			CreatedAt: created, AccountID: "acc", CreatedByUserID: "u",
		}
		p.results = append(p.results, res)
		out = append(out, res)
	}
	return out
}

func testCase(id string) sgp.TestCase {
	return sgp.TestCase{
		ID: id, EvaluationDatasetID: "ds_1", CreatedAt: created, UpdatedAt: created, AccountID: "acc", CreatedByUserID: "u",
		TestCaseData: sgp.TestCaseData{Input: "question of " + id, ExpectedOutput: "answer"},
	}
}

func dataset(id, schema string) sgp.EvaluationDataset {
	return sgp.EvaluationDataset{ID: id, Name: "d", SchemaType: schema, CreatedAt: created, AccountID: "acc", CreatedByUserID: "u"}
}

func evaluation(id string) sgp.Evaluation {
	return sgp.Evaluation{ID: id, Name: "e", Status: sgp.StatusPending, ApplicationSpecID: "as_1", CreatedAt: created, AccountID: "acc", CreatedByUserID: "u"}
}

// page answers with the page of a list that was asked for.
func page[T any](w http.ResponseWriter, r *http.Request, items []T) {
	n, limit := 1, 100
	if v := r.URL.Query().Get("page"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	if v := r.URL.Query().Get("limit"); v != "" {
		limit, _ = strconv.Atoi(v)
	}
	from := min((n-1)*limit, len(items))
	answer(w, sgp.Page[T]{
		Items: items[from:min(from+limit, len(items))], TotalItemCount: int64(len(items)),
		CurrentPage: 1, ItemsPerPage: limit, // current_page is wrong: it must not matter
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(data)
}

// respond makes a response by hand.
func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r,
	}
}
