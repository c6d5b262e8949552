package sgpserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

func naughty(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(shared.File(t, "corpora/blns.json"))
	require.NoError(t, err)
	strings := decode[[]string](t, data)
	require.Greater(t, len(strings), 500)
	return strings
}

// Odd strings come back as they went in, wherever they may stand.
func TestNaughtyStringsRoundTrip(t *testing.T) {
	all := naughty(t)
	r := startReady(t, 1)
	flexible := r.api.dataset("FLEXIBLE")
	var cases, results []object
	for _, s := range all {
		named := r.post("/v4/evaluation-datasets", object{"name": s, "schema_type": "GENERATION", "account_id": s})
		assert.Equal(t, s, named["name"])
		assert.Equal(t, s, r.get("/v4/evaluation-datasets/" + named["id"].(string))["name"])
		if s != "" {
			assert.Equal(t, s, named["account_id"])
			found := r.page("/v4/evaluation-datasets?account_id=" + url.QueryEscape(s)).Items
			assert.NotEmpty(t, found, "%q", s)
			for _, d := range found { // the list holds a few strings twice
				assert.Equal(t, s, d["account_id"])
			}
			r.api.mustBeUnknown(t, "/v4/evaluation-datasets/"+url.PathEscape(s))
		}
		cases = append(cases, object{
			"test_case_data":     object{"input": object{"text": s, "key " + s: s}, "expected_output": s},
			"test_case_metadata": object{s: s}, "x" + s: s,
		})
		results = append(results, r.result(0, object{
			"test_case_evaluation_data": object{"generation_output": s, "_" + s: s},
			"result":                    object{"q" + s: s, "list": []any{s, s}},
		}))
	}
	added := ask[[]object](r.api, "POST", "/v4/evaluation-datasets/"+flexible+"/test-cases/batch", cases)
	listed := r.all("/v4/evaluation-datasets/"+flexible+"/test-cases", 100)
	for i, c := range listed {
		assert.Equal(t, cases[i]["test_case_data"], c["test_case_data"])
		assert.Equal(t, cases[i]["test_case_metadata"], c["test_case_metadata"])
		assert.Equal(t, all[i], c["x"+all[i]])
		assert.Equal(t, added[i], c)
	}
	assert.Len(t, listed, len(all))
	ask[[]object](r.api, "POST", r.results+"/batch", results)
	for i, res := range r.all(r.results, 100) {
		assert.Equal(t, results[i]["test_case_evaluation_data"], res["test_case_evaluation_data"])
		assert.Equal(t, decode[object](t, encoded(t, results[i]["result"])), res["result"])
	}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// mustBeUnknown asks for a path made of an odd string: it is a 404 in JSON.
func (a *api) mustBeUnknown(t *testing.T, path string) {
	t.Helper()
	if strings.Contains(path, "/.") { // the client's own path cleaning
		return
	}
	status, answer := a.send("GET", path, nil)
	assert.Equal(t, 404, status, "%s: %.200s", path, answer)
	assert.NotEmpty(t, decode[object](t, answer)["detail"])
}

// Numbers, escapes and the order of nested fields are kept byte for byte.
func TestTextOfJSONIsKept(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("FLEXIBLE")
	const data = `{"input":{"big":123456789012345678901234567890,"tiny":1e-400,"one":1.0,"surrogate":"\ud800","slash":"\/","z":1,"a":2,"html":"<b>&</b>","line":"\u2028"}}`
	status, answer := a.send("POST", "/v4/evaluation-datasets/"+d+"/test-cases", "{ \"test_case_data\" : "+data+"\n}")
	require.Equal(t, 200, status, "%s", answer)
	assert.Contains(t, string(answer), `"test_case_data":`+data)
	_, listed := a.send("GET", "/v4/evaluation-datasets/"+d+"/test-cases", nil)
	assert.Contains(t, string(listed), string(answer))
}

// Whatever is posted as a batch: the answer is 200 or 422, in JSON, and what was
// accepted comes back.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{}]`, `[null]`, `{"a":1}`, `[{"test_case_data":{"input":"x"}}]`, `[{"test_case_data":{"input":{"a":[1,{"b":null}]}},"test_case_data":1}]`,
		"[\"\xff\"]", `[{"test_case_data":{"input":"","expected_extra_info":{"chunks":[{"text":""}]}}}]`, `[[[`, ` `, `[{"id":1,"schema_type":null,"test_case_data":{"input":"\ud800"}}]`,
	} {
		f.Add(seed)
	}
	db, err := store.Open(f.TempDir())
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, db.Close()) })
	handler := sgpserver.New(sgpserver.Config{Store: db})
	call := func(method, path, body string) (int, []byte) {
		req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		return w.Code, w.Body.Bytes()
	}
	f.Fuzz(func(t *testing.T, body string) {
		_, made := call("POST", "/v4/evaluation-datasets", `{"name":"d","schema_type":"FLEXIBLE","account_id":"a"}`)
		path := "/v4/evaluation-datasets/" + decode[struct{ ID string }](t, made).ID + "/test-cases"
		status, answer := call("POST", path+"/batch", body)
		_, listed := call("GET", path+"?limit=10000", "")
		items := decode[struct{ Items []any }](t, listed).Items
		switch status {
		case http.StatusOK:
			assert.Equal(t, decode[[]any](t, answer), items)
		case http.StatusUnprocessableEntity:
			assert.NotEmpty(t, decode[struct{ Detail []problem }](t, answer).Detail)
			assert.Empty(t, items)
		default:
			t.Errorf("status %d: %s", status, answer)
		}
	})
}
