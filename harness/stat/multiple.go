package stat

import (
	"cmp"
	"slices"
)

// Holm adjusts p-values so that rejecting those at most α errs in any of them with
// probability α at most, however they depend on each other. The order stays.
//
// Formula, for the i-th smallest of m: max_{j<=i} min(1, (m-j+1)·p_(j)).
//
// Source: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure,
// Scandinavian Journal of Statistics 6 (1979).
func Holm(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	largest := 0.0
	for rank, i := range byValue(p) {
		largest = max(largest, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = largest
	}
	return adjusted
}

// BenjaminiHochberg adjusts p-values so that of those at most α a part of α at
// most is expected to be rejected wrongly, when they are independent or depend
// positively on each other. The order stays. It is for looking around: what gates
// wants [Holm].
//
// Formula, for the i-th smallest of m: min_{j>=i} min(1, m·p_(j)/j).
//
// Source: Y. Benjamini and Y. Hochberg, Controlling the False Discovery Rate,
// Journal of the Royal Statistical Society B 57 (1995).
func BenjaminiHochberg(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	smallest := 1.0
	order := byValue(p)
	for rank, i := range slices.Backward(order) {
		smallest = min(smallest, float64(len(p))*p[i]/float64(rank+1))
		adjusted[i] = smallest
	}
	return adjusted
}

// byValue gives the indexes in the order of the values.
func byValue(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return order
}
