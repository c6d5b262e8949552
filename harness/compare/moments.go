package compare

import (
	"math"

	"github.com/evalrun/evalrun/harness/stat"
)

// total adds up with the rounding errors of Neumaier's sum.
type total struct{ sum, rest float64 }

func (t *total) add(x float64) {
	s := t.sum + x
	if math.Abs(t.sum) >= math.Abs(x) {
		t.rest += (t.sum - s) + x
	} else {
		t.rest += (x - s) + t.sum
	}
	t.sum = s
}

func (t total) value() float64 { return t.sum + t.rest }

// moments are of numbers: how many there are, their sum and that of their squares.
type moments struct {
	n            int64
	sum, squares total
}

func (m *moments) add(x float64) {
	m.n++
	m.sum.add(x)
	m.squares.add(x * x)
}

// mean is NaN without any number.
func (m *moments) mean() float64 { return m.sum.value() / float64(m.n) }

// scatter is the sum of the squared deviations from the mean.
func (m *moments) scatter() float64 {
	mean := m.mean()
	return max(m.squares.value()-float64(m.n)*mean*mean, 0)
}

// estimate is of the mean; it has no standard error below two numbers.
func (m *moments) estimate() stat.Estimate {
	n := float64(m.n)
	e := stat.Estimate{Value: m.mean(), SE: math.NaN(), DF: n - 1, N: m.n}
	if m.n > 1 {
		e.SE = math.Sqrt(m.scatter() / (n * (n - 1)))
	}
	return e
}
