package stat

import "math"

// Weights say how bad it is that two raters choose categories i and j of k; 0
// is agreement, 1 the worst.
type Weights func(i, j, k int) float64

// Nominal weights: any difference is as bad as any other.
func Nominal(i, j, _ int) float64 {
	if i == j {
		return 0
	}
	return 1
}

// Linear weights: |i-j|/(k-1).
func Linear(i, j, k int) float64 { return math.Abs(float64(i-j)) / float64(max(k-1, 1)) }

// Quadratic weights: the square of [Linear].
func Quadratic(i, j, k int) float64 { return Linear(i, j, k) * Linear(i, j, k) }

// Kappa is Cohen's agreement of two raters beyond chance: table[i][j] counts the
// items that the first put into category i and the second into j. 1 is full
// agreement, 0 that of chance. NaN without an item, or when chance alone agrees.
//
// Formula: 1 - Σw·observed/Σw·expected; with [Nominal] that is (po-pe)/(1-pe).
//
// Source: J. Cohen, A Coefficient of Agreement for Nominal Scales, Educational and
// Psychological Measurement 20 (1960), and Weighted Kappa, Psychological Bulletin
// 70 (1968).
func Kappa(table [][]int64, weights Weights) float64 {
	k := len(table)
	rows, columns, n := margins(table)
	var observed, expected float64
	for i := range k {
		for j := range k {
			w := weights(i, j, k)
			observed += w * float64(table[i][j]) / n
			expected += w * rows[i] * columns[j] / (n * n)
		}
	}
	return 1 - observed/expected
}

// AC1 is Gwet's agreement of two raters beyond chance, which does not collapse, as
// kappa does, when nearly all items are of one category.
//
// Formula: (po-pe)/(1-pe), pe = Σπ(1-π)/(k-1), π the mean share of a category.
//
// Source: K. L. Gwet, Computing Inter-Rater Reliability and Its Variance in the
// Presence of High Agreement, British Journal of Mathematical and Statistical
// Psychology 61 (2008).
func AC1(table [][]int64) float64 {
	rows, columns, n := margins(table)
	var agree, chance float64
	for i := range table {
		agree += float64(table[i][i]) / n
		share := (rows[i] + columns[i]) / (2 * n)
		chance += share * (1 - share) / float64(max(len(table)-1, 1))
	}
	return (agree - chance) / (1 - chance)
}

func margins(table [][]int64) (rows, columns []float64, n float64) {
	rows, columns = make([]float64, len(table)), make([]float64, len(table))
	for i := range table {
		for j := range table {
			v := float64(table[i][j])
			rows[i] += v
			columns[j] += v
			n += v
		}
	}
	return rows, columns, n
}

// Krippendorff is the agreement alpha of any number of raters, some of whom may
// have left items out: units has the ratings of each item, as categories from 0 to
// k-1; an item with fewer than two says nothing. [Nominal] weights give the nominal
// alpha, [Quadratic] the interval one.
//
// Formula: 1 - (n-1)·Σo·δ/Σn_c·n_k·δ, with o the coincidences and n the pairable
// ratings.
//
// Source: K. Krippendorff, Content Analysis (2004), chapter 11.
func Krippendorff(units [][]int, k int, weights Weights) float64 {
	coincidences := make([][]float64, k)
	for i := range coincidences {
		coincidences[i] = make([]float64, k)
	}
	totals, n := make([]float64, k), 0.0
	for _, ratings := range units {
		if len(ratings) < 2 {
			continue
		}
		for a, i := range ratings {
			totals[i]++
			n++
			for b, j := range ratings {
				if a != b {
					coincidences[i][j] += 1 / float64(len(ratings)-1)
				}
			}
		}
	}
	var observed, expected float64
	for i := range k {
		for j := range k {
			w := weights(i, j, k)
			observed += w * coincidences[i][j]
			expected += w * totals[i] * totals[j]
		}
	}
	return 1 - (n-1)*observed/expected
}
