package runner

import (
	"context"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/retell"
)

// beginBatches tells the app that is a batch test what is kept with the run, and
// where to keep more.
func (r *runner) beginBatches() error {
	err := r.batches.Begin(retell.Session{
		Kept: r.stored.Spec().Options, Keep: r.stored.SetOption, RetryErrors: r.options.RetryErrors,
		Waiting: func(w harness.Waiting) {
			if p := r.progress.Load(); p != nil {
				p.Waiting.Store(&w)
			}
		},
	})
	if err != nil {
		return usage(err, "")
	}
	return nil
}

// openCases reads the test cases of a batch test: one that is not there is found
// before anything is paid for.
func (r *runner) openCases(ctx context.Context) error {
	if r.cases == nil {
		return nil
	}
	if err := r.cases.Open(ctx); err != nil {
		return usage(err, "")
	}
	return nil
}
