package stat

import (
	"math"
	"math/rand/v2"
)

// signFlipWork bounds the steps of the exact distribution: under a second.
const signFlipWork = 200_000_000

// SignFlip is the exact one-sided test of paired differences: the probability of
// a sum as small as the observed one, or smaller, when each difference is as
// likely to have the other sign. The differences are whole numbers: those of rates
// over K trials are multiples of 1/K. mid counts the observed sum half. For
// differences of -1, 0 and 1 it is McNemar's test. Negate the differences to test
// for a larger sum.
//
// It is not ok when the distribution would take too long to make; [SignFlipDraws]
// estimates it.
//
// Source: R. A. Fisher, The Design of Experiments (1935), section 21. The
// distribution is made by dynamic programming over the sums of those differences
// that are taken as positive.
func SignFlip(differences []int64) (exact, mid float64, ok bool) {
	var sum, total, n int64
	for _, d := range differences {
		if d != 0 {
			n++
		}
		sum += d
		total += max(d, -d)
		if total > signFlipWork || n > 0 && total > signFlipWork/n {
			return math.NaN(), math.NaN(), false
		}
	}
	if n == 0 {
		return 1, 1, true
	}
	// sum = 2·positive - total, where positive is what the positive ones add up to.
	probability := make([]float64, total+1)
	probability[0] = 1
	reached := int64(0)
	for _, d := range differences {
		if d = max(d, -d); d == 0 {
			continue
		}
		reached += d
		for s := reached; s >= 0; s-- {
			p := probability[s]
			if s >= d {
				p += probability[s-d]
			}
			probability[s] = p / 2
		}
	}
	observed := (sum + total) / 2
	for s := range observed + 1 {
		exact += probability[s]
	}
	return min(exact, 1), min(exact, 1) - probability[observed]/2, true
}

// SignFlipDraws estimates the p-value of [SignFlip] for any differences from so
// many random draws of signs: (1+b)/(1+draws), with b draws whose sum is as small
// as the observed one. It never gives 0, and keeps the level for any number of
// draws. The same seed gives the same value. Where there are not more signs than
// draws each is taken once, and the p-value is exact.
//
// Source: B. Phipson and G. K. Smyth, Permutation P-values Should Never Be Zero,
// Statistical Applications in Genetics and Molecular Biology 9 (2010).
func SignFlipDraws(differences []float64, draws int, seed int64) float64 {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	var nonzero []float64
	var observed, scale float64
	for _, d := range differences {
		if d != 0 {
			nonzero = append(nonzero, d)
		}
		observed += d
		scale += math.Abs(d)
	}
	all := len(nonzero) < 32 && 1<<len(nonzero) <= draws
	if all {
		draws = 1 << len(nonzero)
	}
	limit := observed + 1e-12*scale // sums that are equal but for rounding count
	asSmall := 0
	for draw := range draws {
		var sum float64
		bits := uint64(draw)
		for i, d := range nonzero {
			if i%64 == 0 && !all {
				bits = random.Uint64()
			}
			sum += math.Float64frombits(math.Float64bits(d) ^ bits<<63) // -d for an odd one
			bits >>= 1
		}
		if sum <= limit {
			asSmall++
		}
	}
	if all {
		return float64(asSmall) / float64(draws)
	}
	return float64(1+asSmall) / float64(1+draws)
}
