package harness

import (
	"math"
	"slices"
)

// exactSum adds float64 values without rounding and rounds once at the end, so
// that the order of the values does not matter (Shewchuk, Adaptive Precision
// Floating-Point Arithmetic, 1997: a list of non-overlapping partial sums).
type exactSum struct {
	partials []float64
}

func (s *exactSum) add(x float64) {
	i := 0
	for _, y := range s.partials {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		hi := x + y
		if lo := y - (hi - x); lo != 0 {
			s.partials[i] = lo
			i++
		}
		x = hi
	}
	s.partials = append(s.partials[:i], x)
}

// value rounds the partial sums, which grow in magnitude, to one float64.
func (s *exactSum) value() float64 {
	p := s.partials
	if len(p) == 0 {
		return 0
	}
	i := len(p) - 1
	hi := p[i]
	var lo float64
	for i > 0 && lo == 0 {
		i--
		x := hi
		hi = x + p[i]
		lo = p[i] - (hi - x)
	}
	// A tie between two neighbours is decided by the next partial sum.
	if i > 0 && (lo < 0 && p[i-1] < 0 || lo > 0 && p[i-1] > 0) {
		if y := lo * 2; y == hi+y-hi {
			hi += y
		}
	}
	return hi
}

func (s *exactSum) clone() exactSum { return exactSum{slices.Clone(s.partials)} }

// sampleDeviation is the standard deviation of n values with these sums.
func sampleDeviation(n int64, sum, squares float64) float64 {
	if n < 2 {
		return 0
	}
	v := (squares - sum*sum/float64(n)) / float64(n-1)
	return math.Sqrt(max(v, 0))
}
