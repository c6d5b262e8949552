package sgpserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// benchServer is a handler over a store with a published dataset of 1,000 cases
// and an evaluation, and a batch of 1,000 results for it.
func benchServer(b *testing.B) (call func(method, path, body string) string, results, batch string) {
	b.Helper()
	db, err := store.Open(b.TempDir())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	handler := sgpserver.New(sgpserver.Config{Store: db})
	call = func(method, path, body string) string {
		req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	id := func(answer string) string {
		var o struct{ ID string }
		require.NoError(b, json.Unmarshal([]byte(answer), &o))
		return o.ID
	}
	dataset := id(call("POST", "/v4/evaluation-datasets", `{"name":"d","schema_type":"GENERATION","account_id":"a"}`))
	cases := "[" + strings.Repeat(`{"test_case_data":{"input":"What is the answer?"}},`, 999) + `{"test_case_data":{"input":"x"}}]`
	var added []struct{ ID string }
	require.NoError(b, json.Unmarshal([]byte(call("POST", "/v4/evaluation-datasets/"+dataset+"/test-cases/batch", cases)), &added))
	call("POST", "/v4/evaluation-datasets/"+dataset+"/publish", "")
	spec := id(call("POST", "/v4/application-specs", `{"name":"s","description":"","account_id":"a"}`))
	evaluation := id(call("POST", "/v4/evaluations", `{"name":"e","description":"","account_id":"a","application_spec_id":"`+spec+`"}`))
	items := make([]string, len(added))
	for i, c := range added {
		items[i] = `{"application_spec_id":"` + spec + `","evaluation_dataset_version_num":"1","test_case_id":"` + c.ID +
			`","test_case_evaluation_data":{"generation_output":"` + strings.Repeat("word ", 40) + `"},"result":{"equals":true,"similarity":0.75}}`
	}
	return call, "/v4/evaluations/" + evaluation + "/test-case-results", "[" + strings.Join(items, ",") + "]"
}

// One batch of 1,000 results: checked, written in one synced transaction, and
// answered.
func BenchmarkBatchOf1000Results(b *testing.B) {
	call, results, batch := benchServer(b)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		call("POST", results+"/batch", batch)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "results/s")
}

// The last page of 1,000 results out of 20,000: as quick as the first.
func BenchmarkLastPageOf1000(b *testing.B) {
	call, results, batch := benchServer(b)
	for range 20 {
		call("POST", results+"/batch", batch)
	}
	b.ReportAllocs()
	for b.Loop() {
		call("GET", results+"?limit=1000&page=20", "")
	}
}
