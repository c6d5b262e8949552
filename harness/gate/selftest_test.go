package gate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
)

// unchanged is a run of cases of several difficulties, each asked so often.
func unchanged(cases, trials int, metrics ...string) *compare.List {
	random := rand.New(rand.NewPCG(7, 7))
	var all []compare.Case
	for i := range cases {
		difficulty := random.Float64()
		c := compare.Case{ID: fmt.Sprint(i), Hash: "h", Metadata: map[string]any{"even": fmt.Sprint(i%2 == 0)}}
		for range trials {
			t := compare.Trial{Scores: map[string]compare.Score{}}
			for _, m := range metrics {
				pass := random.Float64() < difficulty
				s := compare.Score{Pass: &pass}
				if pass {
					s.Value = 1
				}
				t.Scores[m] = s
			}
			c.Trials = append(c.Trials, t)
		}
		all = append(all, c)
	}
	return compare.NewList(compare.About{Name: "run", Trials: trials, Metrics: metrics}, all)
}

func parsed(t *testing.T, texts ...string) (checks []gate.Check) {
	t.Helper()
	for _, text := range texts {
		c, err := gate.Parse(text)
		require.NoError(t, err)
		checks = append(checks, c)
	}
	return checks
}

func selfTest(t *testing.T, run compare.Side, splits int, checks ...string) gate.SelfTest {
	t.Helper()
	out, err := gate.RunSelfTest(t.Context(), run, parsed(t, checks...), gate.SelfTestOptions{Splits: splits, Seed: 1})
	require.NoError(t, err)
	return out
}

// Each half is as good as the other: the gate keeps its level, with one metric and
// with several, and the rule that any drop fails does not.
func TestSelfTestKeepsTheLevel(t *testing.T) {
	const splits = 2000
	for name, run := range map[string]compare.Side{
		"1 a half": unchanged(200, 2, "a"), "2 a half": unchanged(100, 5, "a"), "4 metrics": unchanged(100, 4, "a", "b", "c", "d"),
	} {
		t.Run(name, func(t *testing.T) {
			out := selfTest(t, run, splits, "no_regression: {exact: true}", "a.mean >= 0.1")
			require.Len(t, out.Checks, 1)
			c := out.Checks[0]
			assert.Less(t, float64(c.Failed)/splits, 0.05+3*0.0049, "more than the level and three standard errors")
			assert.Positive(t, c.Failed, "a level of 5 % is not 0")
			assert.Greater(t, float64(c.Dropped)/splits, 0.35)
			var most int64
			for _, m := range c.Metrics {
				assert.LessOrEqual(t, m.Failed, c.Failed)
				most = max(most, m.Dropped)
			}
			assert.LessOrEqual(t, most, c.Dropped)
		})
	}
}

func TestSelfTestTakesTheOptionsOfTheGate(t *testing.T) {
	run := unchanged(150, 2, "a", "b")
	loose := selfTest(t, run, 500, "no_regression: {alpha: 0.4, metrics: [a]}").Checks[0]
	strict := selfTest(t, run, 500, "no_regression: {alpha: 0.01, metrics: [a]}").Checks[0]
	assert.Greater(t, loose.Failed, 5*strict.Failed)
	assert.Len(t, loose.Metrics, 1)
	margin := selfTest(t, run, 500, "no_regression: {margin: 0.2}").Checks[0]
	assert.Zero(t, margin.Failed)
	prove := selfTest(t, run, 500, "no_regression: {mode: prove, margin: 0.01}").Checks[0]
	assert.Positive(t, prove.Inconclusive)
	both := selfTest(t, run, 100, "no_regression", "no_regression: {where: even=true}")
	assert.Len(t, both.Checks, 2)
	assert.NotEqual(t, both.Checks[0].Alarms, both.Checks[1].Alarms)
	without := selfTest(t, run, 100, "improvement: {by: 0.1}")
	assert.Equal(t, "no_regression", without.Checks[0].Check, "a default when the gate has none")
}

// Both tests of a check that fails fast are in it.
func TestSelfTestOfFailFast(t *testing.T) {
	out := selfTest(t, unchanged(200, 2, "a"), 2000, "no_regression: {alpha: 0.4, fail_fast: true}", "no_regression: {alpha: 0.2}").Checks
	assert.Greater(t, out[0].Failed, out[1].Failed, "the test at the end has the half of 0.4, and the other one adds to it")
	assert.Less(t, float64(out[0].Failed)/2000, 0.4)
}

// The same seed gives the same splits, however many are made at once.
func TestSelfTestRepeats(t *testing.T) {
	run := unchanged(50, 4, "a")
	assert.Equal(t, selfTest(t, run, 300), selfTest(t, run, 300))
}

func TestSelfTestNeedsTrials(t *testing.T) {
	_, err := gate.RunSelfTest(t.Context(), unchanged(50, 1, "a"), nil, gate.SelfTestOptions{Splits: 10})
	require.ErrorIs(t, err, gate.ErrTooFewTrials)
	_, err = gate.RunSelfTest(t.Context(), unchanged(50, 5, "a"), nil, gate.SelfTestOptions{Splits: 10, Least: 3})
	require.ErrorIs(t, err, gate.ErrTooFewTrials, "pass_at_k with k 3 needs 3 a half")

	// Cases with one trial are left out and counted; a trial without an answer is 0.
	passed := true
	ok := compare.Trial{Scores: map[string]compare.Score{"a": {Value: 1, Pass: &passed}}}
	failed := compare.Trial{Error: harness.KindApp}
	mixed := compare.NewList(compare.About{Metrics: []string{"a"}}, []compare.Case{
		{ID: "1", Trials: []compare.Trial{ok}}, {ID: "2", Trials: []compare.Trial{ok, failed, ok}}, {ID: "3", Trials: []compare.Trial{ok, ok, ok, ok}},
	})
	out := selfTest(t, mixed, 100)
	assert.EqualValues(t, 2, out.Cases)
	assert.EqualValues(t, 1, out.TooFew)
	assert.Equal(t, [2]int{1, 2}, out.Half)
	assert.Positive(t, out.Checks[0].Dropped, "the failed trial is in the new half in a third of the splits")
	assert.Zero(t, out.Checks[0].Failed, "one case shows nothing")
}
