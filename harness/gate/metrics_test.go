package gate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// withMetrics makes a run whose answers have these metrics, all of them passed; in
// the first case there is no answer.
func withMetrics(names ...string) *compare.List {
	cases := []compare.Case{{ID: "0", Hash: "h", Trials: []compare.Trial{{Error: harness.KindApp}}}}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		pass, trial := true, compare.Trial{Scores: map[string]compare.Score{}}
		for _, name := range names {
			trial.Scores[name] = compare.Score{Value: 1, Pass: &pass}
		}
		cases = append(cases, compare.Case{ID: id, Hash: "h", Trials: []compare.Trial{trial}})
	}
	return compare.NewList(compare.About{Name: "run", Reduce: "mean", Trials: 1, Metrics: names}, cases)
}

// TestMetricsOfOneRun: an evaluator that only one of the runs has is not compared:
// neither with nothing, nor with the zeros of cases without an answer.
func TestMetricsOfOneRun(t *testing.T) {
	for _, tt := range []struct {
		name, check string
		now, base   *compare.List
		verdict     harness.Verdict
		says        string
		compared    int
	}{
		{"taken out", "no_regression", withMetrics("a"), withMetrics("a", "b"), harness.Pass, "not compared, as only the baseline has it: b", 1},
		{"new", "no_regression", withMetrics("a", "b"), withMetrics("a"), harness.Pass, "", 1},
		{"new and asked for", "no_regression: {metrics: [a, b]}", withMetrics("a", "b"), withMetrics("a"), harness.Inconclusive, "b is not in both runs", 1},
		{"only that asked for", "no_regression: {metrics: [b]}", withMetrics("a", "b"), withMetrics("a"), harness.Inconclusive, "no case has scores in both runs", 0},
		{"nothing in common", "no_regression", withMetrics("a"), withMetrics("b"), harness.Inconclusive, "no case has scores in both runs", 0},
		{"all", "no_regression", withMetrics("a", "b"), withMetrics("a", "b"), harness.Pass, "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := judged(t, tt.check, tt.now, tt.base, nil)
			assert.Equal(t, tt.verdict, got.Verdict, got.Reason)
			assert.Contains(t, got.Reason, tt.says)
			assert.Len(t, got.Comparisons, tt.compared)
		})
	}
}

func TestIncompleteBaseline(t *testing.T) {
	about := compare.About{Name: "run", Reduce: "mean", Trials: 1, Metrics: []string{"a"}, Incomplete: true}
	got := judged(t, "no_regression", withMetrics("a"), compare.NewList(about, casesOf(t, withMetrics("a"))), nil)
	assert.Contains(t, got.Reason, "the baseline's run did not run to its end")
}

func casesOf(t *testing.T, l *compare.List) (out []compare.Case) {
	for c, err := range l.Cases(t.Context()) {
		assert.NoError(t, err)
		out = append(out, c)
	}
	return out
}
