package stat_test

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/stat"
)

// The tails of the binomial against exact fractions.
func TestBinomialIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 300).Draw(t, "n")
		k := rapid.Int64Range(-1, n+1).Draw(t, "k")
		percent := rapid.Int64Range(1, 99).Draw(t, "p")
		p, q := big.NewRat(percent, 100), big.NewRat(100-percent, 100)
		sum := new(big.Rat)
		for i := max(k, 0); i <= n; i++ {
			term := new(big.Rat).SetInt(new(big.Int).Binomial(n, i))
			sum.Add(sum, term.Mul(term, new(big.Rat).Mul(power(p, i), power(q, n-i))))
		}
		want, _ := sum.Float64()
		f, _ := p.Float64()
		assert.InDelta(t, want, stat.BinomialAtLeast(k, n, f), 1e-11)
		assert.InDelta(t, 1-want, stat.BinomialAtMost(k-1, n, f), 1e-11)
	})
}

func power(x *big.Rat, n int64) *big.Rat {
	out := new(big.Rat)
	e := big.NewInt(n)
	return out.SetFrac(new(big.Int).Exp(x.Num(), e, nil), new(big.Int).Exp(x.Denom(), e, nil))
}

// The exact interval is where the tails become significant.
func TestClopperPearsonInvertsTheTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 2000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		low, high := stat.ClopperPearson(k, n, 0.95)
		if k > 0 {
			assert.InDelta(t, 0.025, stat.BinomialAtLeast(k, n, low), 1e-9)
		}
		if k < n {
			assert.InDelta(t, 0.025, stat.BinomialAtMost(k, n, high), 1e-9)
		}
	})
}

// For differences of -1, 0 and 1 the sign flips are McNemar's test; swapping the
// runs swaps the tails; the order, and pairs that agree, change nothing.
func TestSignFlip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfN(rapid.Int64Range(-1, 1), 0, 60).Draw(t, "d")
		var worse, better int64
		for _, x := range d {
			if x < 0 {
				worse++
			} else if x > 0 {
				better++
			}
		}
		exact, mid, ok := stat.SignFlip(d)
		require.True(t, ok)
		e, m := stat.McNemar(worse, better)
		assert.InDelta(t, e, exact, 1e-12)
		if worse+better > 0 {
			assert.InDelta(t, m, mid, 1e-12)
		}
		d = rapid.SliceOfN(rapid.Int64Range(-5, 5), 0, 14).Draw(t, "more")
		exact, mid, ok = stat.SignFlip(d)
		require.True(t, ok)
		assert.InDelta(t, enumerate(d), exact, 1e-12)
		other := append(slices.Clone(d), 0, 0)
		slices.Reverse(other)
		again, _, _ := stat.SignFlip(other)
		assert.InDelta(t, exact, again, 1e-12)
		for i := range other {
			other[i] = -other[i]
		}
		if _, swapped, _ := stat.SignFlip(other); mid < 1 {
			assert.InDelta(t, 1, mid+swapped, 1e-12)
		}
	})
	_, _, ok := stat.SignFlip(slices.Repeat([]int64{1}, 100_000))
	assert.False(t, ok, "too long")
}

// enumerate flips every sign in every way.
func enumerate(d []int64) float64 {
	var observed int64
	for _, x := range d {
		observed += x
	}
	small := 0
	for flips := range 1 << len(d) {
		var sum int64
		for i, x := range d {
			if flips>>i&1 == 1 {
				x = -x
			}
			sum += x
		}
		if sum <= observed {
			small++
		}
	}
	return float64(small) / float64(int(1)<<len(d))
}

func TestTango(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 500).Draw(t, "n")
		b := rapid.Int64Range(0, n).Draw(t, "b")
		c := rapid.Int64Range(0, n-b).Draw(t, "c")
		low, high := stat.TangoInterval(b, c, n, 0.95)
		other, another := stat.TangoInterval(c, b, n, 0.95)
		assert.InDelta(t, low, -another, 1e-9, "swapped")
		assert.InDelta(t, high, -other, 1e-9)
		difference := float64(b-c) / float64(n)
		assert.True(t, low <= difference && difference <= high)
		if b != c { // without a margin it is McNemar's statistic
			assert.InDelta(t, float64(b-c)/math.Sqrt(float64(b+c)), stat.Tango(b, c, n, 0), 1e-9)
		}
	})
}

