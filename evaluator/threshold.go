package evaluator

import (
	"math"

	"github.com/evalrun/evalrun/harness"
)

// graded is a score that passes when it reaches the threshold, and has no
// verdict without one.
func graded(value float64, threshold *float64, reason string) harness.Score {
	if threshold == nil {
		return harness.Score{Value: value, Reason: reason}
	}
	return harness.Graded(value, *threshold, reason)
}

// checkThreshold refuses a threshold outside of [0,1].
func checkThreshold(o Options, threshold *float64, hint string) error {
	if threshold == nil || *threshold >= 0 && *threshold <= 1 {
		return nil
	}
	e := o.At("threshold").Errorf("threshold is %s, and the value is between 0 and 1", showNumber(*threshold))
	e.Hint = hint
	return e
}

// finite tells a number from NaN and the infinities.
func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
