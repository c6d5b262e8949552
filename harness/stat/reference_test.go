package stat_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/stat"
)

func inDelta(t *testing.T, want, got, delta float64, what string) {
	t.Helper()
	assert.InDelta(t, want, got, delta, what)
}

// Values that others have published, or that follow by hand.
func TestReferenceValues(t *testing.T) {
	low, high := stat.ClopperPearson(0, 20, 0.95)
	inDelta(t, 0, low, 0, "0/20")
	inDelta(t, 0.1684334710, high, 1e-9, "0/20")
	low, high = stat.ClopperPearson(81, 263, 0.95)
	inDelta(t, 0.2527367456, low, 1e-9, "81/263")
	inDelta(t, 0.3676219226, high, 1e-9, "81/263")

	exact, mid := stat.McNemarTwoSided(1, 7)
	inDelta(t, 0.0703125, exact, 1e-12, "1-7 exact")
	inDelta(t, 0.0390625, mid, 1e-12, "1-7 mid-p")
	_, mid = stat.McNemarTwoSided(10, 10)
	inDelta(t, 0.9119014740, mid, 1e-9, "10-10 mid-p")
	exact, mid = stat.McNemar(5, 0)
	inDelta(t, 0.03125, exact, 1e-12, "5-0 exact")
	inDelta(t, 0.015625, mid, 1e-12, "5-0 mid-p")

	low, high = stat.TangoInterval(12, 2, 100, 0.95)
	inDelta(t, 0.0310005187, low, 1e-9, "12-2 of 100")
	inDelta(t, 0.1818816695, high, 1e-9, "12-2 of 100")

	inDelta(t, 0.7, stat.PassAtK(5, 2, 2), 1e-12, "pass@2")
	inDelta(t, 11.0/12, stat.PassAtK(10, 3, 5), 1e-12, "pass@5")
	inDelta(t, 0.497551114731, stat.PassAtK(200, 13, 10), 1e-11, "pass@10")
	inDelta(t, 0.4, stat.PassHatK(5, 4, 3), 1e-12, "pass^3")

	inDelta(t, 31.875, stat.EValue(7, 0), 1e-10, "7-0")
	inDelta(t, 23.917216117, stat.EValue(12, 2), 1e-8, "12-2")

	assert.InDeltaSlice(t, []float64{.03, .06, .06, .02}, stat.Holm([]float64{.01, .04, .03, .005}), 1e-12)
	assert.InDeltaSlice(t, []float64{.02, .04, .04, .02}, stat.BenjaminiHochberg([]float64{.01, .04, .03, .005}), 1e-12)

	inDelta(t, 0.4, stat.Kappa([][]int64{{20, 5}, {10, 15}}, stat.Nominal), 1e-12, "kappa")

	d := stat.Design{Variance: 1.0 / 9, Alpha: 0.025, Power: 0.8}
	assert.Equal(t, 969.0, math.Ceil(d.Cases(0.03)))
	inDelta(t, 0.03, d.Effect(d.Cases(0.03)), 1e-12, "the inverse")
	inDelta(t, 468.568, stat.McNemarCases(0.10, 0.05, 0.025, 0.8), 1e-3, "McNemar's cases")
}

// The p-values of the paired t-test and of the sign flips are of the same ten
// pairs; the clusters are four of three items.
func TestReferenceEstimates(t *testing.T) {
	a := []float64{.9, .8, .7, .95, .6, .85, .4, .75, .65, .8}
	b := []float64{.85, .8, .6, .9, .65, .7, .35, .7, .6, .75}
	d, whole := make([]float64, len(a)), make([]int64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
		whole[i] = int64(math.Round(20 * d[i]))
	}
	e := stat.Mean(d)
	inDelta(t, -3, e.Value/e.SE, 1e-9, "t")
	inDelta(t, 0.014956363910/2, e.Below(0), 1e-10, "one-sided p")
	inDelta(t, 1, e.Below(0)+e.Above(0), 1e-12, "both sides")
	exact, mid, ok := stat.SignFlip(whole)
	require.True(t, ok)
	inDelta(t, 16.0/1024, exact, 1e-12, "16 of 1024 ways give as small a sum")
	assert.Less(t, mid, exact)
	inDelta(t, exact, stat.SignFlipDraws(d, 1000, 1), 1e-2, "drawn")
	inDelta(t, exact, stat.SignFlipDraws(append(d, 0, 0), 1024, 1), 1e-12, "each sign once")

	s := []float64{1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1}
	c := []string{"a", "a", "a", "b", "b", "b", "c", "c", "c", "d", "d", "d"}
	inDelta(t, 0.1486470975026408, stat.Mean(s).SE, 1e-15, "as if independent")
	clustered := stat.Clustered(s, c)
	inDelta(t, 0.08333333333333333, clustered.SE, 1e-15, "CR1")
	assert.Equal(t, 3.0, clustered.DF)

	ratio := stat.LogRatio([]float64{1, 2, 4, 8}, []float64{1.1, 2.2, 4.4, 8.8})
	inDelta(t, 1.1, math.Exp(ratio.Value), 1e-12, "each a tenth more")
	assert.True(t, math.IsNaN(stat.LogRatio([]float64{1, 0}, []float64{1, 1}).Value))
}

