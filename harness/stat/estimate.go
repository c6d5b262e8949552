package stat

import "math"

// Estimate is a mean with its standard error, and the degrees of freedom of
// Student's distribution for it. With DF below 1 nothing is known of the error.
type Estimate struct {
	Value, SE, DF float64
	// N is how many independent things it is made from: cases, or clusters.
	N int64
}

// Interval is Student's: Value ± t·SE. It has no ends when DF is below 1.
func (e Estimate) Interval(level float64) (low, high float64) {
	if !(e.DF >= 1) || math.IsNaN(e.SE) || !(level > 0 && level < 1) {
		return math.Inf(-1), math.Inf(1)
	}
	half := StudentQuantile((1+level)/2, e.DF) * e.SE
	return e.Value - half, e.Value + half
}

// Below is the p-value of one-sided evidence that the true mean is below limit:
// P(T <= (Value-limit)/SE). Without any it is 1. Values that don't vary at all are
// N of them on one side: 1/2^N, as in the sign test.
func (e Estimate) Below(limit float64) float64 {
	switch {
	case !(e.DF >= 1) || math.IsNaN(e.Value) || math.IsNaN(e.SE):
		return 1
	case e.SE > 0:
		return StudentCDF((e.Value-limit)/e.SE, e.DF)
	case e.Value < limit:
		return math.Exp2(-float64(e.N))
	}
	return 1
}

// Above is [Estimate.Below] the other way round.
func (e Estimate) Above(limit float64) float64 {
	e.Value = -e.Value
	return e.Below(-limit)
}

// Mean is the estimate from independent values: the mean of paired differences is
// the paired t-test.
//
// Formula: SE² = Σ(x-x̄)²/(n(n-1)), with n-1 degrees of freedom.
//
// Source: Student, The Probable Error of a Mean, Biometrika 6 (1908).
func Mean(values []float64) Estimate {
	n := float64(len(values))
	if n == 0 {
		return Estimate{Value: math.NaN(), SE: math.NaN()}
	}
	mean := average(values)
	var squares float64
	for _, x := range values {
		squares += (x - mean) * (x - mean)
	}
	e := Estimate{Value: mean, DF: n - 1, N: int64(n), SE: math.NaN()}
	if n > 1 {
		e.SE = math.Sqrt(squares / (n * (n - 1)))
	}
	return e
}

// Clustered is the estimate of the mean of values of which those with the same
// cluster depend on each other: questions about the same document, for instance.
//
// Formula (CR1), with G clusters and S_g = Σ_{i in g}(x_i - x̄):
//
//	SE = √(ΣS_g²)/n · √(G/(G-1)), with G-1 degrees of freedom
//
// Source: E. Miller, Adding Error Bars to Evals, arXiv:2411.00640 (2024), with the
// small-sample factor of J. G. MacKinnon and H. White, Journal of Econometrics 29
// (1985). clusters has one name for each value.
func Clustered(values []float64, clusters []string) Estimate {
	if len(values) == 0 || len(values) != len(clusters) {
		return Estimate{Value: math.NaN(), SE: math.NaN()}
	}
	mean := average(values)
	sums := map[string]float64{}
	var order []string // a sum in the order of a map would differ in its last bits
	for i, x := range values {
		if _, known := sums[clusters[i]]; !known {
			order = append(order, clusters[i])
		}
		sums[clusters[i]] += x - mean
	}
	var squares float64
	for _, cluster := range order {
		squares += sums[cluster] * sums[cluster]
	}
	groups := float64(len(order))
	e := Estimate{Value: mean, DF: groups - 1, N: int64(groups), SE: math.NaN()}
	if groups > 1 {
		e.SE = math.Sqrt(squares) / float64(len(values)) * math.Sqrt(groups/(groups-1))
	}
	return e
}

// LogRatio is the estimate of the mean of ln(after/before) over pairs of positive
// numbers such as latencies and costs; exp of it and of its ends is the ratio of
// the geometric means and its interval. A pair with a number that is not positive
// and finite is an error: the value is NaN then.
func LogRatio(before, after []float64) Estimate {
	if len(before) != len(after) {
		return Estimate{Value: math.NaN(), SE: math.NaN()}
	}
	logs := make([]float64, len(before))
	for i := range before {
		logs[i] = math.Log(after[i]) - math.Log(before[i])
		if math.IsNaN(logs[i]) || math.IsInf(logs[i], 0) {
			return Estimate{Value: math.NaN(), SE: math.NaN()}
		}
	}
	return Mean(logs)
}

// average adds differences from the first value up, which are small where the
// values are alike.
func average(values []float64) float64 {
	var sum float64
	for _, x := range values {
		sum += x - values[0]
	}
	return values[0] + sum/float64(len(values))
}
