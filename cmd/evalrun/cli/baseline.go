package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/baseline"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) baselineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Name the runs that others are compared with",
		Long: `Baseline gives a run a name. A suite's gate compares later runs of the same suite
and app with it: no_regression: {baseline: main}. A baseline is changed by this
command only. Export writes it to a file for version control, which --baseline
FILE and baseline: FILE read where the store is not.`,
	}
	cmd.AddCommand(a.baselineSet(), a.baselineList(), a.baselineRemove(), a.baselineExport())
	return cmd
}

func (a *app) baselineSet() *cobra.Command {
	return &cobra.Command{
		Use:     "set NAME [RUN]",
		Short:   "Give a run a name; without RUN, the newest",
		Example: `  evalrun baseline set main latest`,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			info, err := st.Info(cmd.Context(), runOf(args[1:]))
			if err != nil {
				return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
			}
			if info.Status != "complete" {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s is %s: it can't be a baseline", info.ID, info.Status),
					Hint: "evalrun run --resume=" + info.ID + " goes on with it"}
			}
			if info.Completed == 0 {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s has no case: it can't be a baseline", info.ID),
					Hint: "evalrun list shows the runs"}
			}
			if info.Errored > 0 && info.Errored >= info.Completed {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("every trial of run %s had an error: it can't be a baseline", info.ID),
					Hint: "evalrun run --retry-errors=" + info.ID + " runs them again"}
			}
			if info.Errored > 0 {
				a.say("evalrun: %d of %d trials of the run had an error; without an answer they count as the worst score", info.Errored, info.Completed)
			}
			b, err := st.SetBaseline(cmd.Context(), args[0], info.ID, runner.BaselineApp(info.Spec))
			if err != nil {
				return err
			}
			a.say("Runs of suite %q are compared with run %s as %s.", b.Suite, b.Run, b.Name)
			return nil
		},
	}
}

func (a *app) baselineList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the baselines",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []store.Baseline
			if a.hasStore() {
				st, err := a.open(false)
				if err != nil {
					return err
				}
				defer st.Close()
				if all, err = st.Baselines(cmd.Context()); err != nil {
					return err
				}
			}
			return a.showBaselines(all, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func (a *app) showBaselines(all []store.Baseline, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		for _, b := range all {
			err := enc.Encode(map[string]any{"name": b.Name, "suite": b.Suite, "app": b.App, "run": b.Run, "since": b.Since.UTC().Format(time.RFC3339)})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		a.say("No baseline; evalrun baseline set NAME RUN makes one.")
		return nil
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"name", "suite", "app", "run", "since"})
	for _, b := range all {
		t.AppendRow(table.Row{reporter.Terminal(b.Name), reporter.Terminal(b.Suite), reporter.Terminal(b.App), b.Run,
			b.Since.Local().Format("2006-01-02 15:04:05")})
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

func (a *app) baselineRemove() *cobra.Command {
	var suite string
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "Take a name away; the runs stay",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			n, err := st.RemoveBaseline(cmd.Context(), args[0], suite)
			if err == nil && n == 0 {
				err = &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("no baseline %q", args[0]), Hint: "evalrun baseline list shows them"}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&suite, "suite", "", "only that of the suite of this name")
	return cmd
}

func (a *app) baselineExport() *cobra.Command {
	return &cobra.Command{
		Use:   "export RUN|NAME FILE.json",
		Short: "Write what a run found out to a file for version control",
		Long: `Export writes the scores of each case, without the answers: one line per case,
sorted, so that a diff shows what changed.`,
		Example: `  evalrun baseline export main baselines/main.json`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			info, err := named(cmd.Context(), st, args[0])
			if err != nil {
				return err
			}
			if info.Status != "complete" {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s is %s: it can't be a baseline", info.ID, info.Status)}
			}
			return output{path: args[1]}.write(a.stdout, func(w io.Writer) error {
				return baseline.Write(cmd.Context(), w, runner.NewSide(st, info))
			})
		},
	}
}

// named is the run of that ID, or the one that has a name as a baseline.
func named(ctx context.Context, st *store.Store, name string) (store.Info, error) {
	info, err := st.Info(ctx, name)
	if !errors.Is(err, store.ErrNotFound) {
		return info, err
	}
	all, failed := st.Baselines(ctx)
	if failed != nil {
		return info, failed
	}
	all = slices.DeleteFunc(all, func(b store.Baseline) bool { return b.Name != name })
	switch len(all) {
	case 0:
		return info, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%q is no run and no baseline", name),
			Hint: "evalrun list shows the runs, evalrun baseline list the baselines"}
	case 1:
		return st.Info(ctx, all[0].Run)
	}
	return info, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%d suites or apps have a baseline %q: name its run", len(all), name),
		Hint: "evalrun baseline list shows them"}
}
