package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/flaky"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

// flakyFlags say whose history is looked at.
type flakyFlags struct {
	suite, app string
	last       int
	json       bool
}

func (a *app) flakyCommand() *cobra.Command {
	var f flakyFlags
	cmd := &cobra.Command{
		Use:   "flaky [SUITE.yaml]",
		Short: "Find the cases that pass now and fail then",
		Long: `Flaky looks at the last trials of each case over the complete runs of a suite in the
store, as long as what the case asks and expects and the evaluator stay the same, and
lists those that are flaky: with ten trials or more, both outcomes among them, and a
pass rate whose 95 % interval (Wilson's) begins below 0.9 and ends above 0.1. Without
a suite it is that of the newest run.

A case whose outcome changed once may have changed for good: look at its runs. To
keep a flaky case from failing anything by itself, put it in quarantine:

  quarantine:
    - {case: ID, until: 2026-12-31, reason: why}`,
		Example: `  evalrun flaky
  evalrun flaky support.yaml --last 50 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.last < flaky.Least || f.last > 100_000 {
				return fmt.Errorf("--last %d: expected %d to 100000 trials", f.last, flaky.Least)
			}
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			histories, err := a.histories(cmd.Context(), st, f, args)
			if err != nil {
				return err
			}
			for _, h := range histories {
				if h.found, err = flaky.Find(cmd.Context(), h.sides, f.last); err != nil {
					return err
				}
				show := a.flakyTable
				if f.json {
					show = a.flakyJSON
				}
				if err := show(h); err != nil {
					return err
				}
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.suite, "suite", "", "the suite's name, when its file is not at hand")
	fl.StringVar(&f.app, "app", "", "only this one of the suite's apps")
	fl.IntVar(&f.last, "last", 30, "how many trials of each case are looked at")
	fl.BoolVar(&f.json, "json", false, "one JSON object a line, for each app")
	return cmd
}

// pastRuns are the runs of a suite and app, and what came of them.
type pastRuns struct {
	suite, app string
	sides      []compare.Side
	quarantine map[string]string // the day until which a case is in it
	found      flaky.Found
}

// mostRuns is how many runs of an app are looked at, the newest.
const mostRuns = 200

// histories finds the runs, by app.
func (a *app) histories(ctx context.Context, st *store.Store, f flakyFlags, args []string) ([]*pastRuns, error) {
	name, err := a.suiteName(ctx, st, f, args)
	if err != nil {
		return nil, err
	}
	runs, err := runner.PastRuns(ctx, st, name, f.app)
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("flaky: the store has no complete run of suite %q", name), Hint: "evalrun list shows the runs"}
	}
	var out []*pastRuns
	for _, info := range runs {
		i := slices.IndexFunc(out, func(h *pastRuns) bool { return h.app == info.Spec.App })
		if i < 0 {
			i = len(out)
			out = append(out, &pastRuns{suite: name, app: info.Spec.App, quarantine: quarantineOf(info)})
		}
		if len(out[i].sides) < mostRuns {
			out[i].sides = append(out[i].sides, runner.NewSide(st, info))
		}
	}
	return out, nil
}

// suiteName is the suite's, of a file, a flag or the newest run.
func (a *app) suiteName(ctx context.Context, st *store.Store, f flakyFlags, args []string) (string, error) {
	switch {
	case len(args) == 1 && f.suite != "":
		return "", errors.New("flaky: a suite's file or its name (--suite), not both")
	case f.suite != "":
		return f.suite, nil
	case len(args) == 1:
		if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
			return "", &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("flaky: there is no file %s", args[0]), Hint: "--suite NAME takes a suite's name"}
		}
		s, err := a.load(args[0])
		if err != nil {
			return "", err
		}
		return s.Name, nil
	}
	info, err := st.Info(ctx, latest)
	if err != nil {
		return "", &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun run makes one"}
	}
	return info.Spec.Suite, nil
}

// quarantineOf are the cases that the newest run had in quarantine.
func quarantineOf(info store.Info) map[string]string {
	out := map[string]string{}
	checks, err := runner.Checks(info)
	if err != nil {
		return out // of another version: nothing is known
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, c := range checks {
		for _, q := range c.Quarantine {
			if q.Until >= today {
				out[q.Case] = q.Until
			}
		}
	}
	return out
}

func (a *app) flakyTable(h *pastRuns) error {
	name := reporter.Terminal(h.suite)
	if h.app != "" {
		name += " (" + reporter.Terminal(h.app) + ")"
	}
	fmt.Fprintf(a.stdout, "%s: %d flaky of %s with %d trials or more (%s, %s)\n",
		name, flakyCases(h.found), cases(h.found.Enough), flaky.Least, cases(h.found.Cases), reporter.Plural(len(h.sides), "run", "runs"))
	if h.found.Enough == 0 {
		a.say("No case has %d trials yet, which it takes to call one flaky; evalrun run --trials %d makes as many.", flaky.Least, flaky.Least)
	}
	if len(h.found.Flaky) == 0 {
		return nil
	}
	t := plainTable("case", "metric", "passed", "trials", "95% interval", "changes", "quarantine")
	for _, c := range h.found.Flaky {
		until := h.quarantine[c.ID]
		if until != "" {
			until = "until " + until
		}
		t.AppendRow(table.Row{reporter.Terminal(c.ID), reporter.Terminal(c.Metric), c.Passed, c.Trials,
			fmt.Sprintf("%.2f to %.2f", c.Low, c.High), c.Changes, until})
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	if limit := gate.QuarantineLimit(h.found.Cases); flakyCases(h.found) > limit {
		a.say("A quarantine may hold 5%% of the cases, here %d: mend the others, or ask them more often.", limit)
	}
	return err
}

// flakyCases counts cases, which may be flaky in several metrics.
func flakyCases(f flaky.Found) int64 {
	ids := map[string]bool{}
	for _, c := range f.Flaky {
		ids[c.ID] = true
	}
	return int64(len(ids))
}

func (a *app) flakyJSON(h *pastRuns) error {
	cases := []map[string]any{}
	for _, c := range h.found.Flaky {
		one := map[string]any{"case": c.ID, "metric": c.Metric, "passed": c.Passed, "trials": c.Trials, "changes": c.Changes,
			"interval": map[string]float64{"low": c.Low, "high": c.High, "level": 0.95}, "quarantined_until": nil}
		if until := h.quarantine[c.ID]; until != "" {
			one["quarantined_until"] = until
		}
		cases = append(cases, one)
	}
	return json.NewEncoder(a.stdout).Encode(map[string]any{"suite": h.suite, "app": h.app, "runs": len(h.sides),
		"cases": h.found.Cases, "cases_with_enough_trials": h.found.Enough, "least_trials": flaky.Least, "flaky": cases})
}
