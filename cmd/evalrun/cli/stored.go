package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
)

// gateFlags say by what a stored run is judged.
type gateFlags struct {
	suite   string
	checks  []string
	against againstFlags
}

func (f *gateFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.suite, "suite", "", "judge by the checks of this suite (default: those that are kept with the run)")
	f.against.add(cmd.Flags())
}

// of gives the checks: those of the flags, those of a suite as it is today, or
// those that are kept with the run.
func (f *gateFlags) of(a *app, info store.Info) ([]gate.Check, error) {
	if f.suite != "" && len(f.checks) == 0 {
		s, err := a.sameSuite(info, f.suite)
		if err != nil {
			return nil, err
		}
		return s.Gate, nil
	}
	if len(f.checks) == 0 {
		return runner.Checks(info)
	}
	var checks []gate.Check
	for _, text := range f.checks {
		c, err := gate.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--check: %w", err)
		}
		if err := measured(c, info); err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// measured refuses a check of a metric that the run does not have.
func measured(c gate.Check, info store.Info) error {
	missing := c.Missing(info.Spec.Evaluators)
	if len(missing) == 0 {
		return nil
	}
	name := missing[0]
	meant := strict.Meant(name, info.Spec.Evaluators)
	if c.Stat != "" {
		meant = strict.Meant(name+"."+c.Stat, gate.Metrics(info.Spec.Evaluators...))
	}
	return &runner.Error{Code: runner.CodeUsage,
		Err:  fmt.Errorf("--check %s: run %s has no metric %s%s", strict.Quote(c.Text), info.ID, strict.Quote(name), meant),
		Hint: "metrics: " + strings.Join(append(slices.Clone(info.Spec.Evaluators), "latency", "errors", "cost", "tokens", "cases"), ", ")}
}

// judged folds a stored run and judges it.
func (a *app) judged(f *gateFlags) doStored {
	return func(ctx context.Context, st *store.Store, info store.Info) (*harness.Report, error) {
		checks, err := f.of(a, info)
		if err != nil {
			return nil, err
		}
		against, err := f.against.of()
		if err != nil {
			return nil, err
		}
		return runner.Report(ctx, st, info.ID, checks, against)
	}
}

func (a *app) scoreCommand() *cobra.Command {
	var path string
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "score [RUN]",
		Short: "Score a stored run again with today's evaluators, without calling the app",
		Long: `Score evaluates the stored outputs of a run with the evaluators that the suite
has today, replaces the scores of the run, and judges it by the suite's gate of
today. Without RUN it is the newest one. The app is not called. Results that were posted to a platform are not
posted again. A run whose scoring was cut off is incomplete until it was scored
to the end.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stored(cmd, runOf(args), out, func(ctx context.Context, st *store.Store, info store.Info) (*harness.Report, error) {
				s, err := a.suiteOf(info, path)
				if err == nil && path == "" {
					err = losesScores(info, s)
				}
				if err != nil {
					return nil, err
				}
				return runner.Score(ctx, s, runner.Options{Store: st}, info.ID)
			})
		},
	}
	cmd.Flags().StringVar(&path, "suite", "", "suite file (default: the one that the run was started with)")
	out.add(cmd.Flags(), a.Reporters.Formats())
	return cmd
}

// sameSuite loads a suite that a stored run is of, wherever its file is now.
func (a *app) sameSuite(info store.Info, path string) (*suite.Suite, error) {
	s, err := a.load(path)
	if err == nil && s.Name != info.Spec.Suite {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s is of suite %q, and %s is suite %q", info.ID, info.Spec.Suite, path, s.Name)}
	}
	return s, err
}

// suiteOf loads the suite of a stored run as it is today.
func (a *app) suiteOf(info store.Info, path string) (*suite.Suite, error) {
	if path != "" {
		return a.sameSuite(info, path)
	}
	if info.Spec.Text == "" {
		return nil, withoutFile(info)
	}
	s, err := a.load(shownPath(info.Spec.Path))
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("load the suite of run %s: %w", info.ID, err),
			Hint: cmp.Or(a.foreign(info), "--suite names the file when it has moved")}
	}
	return s, nil
}

func (a *app) gateCommand() *cobra.Command {
	var f gateFlags
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "gate [RUN]",
		Short: "Judge a stored run: the same checks as in a suite",
		Long: `Gate judges a stored run, the newest one without RUN, by the checks that are kept with it: those of its suite
when it was run. --suite takes those of a suite as it is today, --check others.
The exit code is that of the run, so 4 when it is incomplete and 5 when its results are not all posted.`,
		Example: `  evalrun gate latest --check "equals.pass_rate >= 0.9"`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.stored(cmd, runOf(args), out, a.judged(&f))
			a.code = f.against.code(a.code)
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.checks, "check", nil, "a check to judge by (repeatable)")
	out.add(cmd.Flags(), a.Reporters.Formats())
	return cmd
}

func (a *app) reportCommand() *cobra.Command {
	var f gateFlags
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Write reports of a stored run in any format; without RUN, of the newest",
		Example: `  evalrun report latest -o out/report.junit.xml -o out/results.csv
  evalrun report latest -o jsonl > results.jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.stored(cmd, runOf(args), out, a.judged(&f))
			a.code = runner.CodePass // a report that was written is a success, whatever it says
			return err
		},
	}
	f.add(cmd)
	out.add(cmd.Flags(), a.Reporters.Formats())
	return cmd
}

// runOf is the run that the arguments name: the newest one when there are none.
func runOf(args []string) string {
	if len(args) == 0 {
		return latest
	}
	return args[0]
}

// doStored makes a report of a stored run.
type doStored func(context.Context, *store.Store, store.Info) (*harness.Report, error)

// stored does something with a stored run and writes the report that comes out.
func (a *app) stored(cmd *cobra.Command, id string, out outputFlags, do doStored) error {
	outputs, err := out.parse()
	if err != nil {
		return err
	}
	if len(outputs) == 0 {
		outputs = []output{{format: "table"}}
	}
	st, err := a.open(false)
	if err != nil {
		return err
	}
	defer st.Close()
	info, err := st.Info(cmd.Context(), id)
	if err != nil {
		return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
	}
	if err := spare(outputs, []input{{info.Spec.Path, "the suite"}, {filepath.Join(a.storeDir, "evalrun.db"), "the store"}}); err != nil {
		return err
	}
	report, err := do(cmd.Context(), st, info)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if cmd.Name() == "publish" { // what was posted until a signal came is reported
		ctx = context.WithoutCancel(ctx)
	}
	source := reportSource{ctx: ctx, store: st, report: report, id: info.ID, part: cmd.Name()}
	if err := a.write(source, outputs); err != nil {
		return &runner.Error{Code: runner.CodeIncomplete, Err: err}
	}
	a.code = runner.Code(report)
	if info.Status != store.Running && !a.quiet {
		a.sayNext(report, info)
	}
	return nil
}
