package stat

import "math"

// McNemar is the one-sided test of paired yes/no results: regressions are the
// pairs that were a yes and are a no, improvements those the other way round. It
// gives the probability of as many regressions or more when both ways are equally
// likely. exact never exceeds the level; mid counts the observed table half, and
// keeps the level in practice while it is less conservative. Without a pair that
// differs both are 1. Swap the arguments to test for an improvement.
//
// Formula, with N = regressions + improvements:
//
//	exact = Σ_{i >= regressions} C(N,i)/2^N    mid = exact - C(N,regressions)/2^(N+1)
//
// Source: M. W. Fagerland, S. Lydersen and P. Laake, The McNemar Test for Binary
// Matched-Pairs Data: Mid-p and Asymptotic are Better than Exact Conditional, BMC
// Medical Research Methodology 13:91 (2013).
func McNemar(regressions, improvements int64) (exact, mid float64) {
	n := regressions + improvements
	if n <= 0 || regressions < 0 || improvements < 0 {
		return 1, 1
	}
	exact = BinomialAtLeast(regressions, n, 0.5)
	return exact, exact - binomialHalf(regressions, n)/2
}

// McNemarTwoSided is [McNemar] for a difference either way.
func McNemarTwoSided(regressions, improvements int64) (exact, mid float64) {
	n := regressions + improvements
	if n <= 0 || regressions < 0 || improvements < 0 {
		return 1, 1
	}
	exact = 2 * BinomialAtMost(min(regressions, improvements), n, 0.5)
	one := binomialHalf(regressions, n)
	if regressions == improvements {
		return 1, 1 - one/2
	}
	return min(exact, 1), exact - one
}

// Tango is the score test of a difference of paired rates with a margin: n pairs,
// of which regressions went from yes to no and improvements from no to yes. The
// z value is about normal when the true loss of rate (regressions less
// improvements, over n) equals loss, in (-1,1): large when more was lost, small
// when less was. NaN when the table is impossible.
//
// Formula, with b regressions, c improvements and the constrained estimate q:
//
//	q = (√(B²-4AC) - B)/2A,  A = 2n,  B = -b-c+(2n-b+c)·loss,  C = -c·loss·(1-loss)
//	z = (b-c-n·loss) / √(n(2q + loss·(1-loss)))
//
// Source: T. Tango, Equivalence Test and Confidence Interval for the Difference in
// Proportions for the Paired-Sample Design, Statistics in Medicine 17 (1998).
func Tango(regressions, improvements, n int64, loss float64) (z float64) {
	b, c, size := float64(regressions), float64(improvements), float64(n)
	if regressions < 0 || improvements < 0 || n < regressions+improvements || n == 0 || !(loss > -1 && loss < 1) {
		return math.NaN()
	}
	a2 := 2 * size
	b2 := -b - c + (2*size-b+c)*loss
	c2 := -c * loss * (1 - loss)
	q := (math.Sqrt(max(b2*b2-4*a2*c2, 0)) - b2) / (2 * a2)
	top := b - c - size*loss
	variance := size * (2*q + loss*(1-loss))
	switch {
	case top == 0:
		return 0
	case variance <= 0:
		return math.Inf(int(math.Copysign(1, top)))
	}
	return top / math.Sqrt(variance)
}

// TangoInterval is the interval of the loss of rate that [Tango] does not reject,
// at a confidence level such as 0.95; [-1,1] without a pair.
func TangoInterval(regressions, improvements, n int64, level float64) (low, high float64) {
	if n <= 0 || regressions < 0 || improvements < 0 || n < regressions+improvements || !(level > 0 && level < 1) {
		return -1, 1
	}
	z := NormalQuantile((1 + level) / 2)
	centre := float64(regressions-improvements) / float64(n)
	bound := func(from, to, want float64) float64 { // z falls from one to the other
		for range 200 {
			mid := from + (to-from)/2
			if mid == from || mid == to {
				break
			}
			if Tango(regressions, improvements, n, mid) > want {
				from = mid
			} else {
				to = mid
			}
		}
		return from + (to-from)/2
	}
	return bound(-1, centre, z), bound(centre, 1, -z)
}
