package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/evalrun/evalrun/harness/runner"
)

// lastResort is how long the command may take to leave after the second signal.
const lastResort = 3 * time.Second

// watchSignals ends the context at the first SIGINT, SIGTERM or SIGHUP, with the
// exit code as its cause, closes a.abort at the second, and ends the process
// should it still be there a while later. What is stored is kept in any case.
func (a *app) watchSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as it is below nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A closed pipe must not kill what runs: writing to it fails, and that is said.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	ended := make(chan struct{})
	var wg sync.WaitGroup
	messages := make(chan string, 2)
	wg.Go(func() { // whoever reads them may have stopped to: that must not hold up the second signal
		for m := range messages {
			a.say("evalrun: %s", m)
		}
	})
	wg.Go(func() {
		defer close(messages)
		code := 0
		select {
		case s := <-signals:
			code = exitCode(s)
			cancel(&signalError{runner.Error{Code: code, Err: errors.New(signalName(s) + " received")}})
			messages <- "stopping" + a.finishing()
		case <-ended:
			return
		}
		select {
		case <-signals:
			close(a.abort)
			messages <- "leaving; what is stored is kept"
		case <-ended:
			return
		}
		select {
		case <-time.After(lastResort):
			os.Exit(code)
		case <-ended:
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		signal.Stop(pipes)
		close(ended)
		wg.Wait()
		cancel(nil)
	}
}

// finishing says what goes on after the first signal.
func (a *app) finishing() string {
	if !a.running.Load() {
		return ""
	}
	return fmt.Sprintf(": what runs may finish within %s; once more to leave now", grace)
}

// codePipe is the exit code of a command whose reader has gone away: what a shell
// gives for SIGPIPE.
const codePipe = 141

// readerGone tells whether standard output is a pipe that nobody reads any more.
func readerGone(err error) bool {
	var e *fs.PathError // a closed connection is another error
	return errors.As(err, &e) && e.Path == os.Stdout.Name() && errors.Is(e, syscall.EPIPE)
}

// signalName is a signal as people call it.
func signalName(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return s.String()
}

// grace is how long running trials, and then posting, may go on after the first
// signal.
const grace = 10 * time.Second

// exitCode is the exit code that a signal stands for.
func exitCode(s os.Signal) int {
	if s == os.Interrupt {
		return runner.CodeInterrupted
	}
	return runner.CodeTerminated
}

// signalError is the cause of a context that a signal has ended.
type signalError struct{ err runner.Error }

func (e *signalError) Error() string { return e.err.Error() }
func (e *signalError) Unwrap() error { return &e.err }

// signalCode is the exit code of the signal that has ended ctx; it is not ok when
// none has.
func signalCode(ctx context.Context) (code int, ok bool) {
	var e *signalError
	if ctx.Err() != nil && errors.As(context.Cause(ctx), &e) {
		return e.err.Code, true
	}
	return 0, false
}
