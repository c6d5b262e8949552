package retell_test

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness/retell"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "key_0123456789abcdef-secret"

var engine = retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1", Version: new(3)}

// platform is a small stand-in, in memory, that checks every request and answer
// against the contract. It is a transport, so that a test can put faults in its way.
type platform struct {
	t   *testing.T
	mux *http.ServeMux
	// fault answers in place of the platform, or calls serve; nil: serve.
	fault func(r *http.Request, serve func() *http.Response) (*http.Response, error)
	// ahead is how far the platform's clock is before ours.
	ahead time.Duration
	// paged is how many items there are in a page; 0: as many as asked for.
	paged int
	// wild: its answers are not checked against the contract.
	wild bool

	mu          sync.Mutex
	made        int
	requests    []string
	keys        map[string]int // values of Authorization
	definitions []retell.TestCaseDefinition
	batches     []retell.BatchTest
	runs        map[string][]retell.TestRun
}

func newPlatform(t *testing.T) *platform {
	p := &platform{t: t, mux: http.NewServeMux(), keys: map[string]int{}, runs: map[string][]retell.TestRun{}}
	p.mux.HandleFunc("POST /create-test-case-definition", func(w http.ResponseWriter, r *http.Request) {
		d := retell.TestCaseDefinition{ID: p.id("tc"), Type: "simulation", Created: p.now(), UserModified: p.now(),
			DynamicVariables: map[string]string{}, ToolMocks: []retell.ToolMock{}, LLMModel: "gpt-4.1"}
		change(&d, input(r))
		p.definitions = append(p.definitions, d)
		answer(w, 201, d)
	})
	p.mux.HandleFunc("PUT /update-test-case-definition/{id}", func(w http.ResponseWriter, r *http.Request) {
		if i := p.definition(w, r); i >= 0 {
			change(&p.definitions[i], input(r))
			answer(w, 200, p.definitions[i])
		}
	})
	p.mux.HandleFunc("GET /get-test-case-definition/{id}", func(w http.ResponseWriter, r *http.Request) {
		if i := p.definition(w, r); i >= 0 {
			answer(w, 200, p.definitions[i])
		}
	})
	p.mux.HandleFunc("DELETE /delete-test-case-definition/{id}", func(w http.ResponseWriter, r *http.Request) {
		if i := p.definition(w, r); i >= 0 {
			p.definitions = slices.Delete(p.definitions, i, i+1)
			w.WriteHeader(204)
		}
	})
	p.mux.HandleFunc("GET /v2/list-test-case-definitions", func(w http.ResponseWriter, r *http.Request) {
		list(p, w, r, of(r, p.definitions, func(d retell.TestCaseDefinition) retell.ResponseEngine { return d.ResponseEngine }))
	})
	p.mux.HandleFunc("POST /create-batch-test", p.createBatch)
	p.mux.HandleFunc("GET /get-batch-test/{id}", func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(p.batches, func(b retell.BatchTest) bool { return b.ID == r.PathValue("id") })
		if i < 0 {
			refuse(w, 404, "The requested resource was not found.")
			return
		}
		answer(w, 200, p.batches[i])
	})
	p.mux.HandleFunc("GET /v2/list-batch-tests", func(w http.ResponseWriter, r *http.Request) {
		list(p, w, r, of(r, p.batches, func(b retell.BatchTest) retell.ResponseEngine { return b.ResponseEngine }))
	})
	p.mux.HandleFunc("GET /v2/list-test-runs/{id}", func(w http.ResponseWriter, r *http.Request) { list(p, w, r, p.runs[r.PathValue("id")]) })
	p.mux.HandleFunc("GET /get-test-run/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, runs := range p.runs {
			for _, run := range runs {
				if run.ID == r.PathValue("id") {
					answer(w, 200, run)
					return
				}
			}
		}
		refuse(w, 404, "The requested resource was not found.")
	})
	return p
}

func (p *platform) now() int64 { return time.Now().Add(p.ahead).UnixMilli() }

func (p *platform) id(kind string) string {
	p.made++
	return fmt.Sprintf("%s_%d", kind, p.made)
}

func (p *platform) definition(w http.ResponseWriter, r *http.Request) int {
	i := slices.IndexFunc(p.definitions, func(d retell.TestCaseDefinition) bool { return d.ID == r.PathValue("id") })
	if i < 0 {
		refuse(w, 404, "The requested resource was not found.")
	}
	return i
}

func (p *platform) createBatch(w http.ResponseWriter, r *http.Request) {
	var req retell.CreateBatchTestRequest
	_ = json.NewDecoder(r.Body).Decode(&req)
	answer(w, 201, p.add(req))
}

