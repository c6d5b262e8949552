package sgpserver_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

func TestStatusOfResultsAndEvaluation(t *testing.T) {
	r := startReady(t, 4)
	counts := func() string {
		e := r.get("/v4/evaluations/" + r.evaluation)
		return fmt.Sprint(e["status"], " ", e["completed_test_case_result_count"], "/", e["total_test_case_result_count"], " ", e["completed_at"] != nil)
	}
	assert.Equal(t, "PENDING 0/0 false", counts())
	scored := r.post(r.results, r.result(0, object{"result": object{"q": true}, "completed_at": "never", "edited_by_user_id": 5}))
	assert.Equal(t, "COMPLETED", scored["label_status"])
	assert.NotEmpty(t, scored["completed_at"])
	assert.NotContains(t, scored, "edited_by_user_id")
	assert.Equal(t, "COMPLETED 1/1 true", counts())

	bare := r.post(r.results, r.result(1, nil))
	assert.Equal(t, "PENDING", bare["label_status"])
	assert.NotContains(t, bare, "completed_at")
	assert.NotContains(t, bare, "result")
	assert.Equal(t, "PENDING 1/2 false", counts())
	assert.Equal(t, "PENDING", r.post(r.results, r.result(1, object{"result": object{}}))["label_status"], "no values are no result")

	assert.Equal(t, "FAILED", r.post(r.results, r.result(2, object{"result": object{"q": 1}, "label_status": "FAILED"}))["label_status"])
	assert.Equal(t, "PENDING 1/4 false", counts())
	all := r.page(r.results).Items
	for _, item := range all[1:3] {
		r.patch(item, object{"result": object{"q": "yes"}})
	}
	assert.Equal(t, "FAILED 3/4 false", counts())
	r.patch(all[3], object{"label_status": "COMPLETED"})
	assert.Equal(t, "COMPLETED 4/4 true", counts())
	r.patch(all[0], object{"label_status": "PENDING"})
	assert.Equal(t, "PENDING 3/4 false", counts())
	list := r.page("/v4/evaluations").Items
	assert.Equal(t, "PENDING", list[0]["status"])
	assert.Equal(t, 4.0, list[0]["total_test_case_result_count"])
}

func (r ready) patch(result, change object) object {
	r.t.Helper()
	return ask[object](r.api, "PATCH", r.results+"/"+result["id"].(string), change)
}

func TestPatch(t *testing.T) {
	r := startReady(t, 2)
	old := r.post(r.results, r.result(0, object{"audit_comment": "a", "mine": 1}))
	now := r.patch(old, object{
		"result": object{"q": []any{"a", "b"}}, "audit_status": "APPROVED", "time_spent_labeling_s": 3, "audit_comment": nil,
		"id": "stolen", "evaluation_id": "other", "created_at": "1970", "completed_at": "1970", "yours": 2,
	})
	assert.Equal(t, "COMPLETED", now["label_status"])
	assert.NotEqual(t, "1970", now["completed_at"])
	assert.Equal(t, "APPROVED", now["audit_status"])
	assert.NotContains(t, now, "audit_comment")
	for _, same := range []string{"id", "evaluation_id", "created_at", "mine", "test_case_id", "test_case_evaluation_data", "account_id"} {
		assert.Equal(t, old[same], now[same], same)
	}
	assert.Equal(t, 2.0, now["yours"])
	assert.Equal(t, "local", now["edited_by_user_id"])
	assert.Equal(t, now, r.get(r.results+"/"+old["id"].(string)))

	assert.Equal(t, "PENDING", r.patch(old, object{"result": object{"q": 1}, "label_status": "PENDING"})["label_status"])
	assert.Equal(t, "PENDING", r.patch(old, object{"result": nil})["label_status"])
	moved := r.patch(old, object{"test_case_id": r.cases[1]})
	assert.Equal(t, r.cases[1], moved["test_case_id"])

	for name, c := range map[string]struct {
		change object
		loc    []any
	}{
		"unknown test case":      {object{"test_case_id": "none"}, loc("body", "test_case_id")},
		"no test case":           {object{"test_case_id": nil}, loc("body", "test_case_id")},
		"nested values":          {object{"result": object{"q": object{}}}, loc("body", "result", "q")},
		"odd status":             {object{"label_status": "CANCELED"}, loc("body", "label_status")},
		"version not published":  {object{"evaluation_dataset_version_num": "9"}, loc("body", "evaluation_dataset_version_num")},
		"output is not a string": {object{"test_case_evaluation_data": object{"generation_output": 1}}, loc("body", "test_case_evaluation_data", "generation_output")},
	} {
		found := r.problems("PATCH", r.results+"/"+old["id"].(string), c.change)
		require.Len(t, found, 1, name)
		assert.Equal(t, c.loc, found[0].Loc, name)
	}
	assert.Equal(t, moved, r.get(r.results+"/"+old["id"].(string)), "a refused change changes nothing")
}

// A batch keeps its order, and duplicates are there to be seen.
func TestBatchOrderAndDuplicates(t *testing.T) {
	r := startReady(t, 5)
	var batch []object
	for trial, i := range []int{3, 0, 3, 4, 0, 3} {
		batch = append(batch, r.result(i, object{"result": object{"trial": trial}}))
	}
	for range 2 { // the same request twice: nothing tells a retry from a new trial
		answer := ask[[]object](r.api, "POST", r.results+"/batch", batch)
		for i, item := range answer {
			assert.Equal(t, batch[i]["test_case_id"], item["test_case_id"])
			assert.Equal(t, float64(i), item["result"].(object)["trial"])
		}
	}
	items := r.all(r.results, 5)
	require.Len(t, items, 12)
	for i, item := range items {
		assert.Equal(t, float64(i%6), item["result"].(object)["trial"])
	}
	assert.Len(t, unique(ids(items)), 12)
	assert.Equal(t, []object{}, ask[[]object](r.api, "POST", r.results+"/batch", []object{}), "an empty batch is none")
	assert.Equal(t, 12, r.page(r.results).Total)
}

