package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// scoringCut is the reason why a run is incomplete while it is scored again, and
// stays so when that is cut off.
const scoringCut = "scoring was interrupted: some results have scores of the new evaluators and some of the old ones"

// Score evaluates the stored outputs of a run with the suite's evaluators and
// replaces the scores that the run had. The app is not called. The report is
// judged by the suite's gate, which is kept with the run as its evaluators are.
//
// A run whose scoring is cut off is incomplete until it was scored to the end.
func Score(ctx context.Context, s *suite.Suite, o Options, id string) (*harness.Report, error) {
	redact := NewRedactor(s.Secrets...)
	report, err := score(ctx, s, o, id, redact)
	return report, redact.failure(err)
}

func score(ctx context.Context, s *suite.Suite, o Options, id string, redact *Redactor) (*harness.Report, error) {
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
			defer func() { _ = c.Close() }() // children that die badly at the end change no score
		}
	}
	run, err := o.Store.Resume(ctx, info.ID)
	if err != nil {
		return nil, usage(err, "")
	}
	w := scorer{
		config: harness.Config{Evaluators: evaluators, Seed: s.Seed},
		suite:  s, store: o.Store, run: run, redact: redact,
	}
	if err := errors.Join(w.score(ctx), run.Close()); err != nil {
		return nil, &Error{Code: CodeIncomplete, Err: fmt.Errorf("score run %s: %w", info.ID, err),
			Hint: "evalrun score " + info.ID + " scores it from the start; until then the run is incomplete"}
	}
	return Report(ctx, o.Store, info.ID, s.Gate, o.Against)
}

// scorer scores one stored run again.
type scorer struct {
	config harness.Config
	suite  *suite.Suite
	store  *store.Store
	run    *store.Run
	redact *Redactor
}

// score marks the run as incomplete while it goes on.
func (w *scorer) score(ctx context.Context) error {
	info, err := w.store.Info(ctx, w.run.ID())
	if err != nil {
		return err
	}
	reasons := slices.DeleteFunc(info.Reasons, func(s string) bool { return s == scoringCut })
	status := harness.Complete
	if info.Status == store.Running { // by us, who have the lock: nobody else runs it any more
		reasons = append(reasons, processEnded)
	}
	if left, _ := splitNotes(reasons); len(left) > 0 {
		status = harness.Incomplete
	}
	cut := append([]string{scoringCut}, reasons...)
	if err := w.run.Finish(ctx, string(harness.Incomplete), cut, info.Planned); err != nil {
		return err
	}
	if err := w.all(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted: %w", context.Cause(ctx))
		}
		return err
	}
	digests := w.suite.Digests(info.Spec.App)
	if app := info.Spec.Digests["app"]; app != "" { // the answers are as old as they were
		digests["app"] = app
	}
	if err := w.run.SetEvaluators(ctx, w.suite.Metrics, digests); err != nil {
		return err
	}
	if err := w.run.SetGate(ctx, gateTexts(w.suite.Gate)); err != nil {
		return err
	}
	return w.run.Finish(ctx, string(status), reasons, info.Planned)
}

// A batch of results is scored and stored at once.
const (
	scoreItems = 200
	scoreBytes = 8 << 20
)

// all scores batch by batch.
func (w *scorer) all(ctx context.Context) error {
	results := w.store.Results(ctx, w.run.ID(), store.Query{})
	for batch, err := range batches(results, scoreItems, scoreBytes) {
		if err == nil {
			err = w.flush(ctx, batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// batches gathers the results with an answer until they are so many, or about so
// many bytes.
func batches(results iter.Seq2[harness.Result, error], items, bytes int) iter.Seq2[[]harness.Result, error] {
	return func(yield func([]harness.Result, error) bool) {
		var batch []harness.Result
		size := 0
		for r, err := range results {
			if err != nil {
				yield(nil, err)
				return
			}
			if r.Output == nil {
				continue
			}
			batch, size = append(batch, r), size+weight(r)
			if len(batch) >= items || size >= bytes {
				if !yield(batch, nil) {
					return
				}
				batch, size = nil, 0
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// weight is about how many bytes a result's texts have.
func weight(r harness.Result) int {
	size := len(r.Output.Text()) + len(harness.Input{Value: r.Case.Input}.Text())
	for _, c := range r.Output.Chunks {
		size += len(c.Text)
	}
	return size
}

// flush scores a batch, Concurrency answers at once, and stores it.
func (w *scorer) flush(ctx context.Context, batch []harness.Result) error {
	var g errgroup.Group
	g.SetLimit(max(w.suite.Concurrency, 1))
	for i := range batch {
		g.Go(func() error {
			again, ok, err := harness.ScoreResult(ctx, w.config, batch[i])
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
	w.redact.results(batch)
	return w.run.Rescore(ctx, batch)
}
