package runner

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
	"github.com/evalrun/evalrun/harness/store"
)

func TestRetell(t *testing.T) {
	w := newCallCenter(t, 6)
	report := w.complete(w.suite("trials: 2", "gate: [retell.pass_rate >= 0.6]"), Options{})
	assert.Equal(t, CodePass, Code(report))
	assert.EqualValues(t, 12, report.Trials.Completed)
	assert.InDelta(t, 4.0/6, *report.Metric("retell").PassRate, 1e-9)
	assert.Empty(t, report.Warnings)
	w.playedOnce(6, 2)
	require.Len(t, w.server.Batches(), 2)

	r := w.result(report.RunID, "tc0002", 2)
	assert.Equal(t, "You want thing tc0002", r.Case.Input)
	assert.Equal(t, map[string]any{"test_case_definition_id": "tc0002"}, r.Case.Metadata)
	run := w.server.Runs(w.server.Batches()[1].ID)[2]
	assert.False(t, *r.Scores[0].Pass)
	assert.Equal(t, *run.Explanation, r.Scores[0].Reason)
	answer := r.Output.Value.(map[string]any)
	assert.Equal(t, "fail", answer["result"])
	assert.NotEmpty(t, answer["transcript"])
	assert.Equal(t, run.ID, r.Output.Metadata["test_case_job_id"])
	assert.Equal(t, "You want thing tc0002", r.Output.Metadata["definition"].(map[string]any)["user_prompt"])
}

func TestRetellMoreThanOneBatchHolds(t *testing.T) {
	w := newCallCenter(t, 1001)
	report := w.complete(w.suite(), Options{})
	assert.EqualValues(t, 1001, report.Trials.Completed)
	batches := w.server.Batches()
	require.Len(t, batches, 2)
	assert.Equal(t, []int{1000, 1}, []int{batches[0].TotalCount, batches[1].TotalCount})
	w.playedOnce(1001, 1)
}

func TestRetellOtherEvaluatorsBeside(t *testing.T) {
	w := newCallCenter(t, 3)
	report := w.complete(w.suite("evaluators: [{icontains: {value: transcript, name: has}}]"), Options{})
	assert.Equal(t, 1.0, *report.Metric("has").PassRate)
	assert.InDelta(t, 2.0/3, *report.Metric("retell").PassRate, 1e-9)
}

func TestRetellOfOneCase(t *testing.T) {
	w := newCallCenter(t, 3)
	report := w.complete(w.suite("  test_cases: [tc0002, tc0000]"), Options{Selection: Selection{Cases: []string{"case tc0000"}}})
	assert.EqualValues(t, 1, report.Trials.Completed)
	assert.Equal(t, map[string]int{"tc0000": 1}, w.played())
}

func TestTwoEnginesOfRetellCompare(t *testing.T) {
	w := newCallCenter(t, 30)
	was := w.complete(w.suite("trials: 2", "reduce: {pass_k: 2}"), Options{})
	is := w.complete(w.suite("  response_engine: {type: retell-llm, llm_id: llm_1, version: 9}", "trials: 2", "reduce: {pass_k: 2}"), Options{})
	c, err := Compare(t.Context(), w.store, was.RunID, []string{is.RunID}, 20)
	require.NoError(t, err)
	require.Len(t, c, 1)
	assert.Len(t, c[0].Flipped, 10, "every third case, one by one")
	require.NotEmpty(t, c[0].Summary.Metrics)
	assert.Contains(t, c[0].Summary.Notes, "the app's settings have changed: it was version 3 and is version 9")
}

func TestRetellBeforeAnythingIsPaidFor(t *testing.T) {
	for name, tc := range map[string]struct{ line, want string }{
		"unknown IDs":        {"  test_cases: [tc0000, nobody, noone]", `no test case "nobody", "noone"`},
		"a name of nothing":  {`  test_cases: {names: ["case*", "zzz*"]}`, `a name like "zzz*"`},
		"an engine of none":  {"  response_engine: {type: retell-llm, llm_id: llm_2, version: 3}", "has no test cases"},
		"a flow of the same": {"  response_engine: {type: conversation-flow, conversation_flow_id: llm_1}", "has no test cases"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCallCenter(t, 2)
			_, err := w.run(w.suite(tc.line), Options{})
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, CodeUsage, CodeOf(err))
			assert.Empty(t, w.server.Batches())
			infos, err := w.store.Runs(t.Context())
			require.NoError(t, err)
			assert.Empty(t, infos, "there is no run")
		})
	}
}

