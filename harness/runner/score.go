package runner

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// Score evaluates the stored outputs of a run with the suite's evaluators and
// replaces the scores that the run had. The app is not called. The report is
// judged by the suite's gate.
func Score(ctx context.Context, s *suite.Suite, o Options, id string) (*harness.Report, error) {
	info, err := o.Store.Info(ctx, id)
	if err != nil {
		return nil, usage(err, "evalrun list shows the runs")
	}
	evaluators, err := s.BuildEvaluators(evaluator.Env{Dir: s.Dir, Concurrency: s.Concurrency})
	if err != nil {
		return nil, usage(err, "")
	}
	for _, e := range evaluators {
		if c, ok := e.(io.Closer); ok {
			defer c.Close()
		}
	}
	run, err := o.Store.Resume(ctx, info.ID)
	if err != nil {
		return nil, usage(err, "")
	}
	err = rescore(ctx, s, evaluators, o.Store, run, NewRedactor(s.Secrets...))
	if err = errors.Join(err, run.Close()); err != nil {
		return nil, &Error{Code: CodeIncomplete, Err: fmt.Errorf("score run %s: %w", info.ID, err),
			Hint: "results that were not reached keep the scores that they had"}
	}
	return Report(ctx, o.Store, info.ID, s.Gate)
}

// rescore scores batch by batch, Concurrency answers at once.
func rescore(ctx context.Context, s *suite.Suite, evaluators []harness.Evaluator, st *store.Store, run *store.Run, redact *Redactor) error {
	c := harness.Config{Evaluators: evaluators, Timeout: s.Timeout, Seed: s.Seed}
	flush := func(batch []harness.Result) error {
		var g errgroup.Group
		g.SetLimit(s.Concurrency)
		for i := range batch {
			g.Go(func() error {
				again, ok, err := harness.ScoreResult(ctx, c, batch[i])
				if err == nil && !ok {
					err = context.Cause(ctx)
				}
				batch[i] = again
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		redact.results(batch)
		return run.Rescore(ctx, batch)
	}
	const size = 200
	var batch []harness.Result
	for r, err := range st.Results(ctx, run.ID(), store.Query{}) {
		if err != nil {
			return err
		}
		if r.Output == nil {
			continue
		}
		if batch = append(batch, r); len(batch) == size {
			if err := flush(batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	return flush(batch)
}
