package plan

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness/stat"
)

// Question is what is asked of a design.
type Question struct {
	// Alpha is the one-sided level of one metric's test: that of the check over the
	// number of metrics.
	Alpha float64
	// Power is the probability of finding the drop.
	Power float64
}

// Design is how large a run is.
type Design struct {
	Cases  int64
	Trials int
}

// Calls is how many trials that is.
func (d Design) Calls() int64 { return d.Cases * int64(d.Trials) }

// cases is how many, not rounded, show a drop.
func (q Question) cases(m Metric, trials int, drop float64) float64 {
	chance := m.chance()
	if m.YesNo && trials == 1 {
		return stat.McNemarCases(chance+drop, chance, q.Alpha, q.Power)
	}
	d := stat.Design{Variance: 2*chance/float64(trials) + drop*(1-drop), Alpha: q.Alpha, Power: q.Power}
	return d.Cases(drop)
}

// Cases is how many cases with so many trials show a drop, above 0 and below 1.
func (q Question) Cases(m Metric, trials int, drop float64) int64 {
	return int64(math.Ceil(q.cases(m, trials, drop)))
}

// mostTrials is the most that a run can have.
const mostTrials = 4095

// Trials is how many trials of so many cases show a drop; not ok when no number of
// them does.
func (q Question) Trials(m Metric, cases int64, drop float64) (trials int, ok bool) {
	if !(q.cases(m, mostTrials, drop) <= float64(cases)) {
		return 0, false
	}
	low, high := 0, mostTrials // low does not do, high does
	for high-low > 1 {
		if mid := (low + high) / 2; q.cases(m, mid, drop) <= float64(cases) {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}

// Drop is the smallest drop that a design shows; 1 when it shows none.
func (q Question) Drop(m Metric, d Design) float64 {
	low, high := 0.0, 1.0 // low is not shown, high is taken to be
	for range 60 {
		mid := (low + high) / 2
		if q.cases(m, d.Trials, mid) <= float64(d.Cases) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// ParseDrop reads a drop such as 2pt (points of a hundred), 2% or 0.02.
func ParseDrop(text string) (float64, error) {
	number, scale := strings.TrimSpace(text), 1.0
	for _, unit := range []string{"pts", "pt", "pp", "%"} {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, scale = strings.TrimSpace(rest), 100
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil:
		return 0, errors.New("expected a drop such as 2pt, 2% or 0.02")
	case scale == 1 && v >= 1:
		return 0, fmt.Errorf("%s is the whole score or more; for %s points of a hundred write %spt", number, number, number)
	case !(v > 0 && v/scale < 1):
		return 0, errors.New("expected a drop above 0 and below 100pt")
	}
	return v / scale, nil
}
