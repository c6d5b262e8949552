package stat

import "math"

// Wilson is the score interval of a rate: passed out of n independent trials,
// at a confidence level such as 0.95. With no trial it is [0,1].
//
// Formula, with p = passed/n and z the normal quantile of (1+level)/2:
//
//	(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)
//
// Source: E. B. Wilson, Probable Inference, the Law of Succession, and
// Statistical Inference, Journal of the American Statistical Association 22
// (1927).
func Wilson(passed, n int64, level float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	return WilsonRate(float64(passed)/float64(n), n, level)
}

// WilsonRate is [Wilson] for a rate that is not a whole number of successes: the
// mean of n independent values between 0 and 1, such as the pass rates of n
// cases over their trials. Such values vary at most as much as successes and
// failures with the same mean do, so the interval is then wider than it had to
// be, never narrower.
func WilsonRate(rate float64, n int64, level float64) (low, high float64) {
	if n <= 0 || !(rate >= 0 && rate <= 1) || !(level > 0 && level < 1) {
		return 0, 1
	}
	z := NormalQuantile((1 + level) / 2)
	size := float64(n)
	centre := rate + z*z/(2*size)
	half := z * math.Sqrt(rate*(1-rate)/size+z*z/(4*size*size))
	scale := 1 + z*z/size
	low, high = (centre-half)/scale, (centre+half)/scale
	if rate == 0 { // exact at the ends, where rounding would leave 1e-17
		low = 0
	}
	if rate == 1 {
		high = 1
	}
	return max(low, 0), min(high, 1)
}

// MeanInterval is Student's interval of a mean of n independent values with the
// sample standard deviation sd, at a confidence level such as 0.95. Fewer than
// two values say nothing about their spread: the interval then has no ends.
//
// Formula, with t the Student quantile of (1+level)/2 at n-1 degrees of freedom:
//
//	mean ± t·sd/√n
//
// Source: Student, The Probable Error of a Mean, Biometrika 6 (1908).
func MeanInterval(n int64, mean, sd, level float64) (low, high float64) {
	if n < 2 || math.IsNaN(mean) || !(sd >= 0) || !(level > 0 && level < 1) {
		return math.Inf(-1), math.Inf(1)
	}
	half := StudentQuantile((1+level)/2, float64(n-1)) * sd / math.Sqrt(float64(n))
	return mean - half, mean + half
}
