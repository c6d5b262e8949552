package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) compareCommand() *cobra.Command {
	var flips int
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "compare BASE NEW...",
		Short: "Compare runs, case by case: what got worse, what got better, is it more than chance",
		Long: `Compare pairs the cases of two runs by ID and content, and says for each evaluator
how much the scores differ, with an interval and a p-value, for latency and cost
by what ratio, and which cases have another verdict now. BASE and NEW are runs,
baselines or baseline files; latest is the newest run, beside a baseline the newest
of its suite. Further runs are compared with the same base.

p is two-sided, adjusted by Holm's method for the number of evaluators. It is for
looking at runs: what gates is no_regression in a suite, or evalrun gate --baseline.`,
		Example: `  evalrun compare main latest
  evalrun compare baselines/main.json latest -o out/compare.md`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			outputs, err := out.parse()
			if err != nil {
				return err
			}
			if len(outputs) == 0 {
				outputs = []output{{format: "table"}}
			}
			if flips < 0 {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("--flips %d: expected 0 or more", flips)}
			}
			var st *store.Store // files need none
			if slices.ContainsFunc(args, func(name string) bool { return !strings.HasSuffix(name, ".json") }) {
				if st, err = a.open(false); err != nil {
					return err
				}
				defer st.Close()
			}
			all, err := runner.Compare(cmd.Context(), st, args[0], args[1:], flips)
			if err != nil {
				return err
			}
			for _, o := range outputs {
				if err := a.writeComparison(o, all); err != nil {
					return &runner.Error{Code: runner.CodeIncomplete, Err: err}
				}
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&flips, "flips", 10, "how many cases with another verdict are shown")
	out.add(fl, reporter.ComparisonFormats())
	return cmd
}

// writeComparison writes one output.
func (a *app) writeComparison(o output, all []reporter.Comparison) error {
	t := reporter.Table{}
	if o.path == "" {
		screen, _ := a.terminal(a.stdout)
		t.Width, t.Color = screen.width, screen.color
	}
	return o.write(a.stdout, func(w io.Writer) error { return reporter.WriteComparison(w, o.format, all, t) })
}
