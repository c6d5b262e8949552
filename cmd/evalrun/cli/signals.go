package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/evalrun/evalrun/harness/runner"
)

// lastResort is how long the command may take to leave after the second signal.
const lastResort = 3 * time.Second

// watchSignals ends the context at the first SIGINT or SIGTERM, with the exit
// code as its cause, closes a.abort at the second, and ends the process should
// it still be there a while later. What is stored is kept in any case.
func (a *app) watchSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		code := 0
		select {
		case s := <-signals:
			code = codeOf(s)
			cancel(&runner.Error{Code: code, Err: errors.New("interrupted by " + s.String())})
			a.say("evalrun: stopping: running trials may finish within %s; once more to leave now", grace)
		case <-ended:
			return
		}
		select {
		case <-signals:
			close(a.abort)
			a.say("evalrun: leaving; what is stored is kept")
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
		close(ended)
		wg.Wait()
		cancel(nil)
	}
}

// grace is how long running trials may go on after the first signal.
const grace = 10 * time.Second

func codeOf(s os.Signal) int {
	if s == syscall.SIGTERM {
		return runner.CodeTerminated
	}
	return runner.CodeInterrupted
}
