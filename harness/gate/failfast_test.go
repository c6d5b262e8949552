package gate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
)

// coins are runs of cases with the rates given less a loss, in that order.
func coins(random *rand.Rand, rates []float64, loss float64, trials int, metrics ...string) *compare.List {
	var all []compare.Case
	for i, rate := range rates {
		c := compare.Case{ID: fmt.Sprint(i), Hash: "h"}
		for range trials {
			t := compare.Trial{Scores: map[string]compare.Score{}}
			for _, m := range metrics {
				pass := random.Float64() < rate-loss
				t.Scores[m] = compare.Score{Pass: &pass}
			}
			c.Trials = append(c.Trials, t)
		}
		all = append(all, c)
	}
	return compare.NewList(compare.About{Metrics: metrics, Trials: trials}, all)
}

// fastVerdict judges a run that went to its end, which it only does when no look at
// it on the way was certain: so its verdict is that of both tests together.
func fastVerdict(t *testing.T, base, now *compare.List, check string) (v harness.Verdict, stop *gate.Stop) {
	t.Helper()
	checks := parsed(t, check)
	test := checks[0].NewSequential(base.About(), now.About(), false, nil)
	require.NotNil(t, test)
	_, err := compare.Pair(context.Background(), base, now, func(b, n compare.Case) { test.Add(b, n) })
	require.NoError(t, err)
	e, err := gate.Gather(context.Background(), checks, gate.Sources{Now: now,
		Baseline: func(context.Context, string) (compare.Side, error) { return base, nil }})
	require.NoError(t, err)
	counts := harness.Counts{Planned: 1, Completed: 1}
	r := &harness.Report{Status: harness.Complete, Cases: counts, Trials: counts}
	gate.Judge(r, checks, e)
	if test.Stop() != nil {
		require.Equal(t, harness.Fail, r.Verdict, "what was certain on the way is so at the end")
	}
	return r.Verdict, test.Stop()
}

// Looking after each case and once more at the end fails an unchanged app no more
// often than the level allows, with one metric and several, one trial and several.
func TestFailFastKeepsTheLevel(t *testing.T) {
	const rounds = 1000
	for name, cell := range map[string]struct {
		cases, trials int
		metrics       []string
	}{
		"one metric":     {150, 1, []string{"a"}},
		"three trials":   {80, 3, []string{"a"}},
		"three metrics":  {100, 1, []string{"a", "b", "c"}},
		"a larger suite": {300, 1, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(11, uint64(cell.cases)))
			failed, stopped := 0, 0
			for range rounds {
				rates := make([]float64, cell.cases)
				for i := range rates {
					rates[i] = random.Float64()
				}
				v, stop := fastVerdict(t, coins(random, rates, 0, cell.trials, cell.metrics...), coins(random, rates, 0, cell.trials, cell.metrics...), "no_regression: {fail_fast: true}")
				if v == harness.Fail {
					failed++
				}
				if stop != nil {
					stopped++
				}
			}
			t.Logf("false alarms %.2f%%, of them on the way %.2f%%, over %d pairs of runs", 100*float64(failed)/rounds, 100*float64(stopped)/rounds, rounds)
			assert.LessOrEqual(t, float64(failed)/rounds, 0.05, "the level")
			assert.LessOrEqual(t, float64(stopped)/rounds, 0.025, "the half of the test on the way")
			assert.Positive(t, stopped, "a test that never stops a run shows nothing")
		})
	}
}

// A large regression is certain after a part of the cases; the test at the end has
// little less power than without fail_fast.
func TestFailFastIsFast(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	rates := make([]float64, 400)
	for i := range rates {
		rates[i] = 0.9
	}
	var cases int64
	for range 50 {
		_, stop := fastVerdict(t, coins(random, rates, 0, 1, "a"), coins(random, rates, 0.4, 1, "a"), "no_regression: {fail_fast: true}")
		require.NotNil(t, stop)
		assert.GreaterOrEqual(t, stop.Evidence, stop.Needed)
		assert.InDelta(t, 40, stop.Needed, 1e-9)
		cases += stop.Cases
	}
	assert.Less(t, cases/50, int64(80), "cases on average, of 400")
}

func TestFailFastKnowsItsLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	rates := make([]float64, 100)
	for i := range rates {
		rates[i] = 1
	}
	base, now := coins(random, rates, 0, 1, "a"), coins(random, rates, 1, 1, "a")
	check := parsed(t, "no_regression: {fail_fast: true}")[0]

	// Eight cases that got worse are enough for one metric, and not for ten.
	_, stop := fastVerdict(t, base, now, "no_regression: {fail_fast: true}")
	assert.EqualValues(t, 8, stop.Cases)
	ten := make([]string, 10)
	for i := range ten {
		ten[i] = fmt.Sprint("m", i)
	}
	_, stop = fastVerdict(t, coins(random, rates, 0, 1, ten...), coins(random, rates, 1, 1, ten...), "no_regression: {fail_fast: true}")
	assert.EqualValues(t, 12, stop.Cases)

	// Cases that depend on each other, and what could not be scored, are no evidence.
	test := check.NewSequential(base.About(), now.About(), false, nil)
	unknown := check.NewSequential(base.About(), now.About(), false, nil)
	_, err := compare.Pair(t.Context(), base, now, func(b, n compare.Case) {
		clustered := n
		clustered.Cluster = "one"
		assert.False(t, test.Add(b, clustered))
		missing := n
		missing.Trials = []compare.Trial{{Scores: map[string]compare.Score{"a": {Missing: true}}}}
		assert.False(t, unknown.Add(b, missing))
	})
	require.NoError(t, err)

	// Other checks do not stop a run, nor do runs that are not alike.
	assert.Nil(t, parsed(t, "no_regression")[0].NewSequential(base.About(), now.About(), false, nil))
	other := now.About()
	other.Reduce = "max"
	assert.Nil(t, check.NewSequential(base.About(), other, false, nil))
	for _, text := range []string{"no_regression: {fail_fast: true, margin: 0.1}", "no_regression: {fail_fast: true, mode: prove, margin: 0.1}", "improvement: {fail_fast: true}"} {
		_, err := gate.Parse(text)
		assert.ErrorContains(t, err, "fail_fast", text)
	}
}
