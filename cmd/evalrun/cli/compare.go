package cli

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) compareCommand() *cobra.Command {
	var flips int
	var outputs []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compare BASE NEW...",
		Short: "Compare runs, case by case: what got worse, what got better, is it more than chance",
		Long: `Compare pairs the cases of two runs by ID and content, and says for each evaluator
how much the scores differ, with an interval and a p-value, for latency and cost
by what ratio, and which cases have another verdict now. BASE and NEW are runs,
baselines or baseline files. Further runs are compared with the same base.

p is two-sided, adjusted by Holm's method for the number of evaluators. It is for
looking at runs: what gates is no_regression in a suite, or evalrun gate --baseline.`,
		Example: `  evalrun compare main latest
  evalrun compare baselines/main.json latest -o markdown:out/compare.md`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				outputs = append(outputs, "json")
			}
			if len(outputs) == 0 {
				outputs = []string{"table"}
			}
			for _, o := range outputs {
				if format, _, _ := strings.Cut(o, ":"); !slices.Contains(reporter.ComparisonFormats(), format) {
					return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("output %q: no format of that name", o),
						Hint: "formats of a comparison: " + strings.Join(reporter.ComparisonFormats(), ", ")}
				}
			}
			if flips < 0 {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("--flips %d: expected 0 or more", flips)}
			}
			var st *store.Store // files need none
			if slices.ContainsFunc(args, func(name string) bool { return !strings.HasSuffix(name, ".json") }) {
				var err error
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
	fl.StringArrayVarP(&outputs, "output", "o", nil, "FORMAT or FORMAT:PATH (repeatable); formats: "+strings.Join(reporter.ComparisonFormats(), ", "))
	fl.BoolVar(&asJSON, "json", false, "the same as -o json")
	return cmd
}

// writeComparison writes one output.
func (a *app) writeComparison(output string, all []reporter.Comparison) error {
	format, path, _ := strings.Cut(output, ":")
	t := reporter.Table{}
	if path == "" {
		screen, _ := a.terminal(a.stdout)
		t.Width, t.Color = screen.width, screen.color
	}
	var text bytes.Buffer
	if err := reporter.WriteComparison(&text, format, all, t); err != nil {
		return err
	}
	if path == "" {
		_, err := a.stdout.Write(text.Bytes())
		return err
	}
	f, err := create(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(text.Bytes()); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Close()
}
