package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

var (
	errTimeout = errors.New("timeout")
	errGoexit  = errors.New("ended its goroutine (runtime.Goexit) instead of returning")
)

// guard has f called by another goroutine, so that a panic, runtime.Goexit or a
// call that never returns is the trouble of this trial alone. What f sets is
// settled only when guard returns nil; an abandoned f may set it at any time.
func (e *engine) guard(by *caller, who string, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(e.running, e.Timeout, errTimeout)
	defer cancel()
	done := by.call(who, func() error { return f(ctx) })
	select {
	case err := <-done:
		if err != nil && context.Cause(ctx) == errTimeout {
			return e.timedOut(who)
		}
		return by.returned(who, err)
	case <-ctx.Done():
	}
	patience := time.NewTimer(abandonAfter)
	defer patience.Stop()
	select {
	case err := <-done:
		err = by.returned(who, err)
		if p := (*Error)(nil); errors.As(err, &p) && p.Kind == KindPanic {
			return err
		}
	case <-patience.C:
		by.abandon()
		e.Progress.Abandoned.Add(1)
	}
	if context.Cause(ctx) == errTimeout {
		return e.timedOut(who)
	}
	return context.Cause(ctx)
}

func (e *engine) timedOut(who string) error {
	return &Error{Kind: KindTimeout, Message: fmt.Sprintf("%s gave no answer within %s", who, e.Timeout)}
}

// caller makes one call after another in a goroutine of its own, which it keeps:
// its stack has grown to what the calls need. It belongs to one worker. The zero
// caller is ready; close ends it.
type caller struct {
	calls chan func() error
	done  chan error
	ended chan struct{}
}

// call begins a call; its outcome comes through the channel.
func (c *caller) call(who string, f func() error) <-chan error {
	if c.calls == nil {
		c.calls, c.done, c.ended = make(chan func() error), make(chan error, 1), make(chan struct{})
		go serveCalls(c.calls, c.done, c.ended)
	}
	c.calls <- func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = panicError(who, v, debug.Stack())
			}
		}()
		return f()
	}
	return c.done
}

// serveCalls makes calls until there are no more, or one ends the goroutine.
func serveCalls(calls <-chan func() error, done chan<- error, ended chan<- struct{}) {
	defer close(ended)
	calling := false
	defer func() {
		if calling {
			done <- errGoexit
		}
	}()
	for f := range calls {
		calling = true
		err := f()
		calling = false
		done <- err
	}
}

// returned looks at the outcome of a call that has come to an end.
func (c *caller) returned(who string, err error) error {
	if err == errGoexit {
		c.calls = nil
		return fmt.Errorf("%s %w", who, err)
	}
	return err
}

// abandon leaves a call behind that does not return. Its goroutine ends with it.
func (c *caller) abandon() {
	close(c.calls)
	c.calls = nil
}

// close ends the goroutine and waits for that.
func (c *caller) close() {
	if c.calls != nil {
		close(c.calls)
		<-c.ended
		c.calls = nil
	}
}
