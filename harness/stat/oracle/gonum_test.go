package oracle

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/mathext"
	gonum "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/stat"
)

// tolerance of probabilities, absolute, and of other numbers, relative to those
// beyond 1.
const tolerance = 1e-9

// near compares within the tolerance.
func near(t assert.TestingT, want, got float64, format string, args ...any) {
	assert.InDelta(t, want, got, tolerance*math.Max(1, math.Abs(want)), append([]any{format}, args...)...)
}

func TestBetaLikeGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(0.1, 2000).Draw(t, "a")
		b := rapid.Float64Range(0.1, 2000).Draw(t, "b")
		x := rapid.Float64Range(0.001, 0.999).Draw(t, "x")
		near(t, mathext.RegIncBeta(a, b, x), stat.RegularizedBeta(x, a, b), "I_%g(%g, %g)", x, a, b)
	})
}

func TestBinomialLikeGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		d := distuv.Binomial{N: float64(n), P: p}
		near(t, d.CDF(float64(k)), stat.BinomialAtMost(k, n, p), "P(X <= %d)", k)
		near(t, 1-d.CDF(float64(k-1)), stat.BinomialAtLeast(k, n, p), "P(X >= %d)", k)
		low, high := stat.ClopperPearson(k, n, 0.95)
		if k > 0 {
			near(t, mathext.InvRegIncBeta(float64(k), float64(n-k+1), 0.025), low, "the low end of %d/%d", k, n)
		}
		if k < n {
			near(t, mathext.InvRegIncBeta(float64(k+1), float64(n-k), 0.975), high, "the high end of %d/%d", k, n)
		}
	})
}

func TestNormalLikeGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(1e-9, 1-1e-9).Draw(t, "p")
		near(t, distuv.UnitNormal.Quantile(p), stat.NormalQuantile(p), "the %g-quantile", p)
		z := rapid.Float64Range(-8, 8).Draw(t, "z")
		near(t, distuv.UnitNormal.CDF(z), stat.NormalCDF(z), "P(Z <= %g)", z)
	})
}

func TestStudentLikeGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		df := rapid.Float64Range(1, 5000).Draw(t, "df")
		d := distuv.StudentsT{Sigma: 1, Nu: df}
		sign := rapid.SampledFrom([]float64{-1, 1}).Draw(t, "sign")
		x := sign * rapid.Float64Range(0.05, 20).Draw(t, "x") // nearer to 0 gonum has no digits of df/(df+x²) left
		near(t, d.CDF(x), stat.StudentCDF(x, df), "P(T <= %g), %g degrees", x, df)
		p := 0.5 + sign*rapid.Float64Range(0.02, 0.499).Draw(t, "p") // nor of a quantile
		near(t, d.Quantile(p), stat.StudentQuantile(p, df), "the %g-quantile, %g degrees", p, df)
	})
}

func TestMeanLikeGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-100, 100), 2, 50).Draw(t, "values")
		mean, sd := gonum.MeanStdDev(values, nil)
		e := stat.Mean(values)
		near(t, mean, e.Value, "mean")
		near(t, gonum.StdErr(sd, float64(len(values))), e.SE, "standard error")
	})
}