// The least that proves a threshold at 5 %.
func TestThresholds(t *testing.T) {
	for _, tt := range []struct {
		n, least  int64
		threshold float64
	}{{50, 49, .9}, {100, 96, .9}, {200, 188, .9}, {20, 20, .8}, {50, 45, .8}} {
		assert.LessOrEqual(t, stat.BinomialAtLeast(tt.least, tt.n, tt.threshold), 0.05)
		assert.Greater(t, stat.BinomialAtLeast(tt.least-1, tt.n, tt.threshold), 0.05)
	}
	assert.Greater(t, stat.BinomialAtLeast(20, 20, .9), 0.05, "20 cases can't prove 0.9")

	smallest := func(significant func(int64) bool) (n int64) {
		for !significant(n) {
			n++
		}
		return n
	}
	assert.EqualValues(t, 5, smallest(func(n int64) bool { exact, _ := stat.McNemar(n, 0); return exact <= 0.05 }))
	assert.EqualValues(t, 4, smallest(func(n int64) bool { _, mid := stat.McNemar(n, 0); return mid <= 0.05 }))
	assert.EqualValues(t, 7, smallest(func(n int64) bool { return stat.EValue(n, 0) >= 20 }))
}

func TestJudges(t *testing.T) {
	human := []float64{1, 0, 1, 1, 0, 1, 0, 1, 1, 0}
	judge := []float64{1, 0, 1, 1, 1, 1, 0, 0, 1, 1}
	unlabelled := make([]float64, 40)
	for i := range 30 {
		unlabelled[i] = 1
	}
	theta, se := stat.PPI(human, judge, unlabelled)
	inDelta(t, 0.65, theta, 1e-12, "PPI")
	inDelta(t, 0.1924315840, se, 1e-9, "its error")
	_, tuned := stat.TunedPPI(human, judge, unlabelled)
	assert.Less(t, tuned, se)

	p, _ := stat.Judged{Sensitivity: .95, Specificity: .6, Good: 100, Bad: 100}.RoganGladen(.84, 200)
	inDelta(t, 0.8, p, 1e-12, "Rogan-Gladen")
	p, _ = stat.Judged{Sensitivity: .5, Specificity: .5, Good: 100, Bad: 100}.RoganGladen(.5, 200)
	assert.True(t, math.IsNaN(p), "a coin says nothing")
}

// Krippendorff's own example of four raters and twelve units, some of them
// missing: nominal 0.743, interval 0.849.
func TestKrippendorff(t *testing.T) {
	units := [][]int{
		{0, 0, 0}, {1, 1, 2, 1}, {2, 2, 2, 2}, {2, 2, 2, 2}, {1, 1, 1, 1}, {0, 1, 2, 3},
		{3, 3, 3, 3}, {0, 0, 1, 0}, {1, 1, 1, 1}, {4, 4, 4}, {0, 0}, {2},
	}
	inDelta(t, 0.743, stat.Krippendorff(units, 5, stat.Nominal), 5e-4, "nominal")
	inDelta(t, 0.849, stat.Krippendorff(units, 5, stat.Quadratic), 5e-4, "interval")
}

// Where nearly all are of one category kappa collapses and AC1 does not.
func TestAgreementOfSkewedRaters(t *testing.T) {
	table := [][]int64{{118, 5}, {2, 0}}
	assert.Less(t, stat.Kappa(table, stat.Nominal), 0.0)
	inDelta(t, 0.9408, stat.AC1(table), 1e-3, "AC1")
}
