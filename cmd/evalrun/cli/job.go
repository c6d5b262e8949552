package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// job is one run to do: a suite with one of its apps.
type job struct {
	suite    *suite.Suite
	app      string
	path     string // of the suite, as it was given
	revision string
	against  runner.Against
}

// String is the suite's name, with the app's when it has several.
func (j job) String() string {
	if len(j.suite.Apps) > 1 {
		return fmt.Sprintf("%s (%s)", j.suite.Name, j.app)
	}
	return j.suite.Name
}

func names(jobs []job) string {
	var all []string
	for _, j := range jobs {
		all = append(all, j.String())
	}
	return strings.Join(all, ", ")
}

// jobs loads every suite before anything runs.
func (a *app) jobs(cmd *cobra.Command, f *runFlags, paths []string) ([]job, error) {
	var jobs []job
	for _, path := range paths {
		s, err := a.load(path)
		if err != nil {
			return nil, err
		}
		if s.Retell == nil && f.retell {
			return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s: the suite has no section retell", path), Hint: a.command("run", shown(path)) + " runs it"}
		}
		if s.Retell != nil && (cmd.Flags().Changed("timeout") || cmd.Flags().Changed("retries")) {
			return nil, fmt.Errorf("%s: --timeout and --retries are for calls of an app; retell.deadline says how long a batch is waited for", path)
		}
		f.override(cmd, s)
		if _, err := reduce.New(s.Reduce.Name, s.Reduce.K, s.Trials); s.Reduce.Name != "" && err != nil {
			return nil, fmt.Errorf("%s: reduce: %w", path, err)
		}
		for _, app := range s.Apps {
			if f.app == "" || f.app == app.Name {
				jobs = append(jobs, job{suite: s, app: app.Name, path: path})
			}
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("%s: no suite has an app %q", f.command(), f.app)
	}
	if id := f.resumed(); id != "" && id != latest && len(jobs) > 1 {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s: --resume %s with a suite of %d apps", f.command(), id, len(jobs)),
			Hint: "--app says which of them, or leave the suite out"}
	}
	return jobs, nil
}

func (a *app) load(path string) (*suite.Suite, error) {
	return suite.Load(path, a.suiteOptions())
}

func (a *app) suiteOptions() suite.Options {
	return suite.Options{
		Evaluators: a.Evaluators, Targets: a.Targets, Formats: a.Reporters.Formats(), AllowPath: a.allowPath, Getenv: a.Getenv,
	}
}

// runJob runs a job and writes its reports. An error means that it did not start.
func (a *app) runJob(ctx context.Context, f *runFlags, st *store.Store, j job, outputs []output) (int, error) {
	a.running.Store(true)
	defer a.running.Store(false)
	outcome, err := runner.Run(ctx, j.suite, runner.Options{
		Store: st, App: j.app, Selection: f.selection, Resume: f.resumed(), RetryErrors: f.retry != "", AllowDrift: f.allowDrift,
		Against: j.against, MaxCost: f.maxCost, Grace: grace, Abort: a.abort, Tags: maps.Clone(f.tags), Version: version(), Revision: j.revision,
		Notice:  a.notice,
		Started: func(_ string, p *harness.Progress) func() { return a.progress(j, p) },
	})
	if err != nil {
		return 0, err
	}
	source := reportSource{ctx: context.WithoutCancel(ctx), store: st, report: outcome.Report, id: outcome.RunID}
	code := outcome.Code()
	if err := a.write(source, outputs); err != nil {
		a.fail(err)
		code = runner.Worst(code, runner.CodeIncomplete)
	}
	if err := outcome.Err; err != nil && !slices.Contains(outcome.Report.Reasons, err.Error()) {
		a.fail(err)
	}
	if a.quiet {
		return code, nil
	}
	if outcome.Idle {
		a.say("Run %s was complete already; nothing was run.", outcome.RunID)
	}
	a.sayNext(outcome.Report, store.Info{Spec: store.Spec{Text: string(j.suite.Text)}})
	return code, nil
}

// sayNext says what can be done about a run that has not come to its end: going
// on, asking again where there were errors, posting what was not posted.
func (a *app) sayNext(r *harness.Report, info store.Info) {
	switch {
	case inGo(info):
		if r.Status == harness.Incomplete || r.Trials.Errored > 0 {
			a.say("To run it again: %s", againInGo(info))
		}
	case r.Status == harness.Incomplete:
		a.say("To go on where it stopped: %s", a.command("run", "--resume="+r.RunID))
	case r.Trials.Errored > 0:
		a.say("To run the trials with errors again: %s", a.command("run", "--retry-errors="+r.RunID))
	}
	p := r.Publish
	if p == nil || p.Clean() || info.Spec.Text == "" {
		return
	}
	switch {
	case p.Pending > 0:
		a.say("To post what was not posted: %s", a.command("publish", r.RunID))
	case p.Error != "" || p.Audit == nil || !p.Audit.Clean():
		a.say("To ask the platform again what it has: %s", a.command("publish", r.RunID))
	}
	if p.Rejected > 0 {
		a.say("To post what was rejected once more: %s", a.command("publish", r.RunID, "--retry-rejected"))
	}
}

// progressEvery is the time between two lines of progress that nobody watches, so
// that a long job in CI is not silent.
const progressEvery = 30 * time.Second

// progress shows the run: on a terminal as a line that changes, else as a line now
// and then. Messages go through it meanwhile.
func (a *app) progress(j job, p *harness.Progress) func() {
	t, ok := a.terminal(a.stderr)
	if a.quiet {
		return func() {}
	}
	shown := reporter.StartProgress(a.stderr, p, reporter.ProgressOptions{
		Label: j.String(), Terminal: ok, Width: t.width, Color: t.color, Every: progressEvery,
	})
	undo := a.console.use(shown)
	return func() {
		undo()
		shown.Stop()
	}
}
