package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
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
	resume, retry                string // run IDs, or latest
	allowDrift                   bool
	maxCost                      float64
	against                      againstFlags
	outputs                      outputFlags
	foreign                      string // a hint about the run to resume
	retell                       bool   // evalrun retell run: only suites that have the section retell
}

// command is what the user has called.
func (f *runFlags) command() string {
	if f.retell {
		return "retell run"
	}
	return "run"
}

func (a *app) runCommand(f *runFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run SUITE.yaml...",
		Short: "Run suites: cases → app → evaluators → results → report → gate",
		Long: `Run puts the cases of each suite to its app, scores the answers, keeps the
results, writes the reports and judges the suite's gate.

--resume goes on with the newest run of the suite, or with the run whose ID
follows; --retry-errors does so too and runs the errored trials again. A resumed
run keeps its cases, trials and seed: when the dataset has changed, so that a case
is another one or is not there any more, the run ends as incomplete (exit code 4)
and keeps what it has. Of a run that is complete only what is not posted yet is
posted, as evalrun publish does; when there is nothing to do at all, it is reported.`,
		Example: `  evalrun run suites/quickstart.yaml
  evalrun run support.yaml --trials 3 -o out/report.junit.xml
  evalrun run support.yaml --case late-parcel --json
  evalrun run support.yaml --resume`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, f, args) },
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
	fl.Lookup("resume").NoOptDefVal = latest
	fl.StringVar(&f.retry, "retry-errors", "", "resume likewise and run the errored trials again")
	fl.Lookup("retry-errors").NoOptDefVal = latest
	fl.BoolVar(&f.allowDrift, "allow-drift", false, "resume although the suite has changed")
	fl.Float64Var(&f.maxCost, "max-cost", 0, "stop when the answers have cost this many US dollars")
	fl.StringToStringVar(&f.tags, "tag", nil, "keep key=value with the run (repeatable)")
	f.against.add(fl)
	f.outputs.add(fl, a.Reporters.Formats())
	return cmd
}

func (a *app) run(cmd *cobra.Command, f *runFlags, args []string) error {
	paths, err := f.suites(args)
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	against, err := f.against.of()
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		if paths, err = a.suiteOfResumed(cmd.Context(), f); err != nil {
			return err
		}
	}
	revisions := startRevisions(cmd.Context(), paths) // beside the loading
	jobs, err := a.jobs(cmd, f, paths)
	if err != nil && f.foreign != "" {
		return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: f.foreign}
	}
	if err != nil {
		return err
	}
	plan, err := f.outputs.plan(jobs)
	if err != nil {
		return err
	}
	for _, outputs := range plan {
		if err := writable(outputs); err != nil {
			return err
		}
	}
	st, err := a.open(true)
	if err != nil {
		return err
	}
	defer st.Close()
	for i, j := range jobs {
		if code, ok := signalCode(cmd.Context()); ok {
			a.code = runner.Worst(a.code, code)
			a.say("evalrun: not run: %s", names(jobs[i:]))
			break
		}
		j.revision, j.against = revisions[j.path](), against
		code, err := a.runJob(cmd.Context(), f, st, j, plan[i])
		if err != nil {
			code = codeOf(cmd.Context(), err)
			if len(jobs) > 1 {
				err = fmt.Errorf("%s: %w", j, err)
			}
			a.fail(err)
		}
		a.code = runner.Worst(a.code, f.against.code(code))
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
	info, err := st.Info(ctx, cmp.Or(f.resumed(), latest))
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
	}
	if inGo(info) {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s can't be resumed: its app is Go code, which this command does not have", info.ID),
			Hint: againInGo(info) + " runs it again"}
	}
	f.resume, f.app, f.foreign = info.ID, info.Spec.App, a.foreign(info)
	return []string{shownPath(info.Spec.Path)}, nil
}
