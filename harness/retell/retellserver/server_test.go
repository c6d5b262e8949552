package retellserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

func TestDefinitions(t *testing.T) {
	a := start(t, retellserver.Config{})
	mocks := []object{
		{"tool_name": "book", "input_match_rule": object{"type": "any"}, "output": `{"ok":true}`},
		{"tool_name": "transfer_call", "input_match_rule": object{"type": "partial_match", "args": object{"to": "+1", "n": 3}}, "output": "done", "result": true},
	}
	made := ask[object](a, 201, "POST", "/create-test-case-definition", object{
		"name": "refund", "response_engine": object{"type": "conversation-flow", "conversation_flow_id": "f", "version": nil},
		"user_prompt": "You want a refund.", "metrics": []string{}, "tool_mocks": mocks, "llm_model": "gpt-5-mini", "color": "red",
	})
	id := made["test_case_definition_id"].(string)
	assert.Equal(t, "simulation", made["type"])
	assert.Equal(t, object{}, made["dynamic_variables"])
	assert.Equal(t, object{"type": "conversation-flow", "conversation_flow_id": "f", "version": nil}, made["response_engine"])
	assert.EqualValues(t, a.clock.Now().UnixMilli(), made["creation_timestamp"])
	assert.NotContains(t, made, "color", "what is not known is dropped")
	assert.Equal(t, made, ask[object](a, 200, "GET", "/get-test-case-definition/"+id, nil))

	a.clock.add(time.Minute)
	changed := ask[object](a, 200, "PUT", "/update-test-case-definition/"+id, object{"name": "refund 2", "tool_mocks": []object{}})
	assert.Equal(t, "refund 2", changed["name"])
	assert.Empty(t, changed["tool_mocks"])
	assert.Equal(t, made["user_prompt"], changed["user_prompt"])
	assert.Equal(t, made["creation_timestamp"], changed["creation_timestamp"])
	assert.EqualValues(t, a.clock.Now().UnixMilli(), changed["user_modified_timestamp"])
	assert.Equal(t, changed, ask[object](a, 200, "GET", "/get-test-case-definition/"+id, nil))

	plain := ask[object](a, 201, "POST", "/create-test-case-definition", object{"name": "refund", "response_engine": llm(3), "user_prompt": "", "metrics": []string{"a"}})
	assert.NotEqual(t, id, plain["test_case_definition_id"])
	assert.Equal(t, "gpt-4.1", plain["llm_model"])
	for _, path := range []string{"/v2/list-test-case-definitions", "/list-test-case-definitions"} {
		_, answer := a.send("GET", path+ofLLM, nil)
		assert.Contains(t, string(answer), plain["test_case_definition_id"])
		assert.NotContains(t, string(answer), id, "it is another engine's")
	}

	status, answer := a.send("DELETE", "/delete-test-case-definition/"+id, nil)
	assert.Equal(t, 204, status)
	assert.Empty(t, answer)
	for _, gone := range []string{"GET /get", "PUT /update", "DELETE /delete"} {
		method, path, _ := strings.Cut(gone, " ")
		var body any
		if method == "PUT" {
			body = object{}
		}
		assert.Equal(t, "The requested resource was not found.", a.refused(404, method, path+"-test-case-definition/"+id, body))
	}
}

