package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// suiteFlag names the suite that a stored run is judged by.
type suiteFlag struct{ path string }

func (f *suiteFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "suite", "", "suite file (default: the one that the run was started with)")
}

// suiteOf loads the suite of a stored run as it is today.
func (a *app) suiteOf(info store.Info, f suiteFlag) (*suite.Suite, error) {
	path := f.path
	if path == "" {
		path = info.Spec.Path
	}
	s, err := a.load(path)
	if err != nil && f.path == "" {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("load the suite of run %s: %w", info.ID, err),
			Hint: "--suite names the file when it has moved"}
	}
	return s, err
}

func (a *app) scoreCommand() *cobra.Command {
	var f suiteFlag
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "score RUN",
		Short: "Score a stored run again with today's evaluators, without calling the app",
		Long: `Score evaluates the stored outputs of a run with the evaluators that the suite
has today, and replaces the scores of the run. The app is not called. Results
that were posted to a platform are not posted again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stored(cmd, args[0], out, func(st *store.Store, info store.Info) (*harness.Report, error) {
				s, err := a.suiteOf(info, f)
				if err != nil {
					return nil, err
				}
				return runner.Score(cmd.Context(), s, runner.Options{Store: st}, info.ID)
			})
		},
	}
	f.add(cmd)
	out.add(cmd.Flags())
	return cmd
}

func (a *app) gateCommand() *cobra.Command {
	var f suiteFlag
	var out outputFlags
	var checks []string
	cmd := &cobra.Command{
		Use:     "gate RUN",
		Short:   "Judge a stored run: the same checks as in a suite",
		Example: `  evalrun gate latest --check "equals.pass_rate >= 0.9"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stored(cmd, args[0], out, func(st *store.Store, info store.Info) (*harness.Report, error) {
				parsed, err := a.checks(info, f, checks)
				if err != nil {
					return nil, err
				}
				return runner.Report(cmd.Context(), st, info.ID, parsed)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&checks, "check", nil, "a check, in place of the suite's (repeatable)")
	out.add(cmd.Flags())
	return cmd
}

// checks are those of the flags, or else of the suite.
func (a *app) checks(info store.Info, f suiteFlag, texts []string) ([]gate.Check, error) {
	if len(texts) == 0 {
		s, err := a.suiteOf(info, f)
		if err != nil {
			return nil, err
		}
		return s.Gate, nil
	}
	var checks []gate.Check
	for _, text := range texts {
		c, err := gate.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--check: %w", err)
		}
		checks = append(checks, c)
	}
	return checks, nil
}

func (a *app) reportCommand() *cobra.Command {
	var f suiteFlag
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Write reports of a stored run in any format",
		Example: `  evalrun report latest -o out/report.junit.xml -o out/results.csv
  evalrun report latest -o jsonl > results.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stored(cmd, args[0], out, func(st *store.Store, info store.Info) (*harness.Report, error) {
				return runner.Report(cmd.Context(), st, info.ID, a.gateIfAny(info, f))
			})
		},
	}
	f.add(cmd)
	out.add(cmd.Flags())
	return cmd
}

// gateIfAny is the gate of the run's suite. A report of old results is worth
// having when the suite is gone.
func (a *app) gateIfAny(info store.Info, f suiteFlag) []gate.Check {
	s, err := a.suiteOf(info, f)
	if err != nil {
		a.say("evalrun: warning: no gate in this report: %v", err)
		return nil
	}
	return s.Gate
}

// stored does something with a stored run and writes the report that comes out.
func (a *app) stored(cmd *cobra.Command, id string, out outputFlags, do func(*store.Store, store.Info) (*harness.Report, error)) error {
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
	report, err := do(st, info)
	if err != nil {
		return err
	}
	source := reportSource{ctx: cmd.Context(), store: st, report: report, id: info.ID}
	if err := a.write(source, outputs, job{}); err != nil {
		return &runner.Error{Code: runner.CodeIncomplete, Err: err}
	}
	a.code = runner.Code(report)
	if cmd.Name() == "report" {
		a.code = runner.CodePass // a report that was written is a success, whatever it says
	}
	return nil
}
