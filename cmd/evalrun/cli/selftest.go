package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/stat"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) selftestCommand() *cobra.Command {
	var f gateFlags
	var splits int
	var seed int64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "selftest [RUN]",
		Short: "How often the gate raises a false alarm, on your own data",
		Long: `Selftest splits the trials of each case of a stored run at random into two halves,
again and again, and lets the gate's own no_regression judge the one half against
the other. Nothing differs between them, so every failure is a false alarm. Beside
it stands the rule that any drop fails, on the same halves.

The options are those of the run's gate, or of --check; no_regression as it is when
there is none. The run needs two trials per case or more. Intervals are Wilson's,
of the number of splits: they do not say how another run would do. A half has half
as many trials as the run, so the gate sees less here than with two whole runs.

The scores are kept in memory: about 100 bytes for a case and 50 for a trial where
scores repeat, as verdicts do, and 500 for a trial where they do not.`,
		Example: `  evalrun run support.yaml --trials 4 && evalrun selftest
  evalrun selftest latest --runs 10000 --check 'no_regression: {exact: true}'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if splits < 1 || splits > 1_000_000 {
				return fmt.Errorf("--runs %d: expected 1 to 1000000", splits)
			}
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			info, err := st.Info(cmd.Context(), runOf(args))
			if err != nil {
				return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
			}
			checks, err := f.of(a, info)
			if err != nil {
				return err
			}
			out, err := selfTest(cmd, st, info, checks, gate.SelfTestOptions{Splits: splits, Seed: seed})
			if err != nil {
				return err
			}
			if asJSON {
				return a.selftestJSON(info, seed, out)
			}
			return a.selftestTable(info, out)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&splits, "runs", 1000, "how many times the trials are split")
	fl.Int64Var(&seed, "seed", 1, "what the splits follow from")
	fl.StringVar(&f.suite, "suite", "", "take the checks of this suite (default: those that are kept with the run)")
	fl.StringArrayVar(&f.checks, "check", nil, "test this check, such as 'no_regression: {exact: true}' (repeatable)")
	fl.BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

// selfTest runs it, and says what to do when it can't be.
func selfTest(cmd *cobra.Command, st *store.Store, info store.Info, checks []gate.Check, o gate.SelfTestOptions) (gate.SelfTest, error) {
	r, err := reduce.Parse(info.Spec.Reduce)
	if err != nil {
		return gate.SelfTest{}, &runner.Error{Code: runner.CodeUsage, Err: err}
	}
	o.Reduce, o.Least = r.Reduce, r.K
	out, err := gate.RunSelfTest(cmd.Context(), runner.NewSide(st, info), checks, o)
	if errors.Is(err, gate.ErrTooFewTrials) {
		least := 2 * max(r.K, 1)
		again := fmt.Sprintf("evalrun run %s --trials %d", shown(info.Spec.Path), max(4, least))
		if inGo(info) {
			again = fmt.Sprintf("Trials: %d in its Config", max(4, least))
		}
		err = &runner.Error{Code: runner.CodeUsage,
			Err:  fmt.Errorf("selftest: no case of run %s has the %d trials that two halves need", info.ID, least),
			Hint: again + " asks each case often enough; more trials make the halves more like whole runs"}
	}
	return out, err
}

// rateOf is a part of the splits with its interval.
func rateOf(n, of int64) (rate float64, i harness.Interval) {
	low, high := stat.Wilson(n, of, gate.Level)
	return float64(n) / float64(of), harness.Interval{Low: low, High: high, Level: gate.Level}
}

func (a *app) selftestTable(info store.Info, out gate.SelfTest) error {
	halves := fmt.Sprintf("%d", out.Half[0])
	if out.Half[1] > out.Half[0] {
		halves = fmt.Sprintf("%d to %d", out.Half[0], out.Half[1])
	}
	fmt.Fprintf(a.stdout, "run %s of %s: %s, halves of %s trials each, split %d times\n",
		info.ID, reporter.Terminal(info.Spec.Suite), cases(out.Cases), halves, out.Splits)
	if out.TooFew > 0 {
		fmt.Fprintf(a.stdout, "left out: %s with too few trials\n", cases(out.TooFew))
	}
	for _, c := range out.Checks {
		fmt.Fprintf(a.stdout, "\n%s\n", reporter.Terminal(c.Check))
		t := plainTable("", "false alarms", "95% interval", "inconclusive", "any drop fails")
		add := func(name string, n gate.Alarms) {
			rate, i := rateOf(n.Failed, out.Splits)
			inconclusive, _ := rateOf(n.Inconclusive, out.Splits)
			dropped, _ := rateOf(n.Dropped, out.Splits)
			t.AppendRow(table.Row{name, percentOf(rate), percentOf(i.Low) + " to " + percentOf(i.High), percentOf(inconclusive), percentOf(dropped)})
		}
		for _, m := range c.Metrics {
			add(reporter.Terminal(m.Metric), m.Alarms)
		}
		if len(c.Metrics) != 1 {
			add("the gate", c.Alarms)
		}
		fmt.Fprintln(a.stdout, t.Render())
	}
	return nil
}

func (a *app) selftestJSON(info store.Info, seed int64, out gate.SelfTest) error {
	alarms := func(n gate.Alarms) map[string]any {
		return map[string]any{
			"false_alarms": rateJSON(n.Failed, out.Splits), "inconclusive": rateJSON(n.Inconclusive, out.Splits), "any_drop": rateJSON(n.Dropped, out.Splits),
		}
	}
	var checks []map[string]any
	for _, c := range out.Checks {
		one := alarms(c.Alarms)
		one["check"] = c.Check
		metrics := map[string]any{}
		for _, m := range c.Metrics {
			metrics[m.Metric] = alarms(m.Alarms)
		}
		one["metrics"] = metrics
		checks = append(checks, one)
	}
	return json.NewEncoder(a.stdout).Encode(map[string]any{
		"run_id": info.ID, "suite": info.Spec.Suite, "splits": out.Splits, "seed": seed, "cases": out.Cases, "cases_left_out": out.TooFew,
		"trials_per_half": map[string]int{"min": out.Half[0], "max": out.Half[1]}, "checks": checks,
	})
}

func rateJSON(n, of int64) map[string]any {
	rate, i := rateOf(n, of)
	return map[string]any{"count": n, "rate": rate, "interval": map[string]float64{"low": i.Low, "high": i.High, "level": i.Level}}
}

// percentOf writes a rate with one decimal.
func percentOf(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*v), ".0") + "%"
}

// plainTable is a table without lines.
func plainTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(header)
	return t
}