// A batch goes from its first moment to its end, and what is said of it agrees
// with its runs at each.
func TestABatchOverTime(t *testing.T) {
	a := start(t, retellserver.Config{Seed: 4, Concurrency: 5, Odds: func(retell.TestCaseDefinition, retell.ResponseEngine) retellserver.Odds {
		return retellserver.Odds{Pass: 0.6, Error: 0.2}
	}})
	var ids []string
	for i := range 30 {
		ids = append(ids, a.definition(fmt.Sprint("case ", i), nil))
	}
	b := a.batch(llm(2), ids...)
	assert.Equal(t, retell.StatusInProgress, b.Status)
	assert.Equal(t, 30, b.TotalCount)
	seen := map[string]map[string]bool{}
	for range 60 {
		b = ask[retell.BatchTest](a, 200, "GET", "/get-batch-test/"+b.ID, nil)
		count := map[string]int{}
		modified := b.Created
		for i, r := range a.runs(b.ID) {
			assert.Equal(t, ids[i], r.DefinitionID)
			if i%10 == 0 {
				assert.Equal(t, r, ask[retell.TestRun](a, 200, "GET", "/get-test-run/"+r.ID, nil))
			}
			assert.Equal(t, r.Finished(), r.Explanation != nil)
			assert.Equal(t, r.Finished(), string(r.Transcript) != "null")
			count[r.Status]++
			modified = max(modified, r.UserModified)
			if seen[r.ID] == nil {
				seen[r.ID] = map[string]bool{}
			}
			seen[r.ID][r.Status] = true
		}
		assert.LessOrEqual(t, count[retell.StatusInProgress], 5)
		assert.Equal(t, count[retell.StatusPass], b.PassCount)
		assert.Equal(t, count[retell.StatusFail], b.FailCount)
		assert.Equal(t, count[retell.StatusError], b.ErrorCount)
		assert.Equal(t, modified, b.UserModified)
		assert.Equal(t, count[retell.StatusPending]+count[retell.StatusInProgress] == 0, b.Finished())
		if b.Finished() {
			break
		}
		a.clock.add(8 * time.Second)
	}
	require.True(t, b.Finished())
	assert.Positive(t, b.PassCount)
	assert.Positive(t, b.FailCount)
	assert.Positive(t, b.ErrorCount)
	for id, states := range seen {
		assert.True(t, states[retell.StatusPending] && states[retell.StatusInProgress], id)
		assert.Len(t, states, 3, id)
	}
}

// What was run is what there was when the batch was made.
func TestSnapshots(t *testing.T) {
	a := start(t, retellserver.Config{})
	id := a.definition("before", nil)
	b := a.batch(llm(), id)
	ask[object](a, 200, "PUT", "/update-test-case-definition/"+id, object{"name": "after"})
	a.send("DELETE", "/delete-test-case-definition/"+id, nil)
	a.clock.add(time.Hour)
	run := a.runs(b.ID)[0]
	assert.Equal(t, "before", run.Definition.Name)
	assert.True(t, run.Finished())
	assert.Contains(t, a.refused(400, "POST", "/create-batch-test", object{"test_case_definition_ids": []string{id}, "response_engine": llm()}), "no test case definition")
	assert.Len(t, a.server.Batches(), 1)
}

func TestPages(t *testing.T) {
	a := start(t, retellserver.Config{})
	var ids []string
	for i := range 120 {
		ids = append(ids, a.definition(fmt.Sprint("case ", i), nil))
	}
	b := a.batch(llm(), ids...)
	walk := func(path, limit string, size int) []string {
		var got []string
		for key := ""; ; {
			page := ask[object](a, 200, "GET", path+limit+key, nil)
			items := page["items"].([]any)
			for _, item := range items {
				o := item.(object)
				if id, ok := o["test_case_job_id"]; ok {
					got = append(got, id.(string))
				} else {
					got = append(got, o["test_case_definition_id"].(string))
				}
			}
			next, more := page["pagination_key"]
			require.Equal(t, more, page["has_more"])
			if !more {
				return got
			}
			require.Len(t, items, size)
			key = "&pagination_key=" + next.(string)
		}
	}
	var newest []string
	for i := range ids {
		newest = append(newest, ids[len(ids)-1-i])
	}
	list := "/v2/list-test-case-definitions" + ofLLM
	assert.Equal(t, newest, walk(list, "", 50))
	assert.Equal(t, newest, walk(list, "&limit=40", 40))
	assert.Equal(t, newest, walk(list, "&limit=120", 120))
	assert.Equal(t, newest, walk(list, "&limit=1000", 1000))
	var runs []string
	for _, r := range a.server.Runs(b.ID) {
		runs = append(runs, r.ID)
	}
	assert.Equal(t, runs, walk("/v2/list-test-runs/"+b.ID, "?limit=7", 7))
	assert.Len(t, ask[[]object](a, 200, "GET", "/list-test-runs/"+b.ID, nil), 120)
	assert.Len(t, ask[[]object](a, 200, "GET", "/list-test-case-definitions"+ofLLM, nil), 120)
	assert.Empty(t, ask[[]object](a, 200, "GET", "/list-batch-tests?type=conversation-flow&conversation_flow_id=x", nil))

	// Items that are new or gone don't shift the next page.
	first := ask[retell.Page[retell.TestCaseDefinition]](a, 200, "GET", list+"&limit=2", nil)
	a.send("DELETE", "/delete-test-case-definition/"+first.Items[0].ID, nil)
	a.definition("new", nil)
	second := ask[retell.Page[retell.TestCaseDefinition]](a, 200, "GET", list+"&limit=2&pagination_key="+first.PaginationKey, nil)
	assert.Equal(t, newest[2], second.Items[0].ID)
	assert.Contains(t, a.refused(400, "GET", list+"&pagination_key=nobody", nil), "pagination_key")
}

