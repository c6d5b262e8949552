package runner

import (
	"context"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// Options say how a suite is run. Store is needed; the zero value of the rest is
// a new run of the whole suite.
type Options struct {
	Store *store.Store
	// App is which of the suite's apps to run; "" is the only one.
	App string
	// Selection takes a part of the dataset. A resumed run keeps its own.
	Selection Selection
	// Resume goes on with a run that has stopped: its ID, or "latest" for the
	// newest one of this suite and app.
	Resume string
	// RetryErrors runs the errored trials of the resumed run again.
	RetryErrors bool
	// AllowDrift resumes although the suite file has changed since.
	AllowDrift bool
	// MaxCost in US dollars stops the run when the answers have cost as much.
	// 0: no limit.
	MaxCost float64
	// Grace is how long running trials may go on after ctx has ended, and then
	// again how long posting may. Default 10s.
	Grace time.Duration
	// Abort, when closed, ends the grace period at once.
	Abort <-chan struct{}
	// Tags are kept with the run.
	Tags map[string]string
	// Version is evalrun's, and Revision that of the code under test; kept with
	// the run.
	Version, Revision string
	// Started, when given, is told the run's ID and progress before the first
	// case; what it returns is called after the last one.
	Started func(id string, p *harness.Progress) (stop func())
}

// Outcome is what a run came to.
type Outcome struct {
	// RunID names the run in the store.
	RunID string
	// Report is judged.
	Report *harness.Report
	// Err is why the run stopped early; nil when it did not.
	Err error
	// cause is what ended the context.
	cause error
}

// Code is the exit code. An interrupted run's is CodeInterrupted, or the Code of
// the Error that was the context's cause.
func (o Outcome) Code() int {
	code := Code(o.Report)
	if o.cause != nil && o.cause != errMaxCost && o.Report.Status == harness.Incomplete {
		interrupted := CodeInterrupted
		if o.cause != context.Canceled && o.cause != context.DeadlineExceeded {
			interrupted = CodeOf(o.cause)
		}
		return Worst(code, interrupted)
	}
	return code
}
