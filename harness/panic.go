package harness

import (
	"fmt"
	"runtime/debug"
)

// PanicError is the error of a Run in which a Source, a Filter, a Journal or a
// Sink has panicked. (A panic of an App or an Evaluator is its trial's error.)
type PanicError struct {
	// Who is "source", "plan", "journal", "sink" or "reporter".
	Who   string
	Value any
	Stack string
}

// Error says who panicked, and with what.
func (e *PanicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.Who, e.Value) }

// guarded calls f and makes an error of a panic.
func guarded(who string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Who: who, Value: v, Stack: string(debug.Stack())}
		}
	}()
	return f()
}
