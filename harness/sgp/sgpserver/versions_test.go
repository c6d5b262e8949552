package sgpserver_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
)

func ids(items []object) (ids []string) {
	for _, item := range items {
		ids = append(ids, item["id"].(string))
	}
	return ids
}

// A published version never changes, whatever is added later.
func TestPublishFreezes(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	path := "/v4/evaluation-datasets/" + d
	versions := path + "/evaluation-dataset-versions"
	assert.Zero(t, a.page(versions).Total, "an upload alone makes no version")
	one := a.cases(d, 2)
	assert.Contains(t, a.detail(http.StatusNotFound, "GET", path+"/test-cases/history/1", nil), "not found")
	a.publish(d)
	a.publish(d) // again, with nothing new: makes no second version
	two := a.cases(d, 1)
	a.publish(d)
	three := a.cases(d, 3)

	list := a.page(versions)
	require.Equal(t, 2, list.Total)
	for i, v := range list.Items {
		assert.Equal(t, float64(i+1), v["num"])
		assert.Equal(t, false, v["draft"])
		assert.NotEmpty(t, v["published_at"])
		assert.Equal(t, d, v["evaluation_dataset_id"])
		assert.Equal(t, v, a.get(versions+"/"+v["id"].(string)))
	}
	assert.Equal(t, one, ids(a.page(path+"/test-cases/history/1").Items))
	both := append(append([]string{}, one...), two...)
	assert.Equal(t, both, ids(a.page(path+"/test-cases/history/2").Items))
	assert.Equal(t, append(both, three...), ids(a.page(path+"/test-cases").Items))
	assert.Equal(t, 6.0, a.get(path + "?view=TestCaseCount")["test_case_count"])
}

func TestDraftVersions(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	path := "/v4/evaluation-datasets/" + d
	versions := path + "/evaluation-dataset-versions"
	history := func(num string) int { return a.page(path + "/test-cases/history/" + num).Total }

	first := a.post(versions, object{"account_id": "v", "note": "mine"})
	assert.Equal(t, 1.0, first["num"])
	assert.Equal(t, true, first["draft"])
	assert.NotContains(t, first, "published_at")
	assert.Equal(t, "v", first["account_id"])
	assert.Equal(t, "mine", first["note"])
	a.cases(d, 1)
	assert.Contains(t, a.detail(http.StatusNotFound, "GET", path+"/test-cases/history/1", nil), "not published")
	assert.Equal(t, true, a.post(versions+"/"+first["id"].(string)+"/publish?force=true", nil)["success"])
	assert.Equal(t, 1, history("1"))
	a.cases(d, 1)
	a.post(versions+"/"+first["id"].(string)+"/publish", nil) // it is published: nothing changes
	assert.Equal(t, 1, history("1"))

	second := a.post(versions, nil)
	assert.Equal(t, 2.0, second["num"])
	a.cases(d, 1)
	a.publish(d) // the newest draft, not a third version
	assert.Equal(t, 3, history("2"))
	assert.Equal(t, 2, a.page(versions).Total)

	a.cases(d, 1)
	third := a.post(versions, object{"draft": false})
	assert.Equal(t, false, third["draft"])
	assert.Equal(t, 4, history("3"))
	fourth := a.post(versions, object{"published_at": "2026-05-04T03:02:01+02:00"})
	assert.Equal(t, "2026-05-04T01:02:01.000000Z", fourth["published_at"])
	assert.Equal(t, 4, history("4"))
	assert.Equal(t, true, a.post(versions, object{"draft": true, "published_at": "2026-05-04T03:02:01Z"})["draft"])
}

// Reading a pinned version page by page to its end is not disturbed by cases
// that are added and published meanwhile.
func TestPinnedVersionDoesNotShift(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	want := a.cases(d, 250)
	a.publish(d)
	stop := make(chan struct{})
	var adding sync.WaitGroup
	adding.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				a.cases(d, 7)
				a.publish(d)
			}
		}
	})
	path := "/v4/evaluation-datasets/" + d + "/test-cases"
	for range 5 {
		assert.Equal(t, want, ids(a.all(path+"/history/1", 9)))
		assert.Equal(t, want, ids(a.all(path, 40))[:250], "the live list grows at its end only")
	}
	close(stop)
	adding.Wait()
}

