package stat

import "math"

// QuantileRanks gives the order statistics that enclose the q-quantile of n
// independent values with at least this confidence: the low-th and the high-th
// smallest, from 1. low is 0 when no value is small enough to be sure, and high is
// n+1 when none is large enough: the interval has no end there.
//
// Formula: the largest low with P(X <= low-1) <= a/2 and the smallest high with
// P(X >= high) <= a/2, for X binomial in n and q and a = 1 - level.
//
// Source: W. J. Conover, Practical Nonparametric Statistics (1999), section 3.2.
func QuantileRanks(n int64, q, level float64) (low, high int64) {
	if n <= 0 || !(q >= 0 && q <= 1) || !(level > 0 && level < 1) {
		return 0, max(n, 0) + 1
	}
	tail := (1 - level) / 2
	low = search(0, n, func(k int64) bool { return k > 0 && BinomialAtMost(k-1, n, q) > tail }) - 1
	high = search(1, n+1, func(k int64) bool { return BinomialAtLeast(k, n, q) <= tail })
	return max(low, 0), high
}

// search is the first k from low to high for which found is true, or high+1; from
// there on found stays true.
func search(low, high int64, found func(int64) bool) int64 {
	high++
	for low < high {
		mid := low + (high-low)/2
		if found(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// PassAtK is the unbiased estimate of the probability that at least one of k
// trials passes, from c passes in n trials; NaN unless 0 <= c <= n and 1 <= k <= n.
//
// Formula: 1 - C(n-c,k)/C(n,k), as the product 1 - Π_{j=n-c+1}^{n}(1-k/j).
//
// Source: M. Chen et al., Evaluating Large Language Models Trained on Code,
// arXiv:2107.03374 (2021).
func PassAtK(n, c, k int64) float64 {
	if c < 0 || c > n || k < 1 || k > n {
		return math.NaN()
	}
	if n-c < k {
		return 1
	}
	none := 1.0
	for j := n - c + 1; j <= n; j++ {
		none *= 1 - float64(k)/float64(j)
	}
	return 1 - none
}

// PassHatK is the unbiased estimate of the probability that all of k trials pass,
// from c passes in n trials, likewise.
//
// Formula: C(c,k)/C(n,k).
//
// Source: S. Yao et al., τ-bench, arXiv:2406.12045 (2024).
func PassHatK(n, c, k int64) float64 {
	if c < 0 || c > n || k < 1 || k > n {
		return math.NaN()
	}
	all := 1.0
	for j := range k {
		all *= float64(max(c-j, 0)) / float64(n-j)
	}
	return all
}
