package sgpserver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// object is what tests send and get.
type object = map[string]any

// api is a running server, spoken to over HTTP. Each answer is held against the
// platform's contract.
type api struct {
	t     *testing.T
	url   string
	key   string
	store *store.Store
}

func start(t *testing.T, c sgpserver.Config) *api {
	t.Helper()
	if c.Store == nil {
		db, err := store.Open(t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		c.Store = db
	}
	srv := httptest.NewServer(sgpserver.New(c))
	t.Cleanup(srv.Close)
	return &api{t: t, url: srv.URL, key: c.APIKey, store: c.Store}
}

// send sends a body: bytes and strings as they are, else as JSON; nil for none.
func (a *api) send(method, path string, body any) (status int, answer []byte) {
	a.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		data, err := json.Marshal(body)
		require.NoError(a.t, err)
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, a.url+path, reader)
	require.NoError(a.t, err)
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		req.Header.Set("x-api-key", a.key)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	require.Equal(a.t, "application/json", resp.Header.Get("Content-Type"))
	checkContract(a.t, req, resp.StatusCode, resp.Header, answer)
	return resp.StatusCode, answer
}

// ask sends a request that must succeed, and decodes its answer.
func ask[T any](a *api, method, path string, body any) T {
	a.t.Helper()
	status, answer := a.send(method, path, body)
	require.Equal(a.t, http.StatusOK, status, "%s %s: %s", method, path, answer)
	return decode[T](a.t, answer)
}

func decode[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &v), "%.300s", data)
	return v
}

func (a *api) post(path string, body any) object { return ask[object](a, "POST", path, body) }
func (a *api) get(path string) object            { return ask[object](a, "GET", path, nil) }

// problem is one entry of a 422.
type problem struct {
	Loc   []any
	Msg   string
	Type  string
	Input any
	Ctx   object
}

// problems sends a request that must be refused with a 422.
func (a *api) problems(method, path string, body any) []problem {
	a.t.Helper()
	status, answer := a.send(method, path, body)
	require.Equal(a.t, http.StatusUnprocessableEntity, status, "%s %s: %s", method, path, answer)
	return decode[struct{ Detail []problem }](a.t, answer).Detail
}

// detail sends a request that must be refused with a status and a sentence.
func (a *api) detail(wantStatus int, method, path string, body any) string {
	a.t.Helper()
	status, answer := a.send(method, path, body)
	require.Equal(a.t, wantStatus, status, "%s %s: %s", method, path, answer)
	return decode[struct{ Detail string }](a.t, answer).Detail
}

// page is a page of a list.
type page struct {
	Items   []object
	Total   int `json:"total_item_count"`
	Current int `json:"current_page"`
	Limit   int `json:"items_per_page"`
}

func (a *api) page(path string) page {
	a.t.Helper()
	return ask[page](a, "GET", path, nil)
}

// all reads a list page by page to its end.
func (a *api) all(path string, limit int) (items []object) {
	a.t.Helper()
	for n := 1; ; n++ {
		p := a.page(path + "?limit=" + strconv.Itoa(limit) + "&page=" + strconv.Itoa(n))
		items = append(items, p.Items...)
		if n*limit >= p.Total || len(p.Items) == 0 {
			return items
		}
	}
}

func (a *api) dataset(schema string) string {
	a.t.Helper()
	return a.post("/v4/evaluation-datasets", object{"name": "d", "schema_type": schema, "account_id": "acc"})["id"].(string)
}

// cases adds n cases and gives their IDs.
func (a *api) cases(dataset string, n int) (ids []string) {
	a.t.Helper()
	batch := make([]object, n)
	for i := range batch {
		batch[i] = object{"test_case_data": object{"input": "q" + strconv.Itoa(i), "expected_output": "a"}}
	}
	for _, c := range ask[[]object](a, "POST", "/v4/evaluation-datasets/"+dataset+"/test-cases/batch", batch) {
		ids = append(ids, c["id"].(string))
	}
	return ids
}

func (a *api) publish(dataset string) {
	a.t.Helper()
	require.Equal(a.t, true, a.post("/v4/evaluation-datasets/"+dataset+"/publish", nil)["success"])
}

func (a *api) spec() string {
	a.t.Helper()
	return a.post("/v4/application-specs", object{"name": "s", "description": "", "account_id": "acc"})["id"].(string)
}

func (a *api) evaluation(spec string) string {
	a.t.Helper()
	return a.post("/v4/evaluations", object{"type": "default", "name": "e", "description": "", "account_id": "acc", "application_spec_id": spec})["id"].(string)
}

// ready is a server with a published dataset and an evaluation.
type ready struct {
	*api
	dataset, spec, evaluation string
	cases                     []string
	results                   string // the path
}

func startReady(t *testing.T, cases int) ready {
	t.Helper()
	a := start(t, sgpserver.Config{})
	r := ready{api: a, dataset: a.dataset("GENERATION"), spec: a.spec()}
	r.cases = a.cases(r.dataset, cases)
	a.publish(r.dataset)
	r.evaluation = a.evaluation(r.spec)
	r.results = "/v4/evaluations/" + r.evaluation + "/test-case-results"
	return r
}

// result is a request for a case, with further fields.
func (r ready) result(i int, more object) object {
	o := object{
		"application_spec_id": r.spec, "evaluation_dataset_version_num": "1", "test_case_id": r.cases[i],
		"test_case_evaluation_data": object{"generation_output": "answer " + strconv.Itoa(i)},
	}
	for k, v := range more {
		if v == absent {
			delete(o, k)
		} else {
			o[k] = v
		}
	}
	return o
}

// absent removes a field in the tables of tests.
const absent = "\x00absent"

// clock is a time that moves by a second with each look.
func clock() func() time.Time {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func jsonReader(t *testing.T, v any) io.Reader {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.NewReader(data)
}

func readObject(t *testing.T, r io.Reader) object {
	t.Helper()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return decode[object](t, data)
}
