package harness

import (
	"errors"
	"fmt"
	"time"
)

// Result is what became of one trial of one case.
type Result struct {
	Case Case `json:"case"`
	// Trial is the attempt, from 1.
	Trial  int     `json:"trial"`
	Output *Output `json:"output,omitempty"`
	// Scores hold one entry for each score of each evaluator, in the order of
	// the evaluators. Empty when the app gave no answer.
	Scores []Score `json:"scores,omitempty"`
	// Error is set when the app gave no answer; Output is then nil.
	Error *Error `json:"error,omitempty"`
	// Latency is the app's time for the last attempt, by the monotonic clock.
	Latency time.Duration `json:"latency_ns"`
	// Attempts is how many calls of the app this trial took, from 1, without those
	// that Config.Pacer says were refused.
	Attempts int `json:"attempts"`
	// Started is when the first attempt began, for display only.
	Started time.Time `json:"started"`
	// Pending: there is an answer, and its scores are still to come. Only a
	// Journal sees such results.
	Pending bool `json:"pending,omitempty"`
}

// Key names the result within its run.
func (r Result) Key() Key { return Key{Case: r.Case.ID, Trial: r.Trial} }

// Errored tells whether the app or any evaluator failed on this trial.
func (r Result) Errored() bool {
	if r.Error != nil {
		return true
	}
	for _, s := range r.Scores {
		if s.Error != nil {
			return true
		}
	}
	return false
}

// Failed tells whether there is an answer and some score says that it is wrong.
func (r Result) Failed() bool {
	for _, s := range r.Scores {
		if s.Error == nil && s.Pass != nil && !*s.Pass {
			return true
		}
	}
	return false
}

// Key names one trial of one case within a run.
type Key struct {
	Case  string `json:"case"`
	Trial int    `json:"trial"`
}

// ErrorKind sorts trouble by who has to look at it.
type ErrorKind string

// The kinds of trouble.
const (
	KindApp       ErrorKind = "app_error"  // the app failed to answer
	KindTimeout   ErrorKind = "timeout"    // no answer within the time limit
	KindPanic     ErrorKind = "panic"      // the app or the evaluator panicked
	KindEvaluator ErrorKind = "eval_error" // the evaluator failed to score
)

// Error is trouble with one trial: the app gave no answer, or an evaluator no
// score. An App may return one to say more than an error's text does.
type Error struct {
	Kind    ErrorKind `json:"kind"`
	Message string    `json:"message"`
	// Stack is the goroutine's, after a panic.
	Stack string `json:"stack,omitempty"`
	// Status is the HTTP status, when there was one.
	Status int `json:"status,omitempty"`
	// Permanent: another attempt would fail the same way.
	Permanent bool `json:"permanent,omitempty"`
	// RetryAfter is how long the server asked to wait; 0 when it did not.
	RetryAfter time.Duration `json:"-"`
	// Err is the cause, for errors.Is and errors.As.
	Err error `json:"-"`
}

// Error is the message.
func (e *Error) Error() string {
	if e == nil {
		return "an error that is a nil *harness.Error"
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// asError makes an *Error of any error. One that is there is copied: it may be
// a variable of the app's that many trials share.
func asError(err error, kind ErrorKind) *Error {
	var e *Error
	if !errors.As(err, &e) || e == nil {
		return &Error{Kind: kind, Message: messageOf(err), Err: err}
	}
	c := *e
	c.Message = messageOf(err)
	if c.Kind == "" {
		c.Kind = kind
	}
	return &c
}

// messageOf is the text of an error whose Error method may panic, as that of a
// nil pointer in an interface does.
func messageOf(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("an error of type %T whose Error method panics", err)
		}
	}()
	return err.Error()
}

// panicError is the error of a recovered panic.
func panicError(who string, v any, stack []byte) *Error {
	return &Error{Kind: KindPanic, Message: fmt.Sprintf("%s panicked: %v", who, v), Stack: string(stack), Permanent: true}
}
