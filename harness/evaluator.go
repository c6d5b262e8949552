package harness

import (
	"context"
	"time"
)

// Evaluator scores the answer of one trial.
//
// Evaluate is called from many goroutines at once. An error means that there is
// no score (a judge that can't be reached or parsed): the trial is unscored for
// this evaluator, which is counted and never taken for 0. A wrong answer is a
// low Score with a Reason.
type Evaluator interface {
	// Name is the metric's name in reports and gates, such as "equals".
	Name() string
	Evaluate(ctx context.Context, t Trial) ([]Score, error)
}

// Trial is what an evaluator sees: the case and the app's answer to it.
type Trial struct {
	Case Case
	// Number is the attempt at this case, from 1.
	Number int
	Output Output
	// Latency is how long the app took for this answer.
	Latency time.Duration
}

// Score is one judgement of one answer.
type Score struct {
	// Name is the metric. Empty means the evaluator's name.
	Name string `json:"name"`
	// Value is in [0,1] unless the evaluator says otherwise; higher is better.
	// NaN and infinities are refused: the score becomes an error.
	Value float64 `json:"value"`
	// Pass is the verdict, when the evaluator gives one.
	Pass *bool `json:"pass,omitempty"`
	// Reason says why; always there when Pass is false.
	Reason string `json:"reason,omitempty"`
	// Error: there is no score. Value and Pass then mean nothing.
	Error *Error `json:"error,omitempty"`
	// Metadata is what the evaluator wants kept (a judge's raw reply, its cost).
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Passed is a score of 1 that passes.
func Passed() Score { return PassIf(true, "") }

// Failed is a score of 0 that fails, with the reason.
func Failed(reason string) Score { return PassIf(false, reason) }

// PassIf is a score of 1 that passes, or of 0 that fails with the reason.
func PassIf(ok bool, reason string) Score {
	if ok {
		return Score{Value: 1, Pass: &ok}
	}
	return Score{Pass: &ok, Reason: reason}
}

// Graded is a score that passes when it reaches the threshold; the reason is
// kept either way.
func Graded(value, threshold float64, reason string) Score {
	ok := value >= threshold
	return Score{Value: value, Pass: &ok, Reason: reason}
}
