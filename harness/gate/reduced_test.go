package gate_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
)

// reducedReport is that of cases with so many trials each, not all of which need to
// have a result.
func reducedReport(t *testing.T, reducer string, trials int, cases ...[]outcome) *harness.Report {
	t.Helper()
	r, err := reduce.Parse(reducer)
	require.NoError(t, err)
	f := harness.NewFold(trials, "equals")
	f.Reduce(r.Reduce)
	for i, outcomes := range cases {
		for j, o := range outcomes {
			f.Add(result(i, j+1, o))
		}
	}
	report := f.Report(int64(len(cases)))
	report.Reduce = reducer
	return report
}

func judgedReport(t *testing.T, r *harness.Report, check string) harness.CheckResult {
	t.Helper()
	c, err := gate.Parse(check)
	require.NoError(t, err)
	gate.Judge(r, []gate.Check{c}, nil)
	return r.Gate[0]
}

func TestUnansweredTrialsOfReducedCases(t *testing.T) {
	cases := [][]outcome{{fail, fail}, {fail, fail}, {timeout, timeout}, {fail, timeout}}
	for check, want := range map[string]harness.Verdict{
		"equals.pass_rate >= 0.5": harness.Fail,
		"equals.mean >= 0.5":      harness.Fail,
		"equals.pass_rate >= 0":   harness.Pass,
		"equals.pass_rate <= 0.1": harness.Inconclusive, // they count as passes here
		"equals.mean <= 0.1":      harness.Inconclusive,
		"equals.mean == 0":        harness.Inconclusive,
	} {
		got := judgedReport(t, reducedReport(t, "median", 2, cases...), check)
		assert.Equal(t, want, got.Verdict, "%s: %s", check, got.Reason)
	}
	assert.Equal(t, harness.Pass, judgedReport(t, reducedReport(t, "median", 2, cases[:2]...), "equals.mean <= 0.1").Verdict)
}

func TestReducersOfTooFewTrials(t *testing.T) {
	r := reducedReport(t, "pass_k:3", 3, []outcome{pass, pass, pass}, []outcome{pass, pass})
	m := r.Metric("equals")
	assert.Equal(t, [2]float64{0.5, 1}, m.PassBounds, "two trials say nothing of three")
	assert.Equal(t, harness.Inconclusive, judgedReport(t, r, "equals.pass_rate >= 0.9").Verdict)
	_, err := json.Marshal(r)
	require.NoError(t, err)
}