func TestBatchesOfAVersion(t *testing.T) {
	a := start(t, retellserver.Config{})
	id := a.definition("a", nil)
	listed := func(query string) (out []string) {
		for _, b := range ask[retell.Page[retell.BatchTest]](a, 200, "GET", "/v2/list-batch-tests"+ofLLM+query, nil).Items {
			out = append(out, b.ID)
		}
		return out
	}
	assert.Empty(t, listed(""))
	one, two, latest, again := a.batch(llm(1), id).ID, a.batch(llm(2), id).ID, a.batch(llm(), id).ID, a.batch(llm(2), id).ID
	assert.Equal(t, []string{again, latest, two}, listed(""))
	assert.Equal(t, []string{again, latest, two}, listed("&version=2"))
	assert.Equal(t, []string{one}, listed("&version=1"))
	assert.Empty(t, listed("&version=3"))
}

// The same seed gives the same, another one something else.
func TestSeed(t *testing.T) {
	verdicts := func(seed uint64) string {
		a := start(t, retellserver.Config{Seed: seed})
		id := a.definition("a", object{"simulated_pass_rate": "0.5"})
		b := a.batch(llm(), strings.Fields(strings.Repeat(id+" ", 40))...)
		a.clock.add(time.Hour)
		var out strings.Builder
		for _, r := range a.runs(b.ID) {
			out.WriteString(r.Status + " " + *r.Explanation + string(r.Transcript))
		}
		return out.String()
	}
	assert.Equal(t, verdicts(1), verdicts(1))
	assert.NotEqual(t, verdicts(1), verdicts(2))
}

// Definitions say how often they pass, for a version too.
func TestOdds(t *testing.T) {
	a := start(t, retellserver.Config{})
	id := a.definition("a", object{"simulated_pass_rate": "0.9", "simulated_pass_rate_v2": "0.1", "unrelated": "x"})
	trouble := a.definition("b", object{"simulated_error_rate": "1"})
	sure := a.definition("c", object{"simulated_pass_rate": "1"})
	rate := func(engine object, id string) retell.BatchTest {
		b := a.batch(engine, strings.Fields(strings.Repeat(id+" ", 400))...)
		a.clock.add(24 * time.Hour)
		return ask[retell.BatchTest](a, 200, "GET", "/get-batch-test/"+b.ID, nil)
	}
	assert.InDelta(t, 360, rate(llm(1), id).PassCount, 25)
	assert.InDelta(t, 360, rate(llm(), id).PassCount, 25)
	assert.InDelta(t, 40, rate(llm(2), id).PassCount, 25)
	assert.Equal(t, 400, rate(llm(), trouble).ErrorCount)
	assert.Equal(t, 400, rate(llm(), sure).PassCount)
	for _, bad := range []string{"2", "-0.1", "NaN", "often", ""} {
		assert.Contains(t, a.refused(400, "PUT", "/update-test-case-definition/"+id, object{"dynamic_variables": object{"simulated_pass_rate": bad}}), "/dynamic_variables/simulated_pass_rate")
	}
	assert.Panics(t, func() {
		retellserver.New(retellserver.Config{Definitions: []retell.TestCaseDefinition{{Name: "x", DynamicVariables: map[string]string{"simulated_error_rate": "7"}}}})
	})
}

func TestSeededDefinitions(t *testing.T) {
	a := start(t, retellserver.Config{Definitions: []retell.TestCaseDefinition{
		{ID: "tc_1", Name: "one", ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"}},
		{Name: "two", ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"}},
	}})
	all := ask[retell.Page[retell.TestCaseDefinition]](a, 200, "GET", "/v2/list-test-case-definitions"+ofLLM, nil).Items
	require.Len(t, all, 2)
	assert.Equal(t, "tc_1", all[1].ID)
	assert.NotEmpty(t, all[0].ID)
	assert.Equal(t, 1, a.batch(llm(), "tc_1").TotalCount)
}
