package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// runFlags are the flags of evalrun run.
type runFlags struct {
	concurrency, trials, retries int
	seed                         int64
	timeout                      time.Duration
	app                          string
	shard                        string
	filter, tags                 map[string]string
	selection                    runner.Selection
	resume                       string
	retryErrors, allowDrift      bool
	maxCost                      float64
	outputs                      outputFlags
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SUITE.yaml...",
		Short: "Run suites: cases → app → evaluators → results → report → gate",
		Example: `  evalrun run suites/quickstart.yaml
  evalrun run support.yaml --trials 3 -o out/report.junit.xml
  evalrun run support.yaml --case late-parcel --json
  evalrun run support.yaml --resume`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, &f, args) },
	}
	fl := cmd.Flags()
	fl.IntVarP(&f.concurrency, "concurrency", "c", 0, "how many trials run at once (default: the suite's)")
	fl.IntVarP(&f.concurrency, "jobs", "j", 0, "the same as --concurrency")
	fl.IntVar(&f.trials, "trials", 0, "how often each case is asked (default: the suite's)")
	fl.IntVar(&f.retries, "retries", 0, "how often a failed call is made again (default: the suite's)")
	fl.DurationVar(&f.timeout, "timeout", 0, "longest time for one answer (default: the suite's)")
	fl.Int64Var(&f.seed, "seed", 0, "what samples and seeds of apps follow from (default: the suite's)")
	fl.Int64Var(&f.selection.Limit, "limit", 0, "take only the first cases")
	fl.StringArrayVar(&f.selection.Cases, "case", nil, "take only the case of this ID (repeatable)")
	fl.StringToStringVar(&f.filter, "filter", nil, "take only cases with this metadata: key=value (repeatable)")
	fl.Float64Var(&f.selection.Sample, "sample", 0, "take this fraction of the cases, 0 to 1")
	fl.StringVar(&f.shard, "shard", "", "take part i of n of the cases: i/n")
	fl.StringVar(&f.app, "app", "", "run only this one of the suite's apps")
	fl.StringVar(&f.resume, "resume", "", "go on with a run that has stopped; without a RUN, the newest of the suite")
	fl.Lookup("resume").NoOptDefVal = "latest"
	fl.BoolVar(&f.retryErrors, "retry-errors", false, "resume and run the errored trials again")
	fl.BoolVar(&f.allowDrift, "allow-drift", false, "resume although the suite has changed")
	fl.Float64Var(&f.maxCost, "max-cost", 0, "stop when the answers have cost this many US dollars")
	fl.StringToStringVar(&f.tags, "tag", nil, "keep key=value with the run (repeatable)")
	f.outputs.add(fl)
	return cmd
}

// job is one run to do: a suite with one of its apps.
type job struct {
	suite *suite.Suite
	app   string
}

func (a *app) run(cmd *cobra.Command, f *runFlags, args []string) error {
	paths, err := f.suites(args)
	if err != nil {
		return err
	}
	if f.shard != "" {
		if f.selection.Shard, f.selection.Shards, err = runner.ParseShard(f.shard); err != nil {
			return err
		}
	}
	f.selection.Filter = f.filter
	if err := f.check(cmd); err != nil {
		return err
	}
	if len(paths) == 0 {
		if paths, err = a.suiteOfResumed(cmd.Context(), f); err != nil {
			return err
		}
	}
	jobs, err := a.jobs(cmd, f, paths)
	if err != nil {
		return err
	}
	plan, err := f.outputs.plan(jobs)
	if err != nil {
		return err
	}
	st, err := a.open(true)
	if err != nil {
		return err
	}
	defer st.Close()
	for i, j := range jobs {
		code, err := a.runJob(cmd, f, st, j, plan[i])
		if err != nil {
			return err
		}
		a.code = runner.Worst(a.code, code)
		if cmd.Context().Err() != nil {
			break
		}
	}
	return nil
}

// suites are the suite files among the arguments. After --resume or
// --retry-errors a run's ID may stand among them.
func (f *runFlags) suites(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if f.resume == "latest" && !strings.ContainsAny(arg, "./\\") && len(arg) >= 4 {
			if _, err := os.Stat(arg); err != nil {
				f.resume = arg
				continue
			}
		}
		paths = append(paths, arg)
	}
	if len(paths) == 0 && f.resume == "" && !f.retryErrors {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run: no suite given"),
			Hint: "evalrun run SUITE.yaml; evalrun init writes one to start from"}
	}
	if len(paths) > 1 && f.resume != "" {
		return nil, fmt.Errorf("run: --resume goes on with one run; found %d suites", len(paths))
	}
	return paths, nil
}