// add starts a batch, the first of whose runs is over.
func (p *platform) add(req retell.CreateBatchTestRequest) retell.BatchTest {
	b := retell.BatchTest{ID: p.id("batch"), Status: retell.StatusInProgress, ResponseEngine: req.ResponseEngine,
		TotalCount: len(req.DefinitionIDs), PassCount: 1, Created: p.now(), UserModified: p.now()}
	p.batches = append(p.batches, b)
	for i, id := range req.DefinitionIDs {
		run := retell.TestRun{ID: p.id("run"), Status: retell.StatusPending, DefinitionID: id, Created: b.Created, UserModified: b.Created,
			Definition: retell.TestCaseDefinition{ID: id, Type: "simulation", Name: id, ResponseEngine: engine, UserPrompt: "p", Metrics: []string{},
				DynamicVariables: map[string]string{}, ToolMocks: []retell.ToolMock{}, LLMModel: "gpt-4.1"}}
		if i == 0 {
			run.Status, run.Explanation, run.Transcript = retell.StatusPass, new("polite"), json.RawMessage(`{"turns":[1]}`)
		}
		p.runs[b.ID] = append(p.runs[b.ID], run)
	}
	return b
}

func input(r *http.Request) retell.TestCaseDefinitionInput {
	var in retell.TestCaseDefinitionInput
	_ = json.NewDecoder(r.Body).Decode(&in)
	return in
}

// change is what PUT does: fields that are given replace.
func change(d *retell.TestCaseDefinition, in retell.TestCaseDefinitionInput) {
	data, _ := json.Marshal(in)
	fields := map[string]json.RawMessage{}
	old, _ := json.Marshal(*d)
	_ = json.Unmarshal(old, &fields)
	_ = json.Unmarshal(data, &fields)
	data, _ = json.Marshal(fields)
	_ = json.Unmarshal(data, d)
}

// of filters by the engine that a query names.
func of[T any](r *http.Request, items []T, engine func(T) retell.ResponseEngine) []T {
	q, out := r.URL.Query(), []T{}
	for _, item := range items {
		e := engine(item)
		version := q.Get("version")
		if e.Type == q.Get("type") && e.ID() == q.Get("llm_id")+q.Get("conversation_flow_id") &&
			(version == "" || e.Version != nil && strconv.Itoa(*e.Version) == version) {
			out = append(out, item)
		}
	}
	return out
}

// list answers with a page of the items, the newest first.
func list[T any](p *platform, w http.ResponseWriter, r *http.Request, items []T) {
	items = slices.Clone(items)
	slices.Reverse(items)
	q := r.URL.Query()
	start, _ := strconv.Atoi(strings.TrimPrefix(q.Get("pagination_key"), "after-"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit == 0 {
		limit = 50
	}
	if p.paged > 0 {
		limit = min(limit, p.paged)
	}
	end := min(start+limit, len(items))
	page := retell.Page[T]{Items: items[min(start, len(items)):end], HasMore: end < len(items)}
	if page.HasMore {
		page.PaginationKey = "after-" + strconv.Itoa(end)
	}
	answer(w, 200, page)
}

func answer(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"status": "error", "message": message})
}

// refusal is an answer of a fault.
func (p *platform) refusal(r *http.Request, status int, message string) *http.Response {
	w := httptest.NewRecorder()
	refuse(w, status, message)
	return p.dated(w.Result(), r)
}

// says is an answer of these words.
func (p *platform) says(r *http.Request, body string) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
	return p.dated(w.Result(), r)
}

func (p *platform) dated(resp *http.Response, r *http.Request) *http.Response {
	resp.Header.Set("Date", time.Now().Add(p.ahead).UTC().Format(http.TimeFormat))
	resp.Request = r
	return resp
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	contracts := loadContracts()
	contracts.check(p.t, r, body)
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.URL.RequestURI())
	p.keys[r.Header.Get("Authorization")]++
	p.mu.Unlock()
	serve := func() *http.Response {
		p.mu.Lock()
		defer p.mu.Unlock()
		w := httptest.NewRecorder()
		p.mux.ServeHTTP(w, again(r, body))
		resp := p.dated(w.Result(), r)
		if !p.wild {
			contracts.checkAnswer(p.t, again(r, body), w)
		}
		return resp
	}
	if p.fault != nil {
		return p.fault(r, serve)
	}
	return serve(), nil
}

func again(r *http.Request, body []byte) *http.Request {
	copied := r.Clone(r.Context())
	copied.Body = http.NoBody
	if body != nil {
		copied.Body = io.NopCloser(bytes.NewReader(body))
	}
	return copied
}

// client makes a client of the stand-in, which waits for nothing.
func (p *platform) client() *retell.Client {
	return p.clientThat(func(context.Context, time.Duration) error { return nil })
}

// clientThat waits in its own way; nil: with timers.
func (p *platform) clientThat(sleep func(context.Context, time.Duration) error) *retell.Client {
	c, err := retell.New(retell.Config{APIKey: key, HTTPClient: &http.Client{Transport: p}, Sleep: sleep})
	require.NoError(p.t, err)
	return c
}

// count tells how many requests begin so.
func (p *platform) count(prefix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func (p *platform) noOtherKey() {
	assert.Equal(p.t, map[string]int{"Bearer " + key: len(p.requests)}, p.keys)
}
