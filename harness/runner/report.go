package runner

import (
	"context"
	"fmt"
	"iter"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/store"
)

// Report folds the stored results of a run and judges them.
func Report(ctx context.Context, st *store.Store, id string, checks []gate.Check) (*harness.Report, error) {
	info, err := st.Info(ctx, id)
	if err != nil {
		return nil, usage(err, "evalrun list shows the runs")
	}
	fold := harness.NewFold(info.Spec.Trials, info.Spec.Evaluators...)
	for r, err := range st.Results(ctx, info.ID, store.Query{}) {
		if err != nil {
			return nil, fmt.Errorf("read run %s: %w", info.ID, err)
		}
		fold.Add(r)
	}
	report := fold.Report(info.Planned)
	complete(report, info)
	gate.Judge(report, checks)
	return report, nil
}

// Results ranges over a run's results, ordered by case and trial.
func Results(ctx context.Context, st *store.Store, id string) iter.Seq2[harness.Result, error] {
	return st.Results(ctx, id, store.Query{})
}

// complete adds what the store knows of the run beside its results.
func complete(r *harness.Report, info store.Info) {
	r.RunID, r.Suite = info.ID, info.Spec.Suite
	r.StartedAt, r.FinishedAt = info.Started, info.Finished
	if info.Status != string(harness.Complete) {
		r.Status = harness.Incomplete
		r.Reasons = append(r.Reasons, info.Reasons...)
		switch info.Status {
		case store.Interrupted:
			r.Reasons = append(r.Reasons, "the process that ran it ended before the run did")
		case store.Running:
			r.Reasons = append(r.Reasons, "the run is still going on")
		}
	}
	if p := info.Spec.Publish; p != nil {
		r.Publish = &harness.Publish{
			Platform: p.Platform, EvaluationID: p.EvaluationID, Posted: info.Posts.Posted,
			Pending: info.Posts.Pending + info.Posts.Posting, Rejected: info.Posts.Rejected,
		}
	}
}

// finalReport is the report of the run that has just ended. That of the engine
// is the same as one folded from the store, unless the run had results before.
func (r *runner) finalReport(ctx context.Context, report *harness.Report) (*harness.Report, error) {
	if r.resumed {
		final, err := Report(ctx, r.options.Store, r.stored.ID(), r.suite.Gate)
		if err == nil {
			final.Abandoned = report.Abandoned
			final.Warnings = append(final.Warnings, report.Warnings...)
		}
		return final, err
	}
	info, err := r.options.Store.Info(ctx, r.stored.ID())
	if err != nil {
		return nil, err
	}
	report.Reasons = nil // the stored ones hold no secrets
	complete(report, info)
	gate.Judge(report, r.suite.Gate)
	return report, nil
}
