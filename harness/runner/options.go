package runner

import (
	"context"
	"errors"
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
	// Selection takes a part of the dataset. A resumed run keeps its own: to give
	// one is an error.
	Selection Selection
	// Resume goes on with a run: its ID, or "latest" for the newest one of this
	// suite and app, whatever became of it. Of a run that is complete only what is
	// not posted is posted, and the platform is audited unless it was found to have
	// all of it once; when there is nothing to do at all it is reported and
	// nothing is called. A run whose scoring was cut off (see Score) is refused.
	Resume string
	// RetryErrors resumes likewise, and runs the errored trials again.
	RetryErrors bool
	// RetryRejected, of Publish, posts the results that the platform rejected once
	// more.
	RetryRejected bool
	// AllowDrift resumes although the suite file has changed since. Reports of the
	// run then say so.
	AllowDrift bool
	// Against is what the run is compared with, when the gate compares it.
	Against Against
	// MaxCost in US dollars stops the run when its answers have cost as much,
	// those before it was resumed included. 0: no limit.
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
	// Drive, when given, runs the engine; nil means harness.Run. It may change the
	// Config's Source, Demand and Concurrency, wrap its App, and return ErrNothing.
	Drive func(ctx context.Context, c harness.Config) (*harness.Report, error)
	// Selected, when given, is asked once Drive has returned which cases it took, nil
	// for all; they are kept as the run's selection.
	Selected func() []string
	// Started, when given, is told the run's ID and progress before the first
	// case; what it returns is called after the last one.
	Started func(id string, p *harness.Progress) (stop func())
	// Notice, when given, is told in a sentence what posting waits for, such as a
	// quiet time. It is called from several goroutines.
	Notice func(text string)
}

// ErrNothing is what Options.Drive returns, with no report, when it found nothing to
// run: there is then no run in the store.
var ErrNothing = errors.New("nothing to run")

// Outcome is what a run came to.
type Outcome struct {
	// RunID names the run in the store.
	RunID string
	// Report is judged by the suite's gate; when there was nothing to do, by the
	// checks that are kept with the run.
	Report *harness.Report
	// Err is why the run stopped early; nil when it did not.
	Err error
	// Idle: the run had come to its end before, and nothing was done.
	Idle bool
	// interrupted is the cause of the context's end, when that cut the run or its
	// posting off.
	interrupted error
	// only posting was asked for: the code is about nothing else.
	only bool
}

// Code is the exit code. An interrupted run's is the Code of the Error that was
// the context's cause, or CodeInterrupted; so is that of a run that was complete
// when posting was cut off.
func (o Outcome) Code() int {
	code := Code(o.Report)
	if o.only {
		code = postingCode(o.Report.Publish)
	}
	if o.interrupted != nil {
		interrupted := CodeInterrupted
		var e *Error
		if errors.As(o.interrupted, &e) {
			interrupted = e.Code
		}
		code = Worst(code, interrupted)
	}
	var bug *harness.PanicError
	if errors.As(o.Err, &bug) {
		code = CodeBug
	}
	return code
}