// Each case as a cluster of copies of itself leaves the error as it was.
func TestClustered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-10, 10), 2, 30).Draw(t, "values")
		copies := rapid.IntRange(1, 4).Draw(t, "copies")
		var all []float64
		var clusters []string
		for i, x := range values {
			for range copies {
				all, clusters = append(all, x), append(clusters, strconv.Itoa(i))
			}
		}
		plain, clustered := stat.Mean(values), stat.Clustered(all, clusters)
		assert.InDelta(t, plain.Value, clustered.Value, 1e-9)
		assert.InDelta(t, plain.SE, clustered.SE, 1e-9)
		assert.Equal(t, plain.DF, clustered.DF)
	})
}

func TestQuantileRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 2000).Draw(t, "n")
		q := rapid.Float64Range(0.01, 0.99).Draw(t, "q")
		low, high := stat.QuantileRanks(n, q, 0.95)
		covered := stat.BinomialAtMost(high-1, n, q) - stat.BinomialAtMost(low-1, n, q)
		assert.GreaterOrEqual(t, covered, 0.95-1e-9)
		assert.Greater(t, stat.BinomialAtMost(low, n, q), 0.025, "the largest")
		if high > 1 {
			assert.Greater(t, stat.BinomialAtLeast(high-1, n, q), 0.025, "the smallest")
		}
	})
	_, high := stat.QuantileRanks(59, 0.95, 0.90)
	assert.EqualValues(t, 59, high, "0.95^59 = 0.0485: the largest of 59 values bounds p95 from above")
	_, high = stat.QuantileRanks(58, 0.95, 0.90)
	assert.EqualValues(t, 59, high, "0.95^58 = 0.0510: none of 58 does")
}

// The e-value of a fair coin is a martingale: its mean stays 1.
func TestEValueIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.Int64Range(0, 2000).Draw(t, "b")
		c := rapid.Int64Range(0, 2000).Draw(t, "c")
		now := stat.EValue(b, c)
		next := (stat.EValue(b+1, c) + stat.EValue(b, c+1)) / 2
		if math.IsInf(next, 1) {
			return // beyond a float64
		}
		assert.LessOrEqual(t, next, now*(1+1e-9), "it may fall at the border of the mixture, never rise")
	})
}

func TestComponents(t *testing.T) {
	between, within := stat.Components([][]float64{{1, 3}, {5, 7}, {9, 11}})
	assert.InDelta(t, 2, within, 1e-12)
	assert.InDelta(t, 15, between, 1e-12) // (32-2)/2
	_, within = stat.Components([][]float64{{1}, {2}, {3}})
	assert.True(t, math.IsNaN(within), "one trial each says nothing of it")
}

func TestNothingKnown(t *testing.T) {
	exact, mid := stat.McNemar(0, 0)
	assert.Equal(t, []float64{1, 1}, []float64{exact, mid})
	for _, e := range []stat.Estimate{stat.Mean(nil), stat.Mean([]float64{1}), stat.Clustered([]float64{1, 2}, []string{"a", "a"})} {
		low, high := e.Interval(0.95)
		assert.True(t, math.IsInf(low, -1) && math.IsInf(high, 1))
		assert.Equal(t, 1.0, e.Below(0))
		assert.Equal(t, 1.0, e.Above(0))
	}
	same := stat.Mean([]float64{3, 3, 3})
	assert.Equal(t, []float64{0.125, 1, 1, 0.125}, []float64{same.Above(2), same.Above(3), same.Below(3), same.Below(4)})
	low, high := stat.QuantileRanks(0, 0.5, 0.95)
	assert.Equal(t, []int64{0, 1}, []int64{low, high})
}

// The power against every table of n pairs.
func TestMcNemarPower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 40).Draw(t, "n")
		regress := rapid.Float64Range(0, 0.6).Draw(t, "regress")
		improve := rapid.Float64Range(0, 0.4).Draw(t, "improve")
		alpha := rapid.SampledFrom([]float64{0.01, 0.05, 0.2}).Draw(t, "alpha")
		var want float64
		for b := range n + 1 {
			for c := range n - b + 1 {
				if _, mid := stat.McNemar(b, c); mid <= alpha {
					some, _ := new(big.Float).SetInt(new(big.Int).Mul(new(big.Int).Binomial(n, b), new(big.Int).Binomial(n-b, c))).Float64()
					want += some * math.Pow(regress, float64(b)) * math.Pow(improve, float64(c)) * math.Pow(1-regress-improve, float64(n-b-c))
				}
			}
		}
		assert.InDelta(t, want, stat.McNemarPower(n, alpha)(regress, improve), 1e-4)
	})
}