func unique(all []string) map[string]bool {
	seen := map[string]bool{}
	for _, s := range all {
		seen[s] = true
	}
	return seen
}

func TestViewsOfResults(t *testing.T) {
	r := startReady(t, 2)
	ask[[]object](r.api, "POST", r.results+"/batch", []object{r.result(0, nil), r.result(1, nil)})
	for _, query := range []string{
		"view=TestCaseVersion,Metrics,CustomMetrics,AnnotationResults,AuditTasks,Task,Trace",
		"view=TestCaseVersion&view=Metrics&view=CustomMetrics&view=AnnotationResults&view=AuditTasks",
		"view=TestCaseVersion,Metrics&view=CustomMetrics,AnnotationResults,AuditTasks&view=",
	} {
		for i, item := range r.page(r.results + "?" + query).Items {
			assert.Equal(t, r.cases[i], item["test_case_version"].(object)["id"])
			assert.Equal(t, object{}, item["metrics"])
			for _, name := range []string{"custom_metrics", "annotation_results", "audit_tasks"} {
				assert.Equal(t, []any{}, item[name], name)
			}
			assert.Equal(t, item, r.get(r.results+"/"+item["id"].(string)+"?"+query))
		}
	}
	assert.NotContains(t, r.page(r.results).Items[0], "metrics")
}

// Batches that are posted at once come one after the other: none is torn, none
// is lost, and the counts are right.
func TestConcurrentBatches(t *testing.T) {
	r := startReady(t, 20)
	const posters, batches = 8, 10
	var all sync.WaitGroup
	for p := range posters {
		all.Go(func() {
			for b := range batches {
				var batch []object
				for i := range r.cases {
					batch = append(batch, r.result(i, object{"result": object{"from": fmt.Sprint(p, "/", b)}}))
				}
				if b == 4 { // and refused ones in between
					batch[9]["test_case_id"] = "none"
					r.problems("POST", r.results+"/batch", batch)
					batch[9]["test_case_id"] = r.cases[9]
				}
				answer := ask[[]object](r.api, "POST", r.results+"/batch", batch)
				assert.Len(t, answer, len(r.cases))
			}
		})
	}
	all.Wait()
	items := r.all(r.results, 1000)
	require.Len(t, items, posters*batches*len(r.cases))
	seen := map[any]bool{}
	for i := 0; i < len(items); i += len(r.cases) {
		from := items[i]["result"].(object)["from"]
		assert.False(t, seen[from])
		seen[from] = true
		for k, item := range items[i : i+len(r.cases)] {
			assert.Equal(t, from, item["result"].(object)["from"], "batch %d is torn", i)
			assert.Equal(t, r.cases[k], item["test_case_id"])
		}
	}
	e := r.get("/v4/evaluations/" + r.evaluation)
	assert.Equal(t, float64(len(items)), e["total_test_case_result_count"])
	assert.Equal(t, "COMPLETED", e["status"])
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(dir)
	require.NoError(t, err)
	a := start(t, sgpserver.Config{Store: db})
	d := a.dataset("GENERATION")
	cases := a.cases(d, 3)
	a.publish(d)
	draft := a.post("/v4/evaluation-datasets/"+d+"/evaluation-dataset-versions", object{})
	r := ready{api: a, dataset: d, cases: cases, spec: a.spec()}
	r.evaluation = a.evaluation(r.spec)
	r.results = "/v4/evaluations/" + r.evaluation + "/test-case-results"
	ask[[]object](a, "POST", r.results+"/batch", []object{r.result(2, object{"result": object{"q": 1}}), r.result(0, nil)})
	paths := []string{
		"/v4/evaluation-datasets?view=DatasetVersion,TestCaseCount", "/v4/evaluation-datasets/" + d + "/test-cases",
		"/v4/evaluation-datasets/" + d + "/test-cases/history/1", "/v4/application-specs", "/v4/evaluations?view=ApplicationSpec,EvaluationDatasets",
		r.results + "?view=TestCaseVersion",
	}
	before := map[string]object{}
	for _, path := range paths {
		before[path] = a.get(path)
	}
	require.NoError(t, db.Close())

	db, err = store.Open(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	b := start(t, sgpserver.Config{Store: db})
	for _, path := range paths {
		assert.Equal(t, before[path], b.get(path), path)
	}
	r.api = b
	ask[[]object](b, "POST", r.results+"/batch", []object{r.result(1, nil)})
	assert.Equal(t, []string{cases[2], cases[0], cases[1]}, testCases(b.page(r.results).Items))
	more := b.cases(d, 1)
	b.publish(d)
	assert.Equal(t, append(cases, more...), ids(b.page("/v4/evaluation-datasets/"+d+"/test-cases/history/2").Items))
	assert.Equal(t, 2.0, draft["num"])
}

func testCases(items []object) (ids []string) {
	for _, item := range items {
		ids = append(ids, item["test_case_id"].(string))
	}
	return ids
}
