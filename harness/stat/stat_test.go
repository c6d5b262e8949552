package stat_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/stat"
)

func TestNormalQuantile(t *testing.T) {
	for _, tt := range []struct{ p, want float64 }{
		{0.5, 0},
		{0.975, 1.959963984540054},
		{0.025, -1.959963984540054},
		{0.95, 1.6448536269514722},
		{0.995, 2.5758293035489004},
		{0.25, -0.6744897501960817},           // the paper's first check value
		{0.001, -3.090232306167814},           // its second
		{1e-20, -9.262340089798408},           // its third
		{1e-300, -37.047096299361199},         // far in the tail
		{math.Nextafter(0.5, 1), 2.7829e-16},  // just beside the middle
		{0.075, -1.4395314709384563},          // where the formulas meet
		{0.92500001, 1.439531541582168},       // and beyond
		{0.0000000000137, -6.659907488156306}, // where the second and third do
	} {
		assert.InDelta(t, tt.want, stat.NormalQuantile(tt.p), 1e-9, "p = %v", tt.p)
	}
	assert.True(t, math.IsInf(stat.NormalQuantile(0), -1))
	assert.True(t, math.IsInf(stat.NormalQuantile(1), 1))
	for _, p := range []float64{-0.1, 1.1, math.NaN()} {
		assert.True(t, math.IsNaN(stat.NormalQuantile(p)))
	}
}

func TestNormalQuantileInvertsTheErrorFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(1e-12, 1-1e-12).Draw(t, "p")
		x := stat.NormalQuantile(p)
		assert.InEpsilon(t, p, math.Erfc(-x/math.Sqrt2)/2, 1e-12)
	})
}

func TestRegularizedBeta(t *testing.T) {
	for _, tt := range []struct{ x, a, b, want float64 }{
		{0, 2, 3, 0},
		{1, 2, 3, 1},
		{0.3, 1, 1, 0.3},             // uniform
		{0.5, 4, 4, 0.5},             // symmetric
		{0.2, 1, 5, 1 - 0.32768},     // 1-(1-x)^b
		{0.7, 3, 1, 0.343},           // x^a
		{0.4, 2, 3, 0.5248},          // a polynomial: 6x²-8x³+3x⁴
		{0.1, 5, 2, 0.000055},        // 6x⁵-5x⁶
		{0.999, 0.5, 0.5, 0.9798648}, // arcsine law: 2/π·asin(√x)
	} {
		want := tt.want
		if tt.a == 0.5 {
			want = 2 / math.Pi * math.Asin(math.Sqrt(tt.x))
		}
		assert.InDelta(t, want, stat.RegularizedBeta(tt.x, tt.a, tt.b), 1e-12, "%+v", tt)
	}
	for _, bad := range [][3]float64{{-0.1, 1, 1}, {1.1, 1, 1}, {0.5, 0, 1}, {0.5, 1, -1}, {math.NaN(), 1, 1}} {
		assert.True(t, math.IsNaN(stat.RegularizedBeta(bad[0], bad[1], bad[2])), "%v", bad)
	}
}

func TestStudentQuantile(t *testing.T) {
	for _, tt := range []struct{ p, df, want float64 }{
		{0.975, 10, 2.2281388519649385},
		{0.025, 10, -2.2281388519649385},
		{0.5, 3, 0},
		{0.75, 1, 1},                            // Cauchy: tan(π(p-1/2))
		{0.975, 1, 12.706204736174698},          // the same
		{0.975, 2, 4.302652729749464},           // (2p-1)/sqrt(2p(1-p))
		{0.9999, 1, math.Tan(math.Pi * 0.4999)}, // heavy tail
		{0.95, 2, 0.9 / math.Sqrt(2*0.95*0.05)}, //
		{0.975, 1e12, 1.959963984540054},        // the normal limit
		{1e-6, 2, -(1 - 2e-6) / math.Sqrt(2e-6*(1-1e-6))},
	} {
		assert.InEpsilon(t, 1+tt.want, 1+stat.StudentQuantile(tt.p, tt.df), 1e-9, "%+v", tt)
	}
	assert.True(t, math.IsInf(stat.StudentQuantile(0, 5), -1))
	assert.True(t, math.IsInf(stat.StudentQuantile(1, 5), 1))
	for _, bad := range [][2]float64{{-1, 5}, {2, 5}, {0.5, 0}, {0.7, -3}, {math.NaN(), 5}, {0.7, math.NaN()}} {
		assert.True(t, math.IsNaN(stat.StudentQuantile(bad[0], bad[1])), "%v", bad)
	}
}

func TestStudentQuantileInvertsTheDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(1e-9, 1-1e-9).Draw(t, "p")
		df := rapid.Float64Range(1, 3000).Draw(t, "df")
		assert.InDelta(t, p, stat.StudentCDF(stat.StudentQuantile(p, df), df), 1e-10)
	})
}