func TestRetellOfAnErroredRun(t *testing.T) {
	w := newCallCenter(t, 3)
	w.set(lastRun(func(r *run) { r.Status, r.Explanation = "error", nil }))
	report := w.complete(w.suite(), Options{})
	assert.Equal(t, CodeIncomplete, Code(report))
	r := w.result(report.RunID, "tc0002", 1)
	require.NotNil(t, r.Error)
	assert.Equal(t, harness.KindApp, r.Error.Kind)
	assert.Contains(t, r.Error.Message, "ended as an error")

	t.Run("and again", func(t *testing.T) {
		report := w.complete(w.suite(), Options{RetryErrors: true})
		assert.EqualValues(t, 3, report.Trials.Completed)
		assert.Zero(t, report.AppErrors())
		assert.Equal(t, map[string]int{"tc0000": 1, "tc0001": 1, "tc0002": 2}, w.played())
	})
}

// TestRetellKeepsWhatCame: numbers that no float64 holds, fields that nobody knows.
func TestRetellKeepsWhatCame(t *testing.T) {
	const transcript = `{"call":12345678901234567890,"turns":[{"role":"agent","text":"<b>&"},null,true]}`
	w := newCallCenter(t, 1)
	w.set(retellserver.Faults{Runs: func(_ retellserver.Request, all []run) []run {
		if all[0].Finished() {
			all[0].Transcript = json.RawMessage(transcript)
			all[0].Definition.Unknown = retell.Unknown{"mood": json.RawMessage(`{"angry":0.5}`)}
			all[0].Explanation = nil
		}
		return all
	}})
	report := w.complete(w.suite(), Options{})
	r := w.result(report.RunID, "tc0000", 1)
	data, err := json.Marshal(r.Output.Value.(map[string]any)["transcript"])
	require.NoError(t, err)
	assert.JSONEq(t, transcript, string(data))
	assert.Contains(t, string(data), "12345678901234567890")
	assert.Equal(t, map[string]any{"angry": 0.5}, r.Output.Metadata["definition"].(map[string]any)["mood"])
	assert.True(t, *r.Scores[0].Pass)
}

// TestRetellByNameAndOfAnotherEngine: the engine of the batch is what is tested,
// whatever engine the test cases name.
func TestRetellByNameAndOfAnotherEngine(t *testing.T) {
	w := newCallCenter(t, 12)
	report := w.complete(w.suite(`  test_cases: {names: ["case*1", "*0"]}`), Options{})
	assert.EqualValues(t, 4, report.Trials.Completed, "0, 1, 10 and 11")
	report = w.complete(w.suite("  response_engine: {type: retell-llm, llm_id: llm_other, version: 9}", "  test_cases: [tc0005, tc0002]"), Options{})
	assert.Equal(t, 1.0, *report.Metric("retell").PassRate)
	batches := w.server.Batches()
	assert.Equal(t, "llm_other", batches[len(batches)-1].ResponseEngine.LLMID)
}

// TestRetellResumeKeepsItsEngine: batches of one engine do not count for another.
func TestRetellResumeKeepsItsEngine(t *testing.T) {
	w := newCallCenter(t, 3)
	w.set(refused(retellserver.OpGetBatch, 2, 402))
	outcome := w.stopped(w.suite(), Options{})
	w.set(noFaults)
	_, err := w.run(w.suite("  response_engine: {type: retell-llm, llm_id: llm_1, version: 9}"), Options{Resume: outcome.RunID, AllowDrift: true})
	require.ErrorContains(t, err, "the run began with retell-llm llm_1 version 3, and not with retell-llm llm_1 version 9")
	assert.Equal(t, CodeUsage, CodeOf(err))
	w.complete(w.suite(), Options{Resume: outcome.RunID})
	w.playedOnce(3, 1)
}

// TestRetellDefinitionThatChanges: its case is another one, and a run that began with
// the other one says so.
func TestRetellDefinitionThatChanges(t *testing.T) {
	w := newCallCenter(t, 3)
	w.set(refused(retellserver.OpGetBatch, 2, 402))
	outcome := w.stopped(w.suite(), Options{})
	w.set(retellserver.Faults{Definitions: func(_ retellserver.Request, all []retell.TestCaseDefinition) []retell.TestCaseDefinition {
		all[0].Metrics = []string{"is quick"}
		return all
	}})
	outcome = w.stopped(w.suite(), Options{Resume: outcome.RunID})
	assert.ErrorIs(t, outcome.Err, store.ErrDatasetChanged)
	w.playedOnce(3, 1)
}