// check refuses values that can't be meant before anything is opened.
func (f *runFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	for _, c := range []struct {
		flag string
		bad  bool
		want string
	}{
		{"concurrency", f.concurrency < 1 || f.concurrency > 10000, "1 to 10000"},
		{"jobs", f.concurrency < 1 || f.concurrency > 10000, "1 to 10000"},
		{"trials", f.trials < 1 || f.trials > 10000, "1 to 10000"},
		{"retries", f.retries < 0 || f.retries > 100, "0 to 100"},
		{"timeout", f.timeout <= 0, "a duration above 0, such as 30s"},
		{"limit", f.selection.Limit < 1, "at least 1"},
		{"sample", f.selection.Sample <= 0 || f.selection.Sample > 1, "above 0 and at most 1"},
		{"max-cost", f.maxCost <= 0, "more than 0"},
	} {
		if changed(c.flag) && c.bad {
			return fmt.Errorf("--%s %s: expected %s", c.flag, cmd.Flags().Lookup(c.flag).Value, c.want)
		}
	}
	return nil
}

// suiteOfResumed finds the suite and the app of the run to resume, when no suite
// is given.
func (a *app) suiteOfResumed(ctx context.Context, f *runFlags) ([]string, error) {
	st, err := a.open(false)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	info, err := st.Info(ctx, cmp.Or(f.resume, "latest"))
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
	}
	f.resume, f.app = info.ID, info.Spec.App
	return []string{info.Spec.Path}, nil
}

// jobs loads every suite before anything runs.
func (a *app) jobs(cmd *cobra.Command, f *runFlags, paths []string) ([]job, error) {
	var jobs []job
	for _, path := range paths {
		s, err := a.load(path)
		if err != nil {
			return nil, err
		}
		f.override(cmd, s)
		for _, app := range s.Apps {
			if f.app == "" || f.app == app.Name {
				jobs = append(jobs, job{s, app.Name})
			}
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("run: no suite has an app %q", f.app)
	}
	if f.resume != "" && f.resume != "latest" && len(jobs) > 1 {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run: --resume %s with a suite of %d apps", f.resume, len(jobs)),
			Hint: "--app says which of them, or leave the suite out"}
	}
	return jobs, nil
}

func (a *app) load(path string) (*suite.Suite, error) {
	return suite.Load(path, suite.Options{
		Evaluators: a.Evaluators, AllowPath: a.allowPath, Getenv: a.Getenv, Formats: reporter.Formats(),
	})
}

// override puts flags in the place of what the suite says.
func (f *runFlags) override(cmd *cobra.Command, s *suite.Suite) {
	changed := cmd.Flags().Changed
	if changed("concurrency") || changed("jobs") {
		s.Concurrency = f.concurrency
	}
	if changed("trials") {
		s.Trials = f.trials
	}
	if changed("retries") {
		s.Retries = f.retries
	}
	if changed("timeout") {
		s.Timeout = f.timeout
	}
	if changed("seed") {
		s.Seed = f.seed
	}
}

func (a *app) runJob(cmd *cobra.Command, f *runFlags, st *store.Store, j job, outputs []output) (int, error) {
	o := runner.Options{
		Store: st, App: j.app, Selection: f.selection, Resume: f.resume, RetryErrors: f.retryErrors, AllowDrift: f.allowDrift,
		MaxCost: f.maxCost, Grace: grace, Abort: a.abort, Tags: maps.Clone(f.tags), Version: version(), Revision: revision(cmd.Context()),
	}
	o.Started = func(id string, p *harness.Progress) func() { return a.progress(j, p) }
	outcome, err := runner.Run(cmd.Context(), j.suite, o)
	if err != nil {
		return 0, err
	}
	ctx := context.WithoutCancel(cmd.Context())
	source := reportSource{ctx: ctx, store: st, report: outcome.Report, id: outcome.RunID}
	code := outcome.Code()
	if err := a.write(source, outputs, j); err != nil {
		a.fail(err)
		code = runner.Worst(code, runner.CodeIncomplete)
	}
	if outcome.Report.Status == harness.Incomplete && !a.quiet {
		a.say("To go on where it stopped: evalrun run %s --resume", j.suite.Path)
	}
	return code, nil
}

// progress shows the run on a terminal.
func (a *app) progress(j job, p *harness.Progress) func() {
	t, ok := a.terminal(a.stderr)
	if a.quiet || !ok {
		return func() {}
	}
	label := j.suite.Name
	if len(j.suite.Apps) > 1 {
		label += " (" + j.app + ")"
	}
	shown := reporter.StartProgress(a.stderr, p, reporter.ProgressOptions{Label: label, Terminal: true, Width: t.width, Color: t.color})
	return shown.Stop
}