func TestStudentQuantileIsContinuousWhereTheMethodsMeet(t *testing.T) {
	for _, p := range []float64{0.6, 0.9, 0.975, 0.9995, 0.999999} {
		below, above := stat.StudentQuantile(p, math.Nextafter(1000, 0)), stat.StudentQuantile(p, 1000)
		assert.InDelta(t, above, below, 1e-9, "p = %v", p)
	}
}

func TestStudentCDF(t *testing.T) {
	assert.InDelta(t, 0.5, stat.StudentCDF(0, 7), 1e-15)
	assert.InDelta(t, 0.75, stat.StudentCDF(1, 1), 1e-12)
	assert.InDelta(t, 0.014956363910/2, stat.StudentCDF(-3, 9), 1e-12)
	assert.Zero(t, stat.StudentCDF(math.Inf(-1), 4))
	assert.InDelta(t, 1, stat.StudentCDF(math.Inf(1), 4), 0)
	assert.True(t, math.IsNaN(stat.StudentCDF(1, 0)))
}

func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		passed, n int64
		low, high float64
	}{
		{81, 263, 0.2552885199, 0.3662095770},
		{0, 20, 0, 0.1611251581},
		{20, 20, 1 - 0.1611251581, 1},
		{9, 10, 0.5958499732, 0.9821237869},
	} {
		low, high := stat.Wilson(tt.passed, tt.n, 0.95)
		assert.InDelta(t, tt.low, low, 1e-9, "%d of %d", tt.passed, tt.n)
		assert.InDelta(t, tt.high, high, 1e-9, "%d of %d", tt.passed, tt.n)
	}
}

func TestWilsonWithoutAnAnswerIsEverything(t *testing.T) {
	for _, tt := range []struct {
		passed, n int64
		level     float64
	}{{0, 0, 0.95}, {0, -1, 0.95}, {3, 2, 0.95}, {-1, 2, 0.95}, {1, 2, 0}, {1, 2, 1}, {1, 2, math.NaN()}} {
		low, high := stat.Wilson(tt.passed, tt.n, tt.level)
		assert.Equal(t, [2]float64{0, 1}, [2]float64{low, high}, "%+v", tt)
	}
}

func TestWilsonHoldsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5000).Draw(t, "n")
		passed := rapid.Int64Range(0, n).Draw(t, "passed")
		level := rapid.Float64Range(0.5, 0.999).Draw(t, "level")
		low, high := stat.Wilson(passed, n, level)
		rate := float64(passed) / float64(n)
		assert.LessOrEqual(t, low, rate)
		assert.GreaterOrEqual(t, high, rate)
		// Label swap mirrors the interval.
		mirrorLow, mirrorHigh := stat.Wilson(n-passed, n, level)
		assert.InDelta(t, 1-high, mirrorLow, 1e-12)
		assert.InDelta(t, 1-low, mirrorHigh, 1e-12)
	})
}

func TestMeanInterval(t *testing.T) {
	// 11 values: t of 10 degrees of freedom.
	low, high := stat.MeanInterval(11, 5, 2, 0.95)
	half := 2.2281388519649385 * 2 / math.Sqrt(11)
	assert.InDelta(t, 5-half, low, 1e-9)
	assert.InDelta(t, 5+half, high, 1e-9)

	low, high = stat.MeanInterval(4, 0.5, 0, 0.95)
	assert.Equal(t, [2]float64{0.5, 0.5}, [2]float64{low, high})
}

func TestMeanIntervalWithoutAnAnswerHasNoEnds(t *testing.T) {
	for _, tt := range []struct {
		n               int64
		mean, sd, level float64
	}{{0, 0, 0, 0.95}, {1, 3, 0, 0.95}, {5, math.NaN(), 1, 0.95}, {5, 1, math.NaN(), 0.95}, {5, 1, -1, 0.95}, {5, 1, 1, 1}} {
		low, high := stat.MeanInterval(tt.n, tt.mean, tt.sd, tt.level)
		require.True(t, math.IsInf(low, -1), "%+v", tt)
		require.True(t, math.IsInf(high, 1), "%+v", tt)
	}
}

func ExampleWilson() {
	low, high := stat.Wilson(9, 10, 0.95)
	fmt.Printf("9 of 10: between %.2f and %.2f\n", low, high)
	// Output: 9 of 10: between 0.60 and 0.98
}

func ExampleMeanInterval() {
	low, high := stat.MeanInterval(11, 0.80, 0.10, 0.95)
	fmt.Printf("between %.3f and %.3f\n", low, high)
	// Output: between 0.733 and 0.867
}
