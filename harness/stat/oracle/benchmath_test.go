package oracle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/perf/benchmath"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/stat"
)

func TestMeanIntervalLikeBenchmath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 100), 2, 50).Draw(t, "values")
		level := rapid.SampledFrom([]float64{0.8, 0.9, 0.95, 0.99}).Draw(t, "level")
		want := benchmath.AssumeNormal.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), level)
		low, high := stat.Mean(values).Interval(level)
		near(t, want.Lo, low, "the low end")
		near(t, want.Hi, high, "the high end")
	})
}

// The interval of a median: that of benchmath may leave an error to one side, and
// is then one value shorter; ours divides it evenly.
func TestMedianIntervalLikeBenchmath(t *testing.T) {
	equal := 0
	for n := int64(6); n <= 400; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(i + 1) // the ranks
		}
		want := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
		low, high := stat.QuantileRanks(n, 0.5, 0.95)
		if float64(low) == want.Lo && float64(high) == want.Hi {
			equal++
			covered := stat.BinomialAtMost(high-1, n, 0.5) - stat.BinomialAtMost(low-1, n, 0.5)
			exactly := tolerance
			if n > 30 { // benchmath takes the normal distribution for the binomial one
				exactly = 0.01
			}
			assert.InDelta(t, want.Confidence, covered, exactly, "%d values", n)
			continue
		}
		assert.InDelta(t, want.Hi-want.Lo, float64(high-low), 1, "%d values", n)
	}
	assert.Greater(t, equal, 150, "most of them are the same")
}