func TestPagesOfTenThousandAndOneCases(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	want := a.cases(d, 10_001)
	a.publish(d)
	path := "/v4/evaluation-datasets/" + d + "/test-cases"
	for _, list := range []string{path, path + "/history/1"} {
		p := a.page(list + "?limit=10000")
		assert.Equal(t, 10_001, p.Total)
		assert.Equal(t, 10_000, p.Limit)
		assert.Equal(t, 1, p.Current)
		require.Len(t, p.Items, 10_000)
		assert.Equal(t, want[:10_000], ids(p.Items))
		p = a.page(list + "?limit=10000&page=2")
		assert.Equal(t, want[10_000:], ids(p.Items))
		assert.Equal(t, 2, p.Current)
		p = a.page(list + "?limit=10000&page=3")
		assert.Equal(t, []object{}, p.Items, "behind the end: empty, and not null")
		assert.Equal(t, 10_001, p.Total)
		assert.Equal(t, want, ids(a.all(list, 777)))
		p = a.page(list)
		assert.Equal(t, 100, p.Limit)
		assert.Len(t, p.Items, 100)
		assert.Empty(t, a.page(list+"?page=281474976710656").Items)
	}
}

func TestFlexibleDataset(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("FLEXIBLE")
	path := "/v4/evaluation-datasets/" + d + "/test-cases"
	inputs := []any{
		"text",
		object{"question": "q", "n": 1.0, "share": 0.5, "turns": []any{object{"role": "user", "content": "hi"}}, "o": object{"deep": true}},
		object{},
	}
	var batch []object
	for _, in := range inputs {
		batch = append(batch, object{"test_case_data": object{"input": in, "expected_output": in}})
	}
	added := ask[[]object](a, "POST", path+"/batch", batch)
	a.publish(d)
	spec := a.spec()
	results := "/v4/evaluations/" + a.evaluation(spec) + "/test-case-results"
	for i, c := range a.page(path + "/history/1").Items {
		assert.Equal(t, "FLEXIBLE", c["schema_type"])
		assert.Equal(t, inputs[i], c["test_case_data"].(object)["input"])
		assert.Equal(t, added[i], c)
		r := a.post(results, object{
			"application_spec_id": spec, "evaluation_dataset_version_num": "1", "test_case_id": c["id"],
			"test_case_evaluation_data": object{"generation_output": inputs[i]},
		})
		assert.Equal(t, "FLEXIBLE", r["test_case_evaluation_data_schema"])
		assert.Equal(t, inputs[i], r["test_case_evaluation_data"].(object)["generation_output"])
	}
	assert.Equal(t, "string_or_dict_type", a.problems("POST", results, object{
		"application_spec_id": spec, "evaluation_dataset_version_num": "1", "test_case_id": added[0]["id"],
		"test_case_evaluation_data": object{"generation_output": 1},
	})[0].Type)
}

// Booleans in flexible data are more than the schema lists, but a case that has
// one is not lost.
func TestFlexibleDataTakesBooleans(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("FLEXIBLE")
	body := jsonReader(t, object{"test_case_data": object{"input": object{"urgent": true, "none": nil}}})
	resp, err := http.Post(a.url+"/v4/evaluation-datasets/"+d+"/test-cases", "application/json", body)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, object{"input": object{"urgent": true, "none": nil}}, readObject(t, resp.Body)["test_case_data"])
}

func TestConcurrentPublishesMakeOneVersion(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	a.cases(d, 3)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { a.publish(d) })
	}
	all.Wait()
	versions := "/v4/evaluation-datasets/" + d + "/evaluation-dataset-versions"
	assert.Equal(t, 1, a.page(versions).Total)

	nums := make(chan string, 8)
	for range 8 {
		all.Go(func() {
			nums <- strconv.FormatFloat(a.post(versions, object{})["num"].(float64), 'f', -1, 64)
		})
	}
	all.Wait()
	close(nums)
	seen := map[string]bool{}
	for n := range nums {
		seen[n] = true
	}
	assert.Len(t, seen, 8, "each version has a number of its own")
}
