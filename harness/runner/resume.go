package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// resume takes up a run that has stopped.
func (r *runner) resume(ctx context.Context) error {
	info, err := r.findRun(ctx)
	if err != nil {
		return err
	}
	if info.Spec.Suite != r.suite.Name {
		return usage(fmt.Errorf("run %s is of suite %q, not of %q", info.ID, info.Spec.Suite, r.suite.Name), "")
	}
	if info.Spec.Text != string(r.suite.Text) && !r.options.AllowDrift {
		return usage(fmt.Errorf("%s has changed since run %s began", r.suite.Path, info.ID),
			"start a new run without --resume, or go on with --allow-drift")
	}
	if info.Spec.App != r.appName() {
		return usage(fmt.Errorf("run %s is of app %q, not of %q", info.ID, info.Spec.App, r.appName()), "")
	}
	if r.selection, err = selectionOf(info.Spec.Options); err != nil {
		return usage(err, "")
	}
	r.suite.Seed, r.suite.Trials = info.Spec.Seed, max(info.Spec.Trials, 1)
	run, err := r.options.Store.Resume(ctx, info.ID)
	if errors.Is(err, store.ErrLocked) {
		return usage(err, "wait for it, or stop that process")
	}
	if err != nil {
		return usage(err, "")
	}
	r.stored, r.resumed = run, true
	if r.options.RetryErrors {
		if _, err := run.ForgetErrored(ctx); err != nil {
			return usage(errors.Join(err, run.Close()), "")
		}
	}
	return nil
}

// findRun finds the run to resume: the one named, or the newest of this suite
// and app that --resume or --retry-errors has something to do for.
func (r *runner) findRun(ctx context.Context) (store.Info, error) {
	if r.options.Resume != "" && r.options.Resume != "latest" {
		info, err := r.options.Store.Info(ctx, r.options.Resume)
		if err != nil {
			return info, usage(err, "evalrun list shows the runs")
		}
		return info, nil
	}
	infos, err := r.options.Store.Runs(ctx)
	if err != nil {
		return store.Info{}, usage(err, "")
	}
	for _, info := range infos {
		if info.Spec.Suite == r.suite.Name && info.Spec.App == r.appName() {
			return info, nil
		}
	}
	return store.Info{}, usage(fmt.Errorf("no run of suite %q with app %q to resume", r.suite.Name, r.appName()), "evalrun list shows the runs")
}

// replayer gives apps that answer with the stored outputs of a run.
func replayer(st *store.Store) func(ctx context.Context, run string) (harness.App, error) {
	return func(ctx context.Context, run string) (harness.App, error) {
		info, err := st.Info(ctx, run)
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		return &replay{st, info.ID}, nil
	}
}

type replay struct {
	store *store.Store
	run   string
}

// Respond gives the stored output of the same case and trial. A run with fewer
// trials gives its last one.
func (p *replay) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	var found *harness.Result
	for r, err := range p.store.Results(ctx, p.run, store.Query{Case: in.ID}) {
		if err != nil {
			return harness.Output{}, fmt.Errorf("replay %s: %w", p.run, err)
		}
		if found == nil || r.Trial <= in.Trial {
			found = &r
		}
	}
	switch {
	case found == nil:
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Permanent: true,
			Message: fmt.Sprintf("replay: run %s has no result of case %q", p.run, in.ID)}
	case found.Output == nil:
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Permanent: true,
			Message: fmt.Sprintf("replay: case %q had an error in run %s: %s", in.ID, p.run, found.Error.Message)}
	}
	return *found.Output, nil
}
