package runner

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/store"
)

// Report folds the stored results of a run and judges them. The checks are those
// to judge by: Checks gives those that belong to the run.
func Report(ctx context.Context, st *store.Store, id string, checks []gate.Check, against Against) (*harness.Report, error) {
	info, err := st.Info(ctx, id)
	if err != nil {
		return nil, usage(err, "evalrun list shows the runs")
	}
	report, err := fold(ctx, st, info)
	if err != nil {
		return nil, err
	}
	if err := complete(ctx, st, report, info); err != nil {
		return nil, err
	}
	return report, judge(ctx, st, info, report, checks, against)
}

// Checks are the checks of the suite when it was last run, resumed or scored.
// They are kept with the run, so that a report of it does not depend on its suite
// being there, or being what it was.
func Checks(info store.Info) ([]gate.Check, error) {
	var checks []gate.Check
	for _, text := range info.Spec.Gate {
		c, err := gate.Parse(text)
		if err != nil {
			return nil, usage(fmt.Errorf("gate of run %s: %w", info.ID, err), "--suite FILE judges by a suite of today")
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// Results ranges over a run's results, ordered by case and trial.
func Results(ctx context.Context, st *store.Store, id string) iter.Seq2[harness.Result, error] {
	return st.Results(ctx, id, store.Query{})
}

// fold adds the stored results of a run up.
func fold(ctx context.Context, st *store.Store, info store.Info) (*harness.Report, error) {
	f := harness.NewFold(info.Spec.Trials, info.Spec.Evaluators...)
	reduce, err := reducer(info.Spec)
	if err != nil {
		return nil, err
	}
	f.Reduce(reduce)
	for r, err := range st.Results(ctx, info.ID, store.Query{}) {
		if err != nil {
			return nil, fmt.Errorf("read run %s: %w", info.ID, err)
		}
		f.Add(r)
	}
	return f.Report(info.Planned), nil
}

// The reasons of runs that have not ended.
const (
	processEnded = "the process that ran it ended before the run did"
	stillRunning = "the run is still going on"
)

// diedBefore is a warning about a run that was resumed.
const diedBefore = "an earlier process of the run ended before the run did"

// during is the end of a sentence: which trials were under way.
func during(asked []harness.Key) string {
	const most = 5
	var names []string
	for _, key := range asked[:min(len(asked), most)] {
		names = append(names, fmt.Sprintf("case %s, trial %d", strconv.Quote(key.Case), key.Trial))
	}
	switch n := len(asked); {
	case n == 0:
		return ""
	case n == 1:
		return ", while " + names[0] + " was being asked or scored"
	case n > most:
		names = append(names, fmt.Sprintf("%d more", n-most))
	}
	return fmt.Sprintf(", while %d trials were being asked or scored: %s", len(asked), strings.Join(names, "; "))
}

// complete adds what the store knows of the run beside its results.
func complete(ctx context.Context, st *store.Store, r *harness.Report, info store.Info) error {
	r.RunID, r.Suite, r.Reduce = info.ID, info.Spec.Suite, info.Spec.Reduce
	if info.Spec.Options[appsOption] != "" {
		r.App = info.Spec.App
	}
	r.StartedAt, r.FinishedAt = info.Started, info.Finished
	reasons, notes := splitNotes(info.Reasons)
	r.Reasons, r.Warnings = nil, notes
	if info.Status != string(harness.Complete) {
		r.Status = harness.Incomplete
		r.Reasons = reasons
		r.FailedFast = info.Status == string(harness.Incomplete) && len(reasons) == 1 && hasFailedFast(reasons[0])
		switch info.Status {
		case store.Interrupted:
			r.Reasons = append(r.Reasons, processEnded+during(info.Asked))
		case store.Running:
			r.Reasons = append(r.Reasons, stillRunning)
		}
	}
	var err error
	r.Publish, err = published(ctx, st, info)
	return err
}

// report is that of the run which has just ended. The engine's is the same as
// one folded from the store, unless the run had results before.
func (r *runner) report(ctx context.Context, e ending) (*harness.Report, error) {
	info, err := r.options.Store.Info(ctx, r.id())
	if err != nil {
		return nil, err
	}
	report := e.report
	if report == nil || r.resumed() {
		if report, err = fold(ctx, r.options.Store, info); err != nil {
			return nil, err
		}
	}
	checks := r.suite.Gate
	if !r.todo.run {
		if checks, err = Checks(info); err != nil {
			return nil, err
		}
	}
	if e.report != nil { // we know best, also when that could not be stored
		report.Abandoned = e.report.Abandoned
		info.Status, info.Reasons = string(e.report.Status), e.reasons
	}
	if err := complete(ctx, r.options.Store, report, info); err != nil {
		return nil, err
	}
	for _, n := range r.notes {
		if !slices.Contains(report.Warnings, n) {
			report.Warnings = append(report.Warnings, n)
		}
	}
	return report, judge(ctx, r.options.Store, info, report, checks, r.options.Against)
}

// id is the run's.
func (r *runner) id() string {
	if r.stored != nil {
		return r.stored.ID()
	}
	return r.before.ID
}
