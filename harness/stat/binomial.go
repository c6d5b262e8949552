package stat

import "math"

// BinomialAtMost is P(X <= k) for X successes out of n independent trials with
// success probability p in [0,1]; NaN when n is negative or p is outside.
//
// Formula: I_{1-p}(n-k, k+1), the regularized incomplete beta function.
func BinomialAtMost(k, n int64, p float64) float64 {
	switch {
	case n < 0 || !(p >= 0 && p <= 1):
		return math.NaN()
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return regularizedBeta(1-p, p, float64(n-k), float64(k+1))
}

// BinomialAtLeast is P(X >= k), as [BinomialAtMost] is P(X <= k). With a
// threshold t for p and k successes seen it is the p-value against a rate of t or
// less, and BinomialAtMost the one against a rate of t or more.
//
// Formula: I_p(k, n-k+1).
func BinomialAtLeast(k, n int64, p float64) float64 {
	switch {
	case n < 0 || !(p >= 0 && p <= 1):
		return math.NaN()
	case k <= 0:
		return 1
	case k > n:
		return 0
	}
	return regularizedBeta(p, 1-p, float64(k), float64(n-k+1))
}

// binomialHalf is P(X = k) for n fair coins.
func binomialHalf(k, n int64) float64 {
	if k < 0 || k > n {
		return 0
	}
	return math.Exp(logChoose(n, k) - float64(n)*math.Ln2)
}

// binomialAt is P(X = k) for n trials with success probability p.
func binomialAt(k, n int64, p float64) float64 {
	switch {
	case p == 0 || p == 1:
		if float64(k) == float64(n)*p {
			return 1
		}
		return 0
	}
	return math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// logChoose is ln C(n, k).
func logChoose(n, k int64) float64 {
	return logGamma(float64(n+1)) - logGamma(float64(k+1)) - logGamma(float64(n-k+1))
}

// ClopperPearson is the exact interval of a rate: passed out of n independent
// trials. Its coverage is never below the level. With no trial it is [0,1].
//
// Formula, with a = 1 - level:
//
//	[BetaInv(a/2; passed, n-passed+1), BetaInv(1-a/2; passed+1, n-passed)]
//
// Source: C. J. Clopper and E. S. Pearson, The Use of Confidence or Fiducial
// Limits Illustrated in the Case of the Binomial, Biometrika 26 (1934).
func ClopperPearson(passed, n int64, level float64) (low, high float64) {
	if n <= 0 || passed < 0 || passed > n || !(level > 0 && level < 1) {
		return 0, 1
	}
	tail := (1 - level) / 2
	low, high = 0, 1
	if passed > 0 {
		low = betaQuantile(tail, float64(passed), float64(n-passed+1))
	}
	if passed < n {
		high = betaQuantile(1-tail, float64(passed+1), float64(n-passed))
	}
	return low, high
}

// betaQuantile inverts RegularizedBeta in x, by bisection: about 60 steps to the
// last bit.
func betaQuantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 200 {
		mid := low + (high-low)/2
		if mid == low || mid == high {
			break
		}
		if RegularizedBeta(mid, a, b) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return low + (high-low)/2
}
