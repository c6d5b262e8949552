package evaltest

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/reporter"
)

// parallel is the value of -parallel.
func parallel() int {
	if n, ok := flagValue("test.parallel").(int); ok && n > 0 {
		return n
	}
	return 1
}

// flagValue is the value of a flag of go test; nil when there is none.
func flagValue(name string) any {
	if f := flag.Lookup(name); f != nil {
		if g, ok := f.Value.(flag.Getter); ok {
			return g.Get()
		}
	}
	return nil
}

var errDeadline = errors.New("the time of go test -timeout is nearly over")

// untilDeadline is the test's context, which ends early enough before the deadline
// of go test that what was found out can still be told.
func untilDeadline(t *testing.T) (context.Context, context.CancelFunc) {
	deadline, ok := t.Deadline()
	if !ok {
		return context.WithCancel(t.Context())
	}
	return context.WithDeadlineCause(t.Context(), deadline.Add(-room(time.Until(deadline))), errDeadline)
}

// room is how much of the time that is left is kept for calls that are under way
// and for the report: a tenth, 5 seconds to a minute, at most half.
func room(left time.Duration) time.Duration {
	return min(min(max(left/10, 5*time.Second), time.Minute), left/2)
}

// grace is how long calls that are under way may go on after the deadline: a third
// of the room, less the second after which those that go on are left behind, since
// posting may take as long again, and then there is the report.
func grace(t *testing.T) time.Duration {
	deadline, ok := t.Deadline()
	if !ok {
		return 10 * time.Second
	}
	return min(10*time.Second, max((room(time.Until(deadline))-time.Second)/3, time.Millisecond))
}

// run runs the eval and its gate.
func (e *eval) run(ctx context.Context) *harness.Report {
	e.t.Helper()
	st, err := e.openStore()
	if err != nil {
		e.t.Fatalf("evaltest: %s", message(err))
	}
	defer st.Close()
	d := &driver{eval: e}
	o, err := d.alongside(func(drive driveFunc) (runner.Outcome, error) {
		return runner.Run(ctx, e.suite, runner.Options{
			Store: st, Against: e.versus, MaxCost: e.maxCost(), Grace: grace(e.parent), Tags: map[string]string{"go test": e.t.Name()},
			Drive: drive, Selected: d.selected, Notice: func(text string) { e.t.Log(reporter.Terminal(text)) },
		})
	})
	switch {
	case errors.Is(err, runner.ErrNothing):
		e.noneRun(d)
		return nil
	case err != nil:
		e.t.Fatalf("evaltest: %s", message(err))
	}
	e.after(ctx, st, d, o)
	return o.Report
}

type driveFunc func(ctx context.Context, c harness.Config) (*harness.Report, error)

// alongside calls run in a goroutine of its own, and drives the engine in this one
// when run asks for that: subtests then have no stranger on their stack, and their
// messages have the line of the test.
func (d *driver) alongside(run func(drive driveFunc) (runner.Outcome, error)) (o runner.Outcome, err error) {
	d.t.Helper()
	type ask struct {
		ctx    context.Context
		config harness.Config
	}
	asks, ended := make(chan ask), make(chan struct{})
	var report *harness.Report
	var failed error
	driven := make(chan struct{})
	go func() {
		defer close(ended)
		o, err = run(func(ctx context.Context, c harness.Config) (*harness.Report, error) {
			asks <- ask{ctx, c}
			<-driven
			return report, failed
		})
	}()
	select {
	case a := <-asks:
		failed = errors.New("the test has ended") // unless it comes back
		func() {
			d.t.Helper()
			defer func() {
				close(driven)
				<-ended
			}()
			report, failed = d.drive(a.ctx, a.config)
		}()
	case <-ended:
	}
	return o, err
}

// message is an error with what can be done about it.
func message(err error) string {
	var e *runner.Error
	text := err.Error()
	if errors.As(err, &e) && e.Hint != "" {
		text += "\n" + e.Hint
	}
	return reporter.TerminalBlock(text)
}
