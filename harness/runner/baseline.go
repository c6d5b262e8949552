package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/baseline"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/store"
)

// DefaultBaseline is the baseline of checks that name none.
const DefaultBaseline = "main"

// Against says what a run is compared with, and how strictly.
type Against struct {
	// Baseline is a name, a run or a file; it takes the place of the baselines that
	// checks name. "": theirs.
	Baseline string
	// AllowUnlike compares also with runs of other evaluators.
	AllowUnlike bool
	// OnNew and OnRemoved say what cases mean that only one of the runs has.
	OnNew, OnRemoved gate.Policy
}

// withComparison adds a comparison to checks that have none, when a baseline is
// named all the same.
func (a Against) withComparison(checks []gate.Check) ([]gate.Check, error) {
	if a.Baseline == "" || slices.ContainsFunc(checks, gate.Check.Compares) {
		return checks, nil
	}
	c, err := gate.Parse("no_regression")
	return append(slices.Clone(checks), c), err
}

// judge decides the checks: what the checks need of the cases is read from
// the store.
func judge(ctx context.Context, st *store.Store, info store.Info, report *harness.Report, checks []gate.Check, a Against) error {
	checks, err := a.withComparison(checks)
	if err != nil {
		return err
	}
	if !gate.Needed(checks) {
		gate.Judge(report, checks, nil)
		return nil
	}
	reduce, err := reducer(info.Spec)
	if err != nil {
		return err
	}
	evidence, err := gate.Gather(ctx, checks, gate.Sources{
		Started: info.Started, Partial: Partial(info),
		Now: NewSide(st, info), Reduce: reduce, AllowUnlike: a.AllowUnlike, OnNew: a.OnNew, OnRemoved: a.OnRemoved,
		Baseline: func(ctx context.Context, name string) (compare.Side, error) { return a.side(ctx, st, info, name) },
	})
	if err != nil {
		return usage(err, "")
	}
	gate.Judge(report, checks, evidence)
	return nil
}

// known makes sure, before anything is called, that a baseline that was asked for is
// there and can be read.
func (a Against) known(ctx context.Context, st *store.Store, like store.Info) error {
	if a.Baseline == "" {
		return nil
	}
	_, err := FindSide(ctx, st, a.Baseline, like, "")
	if errors.Is(err, gate.ErrNoBaseline) {
		all, listed := st.Baselines(ctx)
		if listed != nil {
			return usage(listed, "")
		}
		if slices.ContainsFunc(all, func(b store.Baseline) bool { return b.Name == a.Baseline && b.Suite == like.Spec.Suite }) {
			return nil // of another app of the suite
		}
	}
	if err != nil {
		return usage(fmt.Errorf("--baseline: %w", err), "evalrun baseline list shows the baselines, evalrun list the runs")
	}
	return nil
}

// side finds the baseline of a check that calls it by this name.
func (a Against) side(ctx context.Context, st *store.Store, info store.Info, name string) (compare.Side, error) {
	dir := filepath.Dir(info.Spec.Path) // the suite's paths are relative to it
	if a.Baseline != "" {
		name, dir = a.Baseline, ""
	}
	if name == "" {
		name = DefaultBaseline
	}
	side, err := FindSide(ctx, st, name, info, dir)
	switch {
	case err == nil && side.About().Run == info.ID:
		return nil, fmt.Errorf("%w: %s is this very run", gate.ErrNoBaseline, name)
	case err == nil || errors.Is(err, gate.ErrNoBaseline):
		return side, err
	case a.Baseline != "":
		return nil, fmt.Errorf("--baseline: %w", err)
	case errors.Is(err, fs.ErrNotExist): // a suite may name one that is still to be made
		return nil, fmt.Errorf("%w: there is no file %s", gate.ErrNoBaseline, name)
	}
	return nil, err
}

// FindSide finds what a user calls a baseline: a file (ending in .json), a name
// that a run of the same suite and app has, or a run. fs.ErrNotExist when there is no
// such file, gate.ErrNoBaseline when nothing has the name.
func FindSide(ctx context.Context, st *store.Store, name string, like store.Info, dir string) (compare.Side, error) {
	if isFile(name) {
		return readBaseline(name, dir)
	}
	b, err := st.Baseline(ctx, name, like.Spec.Suite, BaselineApp(like.Spec))
	switch {
	case err == nil:
		name = b.Run
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	info, missing := st.Info(ctx, name)
	switch {
	case missing == nil:
		return NewSide(st, info), nil
	case err == nil: // the name's run
		return nil, fmt.Errorf("%w: its run %s is not in the store", gate.ErrNoBaseline, name)
	case errors.Is(missing, store.ErrNotFound):
		return nil, fmt.Errorf("%w: %q is no baseline of suite %q, and no run", gate.ErrNoBaseline, name, like.Spec.Suite)
	}
	return nil, missing
}

// BaselineApp is the app that a run's baselines are kept for: "" when its suite has
// only one, so that a baseline outlives a change of how the app is reached.
func BaselineApp(spec store.Spec) string {
	if spec.Options[appsOption] == "" {
		return ""
	}
	return spec.App
}

// isFile tells a baseline file from a name; names don't end like one.
func isFile(name string) bool { return strings.HasSuffix(name, ".json") }

func readBaseline(name, dir string) (compare.Side, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return baseline.Read(name, f)
}
