package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// find finds the run to resume and what is left to do of it. It changes nothing.
func (r *runner) find(ctx context.Context) error {
	if !r.options.Selection.whole() {
		return usage(errors.New("a resumed run keeps its own selection of cases"), "start a new run for another selection")
	}
	info, err := r.findRun(ctx)
	if err != nil {
		return err
	}
	if r.only {
		r.options.App = info.Spec.App
	}
	if err := r.fits(info); err != nil {
		return err
	}
	if r.selection, err = selectionOf(info.Spec.Options); err != nil {
		return usage(err, "")
	}
	r.before = info
	r.suite.Seed, r.suite.Trials = info.Spec.Seed, max(info.Spec.Trials, 1)
	r.todo = r.left(info)
	_, r.notes = splitNotes(info.Reasons)
	if len(info.Asked) > 0 {
		r.note(diedBefore + during(info.Asked))
	}
	if r.drifted(info) && !r.only {
		r.note("the suite file had changed when the run was resumed with --allow-drift")
	}
	if r.todo == (work{}) && r.otherGate(info.Spec) {
		r.note("the suite's gate has changed; the run is judged by the checks that are kept with it")
	}
	return nil
}

// otherGate tells whether the suite's checks are not those that are kept.
func (r *runner) otherGate(kept store.Spec) bool {
	return !slices.Equal(gateTexts(r.suite.Gate), kept.Gate)
}

// findRun finds the run to resume: the one named, or the newest one of this suite
// and app, if there is one of this very file.
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
	path, _ := filepath.Abs(r.suite.Path)
	for _, sameFile := range []bool{true, false} { // the file may have moved
		for _, info := range infos {
			if info.Spec.Suite == r.suite.Name && info.Spec.App == r.appName() && (!sameFile || info.Spec.Path == path) {
				return info, nil
			}
		}
	}
	return store.Info{}, usage(fmt.Errorf("no run of suite %q with app %q to resume", r.suite.Name, r.appName()), "evalrun list shows the runs")
}

// fits tells whether the suite can go on with the run.
func (r *runner) fits(info store.Info) error {
	switch {
	case info.Spec.Suite != r.suite.Name:
		return usage(fmt.Errorf("run %s is of suite %q, not of %q", info.ID, info.Spec.Suite, r.suite.Name), "")
	case info.Spec.App != r.appName():
		return usage(fmt.Errorf("run %s is of app %q, not of %q", info.ID, info.Spec.App, r.appName()), "")
	case r.only:
		return r.postable(info)
	case r.drifted(info) && !r.options.AllowDrift:
		return usage(fmt.Errorf("%s has changed since run %s began", r.suite.Path, info.ID),
			"start a new run without --resume, or go on with --allow-drift")
	}
	return whollyScored(info)
}

// whollyScored refuses a run whose scoring was cut off.
func whollyScored(info store.Info) error {
	if !slices.Contains(info.Reasons, scoringCut) {
		return nil
	}
	return usage(fmt.Errorf("run %s: %s", info.ID, scoringCut), "evalrun score "+info.ID+" gives all results the same evaluators again")
}

func (r *runner) drifted(info store.Info) bool { return info.Spec.Text != string(r.suite.Text) }

// mixed are the digests of a run that was resumed with others than it began with:
// its results are of both, so that it is like neither.
func mixed(began, now map[string]string) (digests map[string]string, changed bool) {
	digests = maps.Clone(began)
	for key, digest := range now {
		if was := digests[key]; was != "" && !slices.Contains(strings.Split(was, "+"), digest) {
			digests[key], changed = was+"+"+digest, true
		}
	}
	return digests, changed
}

// sameFile warns when the dataset's file is not the one that the resumed run began
// with. A broken row may have been mended: the store compares the cases that the
// run has, one by one.
func (r *runner) sameFile() error {
	before := r.before.Spec.DatasetDigest
	file, ok := r.source.(interface{ Digest() (string, error) })
	if before == "" || !ok || r.suite.Dataset.File == "" {
		return nil
	}
	now, err := file.Digest()
	if err != nil {
		return usage(err, "")
	}
	if now != before {
		r.note(fmt.Sprintf("the dataset %s had changed when the run was resumed", r.suite.Dataset.File))
	}
	return nil
}

// sameCases looks, at the end of a resumed run, for cases that it had and that
// the dataset has not any more, which is an error, and for more cases than it had
// when it was complete.
func (r *runner) sameCases(planned int64) error {
	before := r.before.Planned
	switch {
	case !r.resumed():
	case planned < before:
		return keptHint(fmt.Errorf("%w: %d of the %d cases of the run are not there any more", store.ErrDatasetChanged, before-planned, before))
	case planned > before && r.before.Status == string(harness.Complete):
		r.note(fmt.Sprintf("the dataset has %d more cases than when the run was complete; they were run too", planned-before))
	}
	return nil
}

// keptHint adds to the news that a dataset has changed what can be done.
func keptHint(err error) error {
	if !errors.Is(err, store.ErrDatasetChanged) {
		return err
	}
	return fmt.Errorf("%w; what the run has is kept: resume it with the dataset as it was, or start a new run", err)
}

// left is what there is to do of a run.
func (r *runner) left(info store.Info) work {
	if r.only {
		return work{post: true}
	}
	if info.Status != string(harness.Complete) || r.options.RetryErrors && info.Errored > 0 {
		return work{run: true, post: true}
	}
	p := info.Posts
	waiting := p.Pending+p.Posting > 0 || info.Spec.Publish == nil && info.Completed > 0
	doubtful := p.Posted > 0 && (info.Audit == nil || !info.Audit.Clean())
	return work{post: r.suite.Publish != nil && (waiting || doubtful)}
}
