package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evalrun/evalrun/harness/plan"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) planTable(p *planned) {
	fmt.Fprintf(a.stdout, "%s: %s × %s today, against a baseline of as many; level %g, power %s\n",
		reporter.Terminal(p.suite.Name), cases(p.today.Cases), trialsOf(p.today.Trials), p.flags.alpha, percentOf(p.flags.power))
	for _, info := range p.history.Runs {
		fmt.Fprintf(a.stdout, "from run %s: %s × %s\n", info.ID, cases(info.Planned), trialsOf(max(info.Spec.Trials, 1)))
	}
	t := plainTable("metric", "mean", "sd of cases", "sd of trials", "sees today", "cases for "+points(p.flags.drop), "or trials, "+cases(p.today.Cases))
	for _, m := range p.metrics {
		k, ok := p.question.Trials(m, p.today.Cases, p.flags.drop)
		needed := strconv.Itoa(k)
		if !ok {
			needed = "none do"
		}
		t.AppendRow(table.Row{reporter.Terminal(m.Name), fmt.Sprintf("%.3f", m.Mean), deviation(m.Between), deviationOfTrials(m),
			points(p.question.Drop(m, p.today)), p.question.Cases(m, p.today.Trials, p.flags.drop), needed})
	}
	fmt.Fprintf(a.stdout, "\n%s\n", t.Render())
	a.planDesigns("\nwhat a run sees", p, p.designs)
	a.planDesigns("\nwhat sees "+points(p.flags.drop), p, p.would)
	if len(p.notes) > 0 {
		fmt.Fprintln(a.stdout)
	}
	for _, n := range p.notes {
		fmt.Fprintln(a.stdout, "note:", n)
	}
}

func (a *app) planDesigns(title string, p *planned, designs []plan.Design) {
	t := plainTable("cases", "trials", "sees", "calls", "tokens", "cost", "time")
	for _, d := range designs {
		u := p.takes(d)
		tokens, cost, took := "–", "–", "–"
		if u.Tokens != nil {
			tokens = fmt.Sprintf("%.0f", *u.Tokens)
		}
		if u.CostUSD != nil {
			cost = fmt.Sprintf("$%.2f", *u.CostUSD)
		}
		if u.Latency != nil {
			took = about(*u.Latency)
		}
		t.AppendRow(table.Row{d.Cases, d.Trials, points(p.sees(d)), d.Calls(), tokens, cost, took})
	}
	fmt.Fprintf(a.stdout, "%s\n%s\n", title, t.Render())
}

// about is a time to two digits or so.
func about(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Minute).String()
}

// points is a part of the score in points of a hundred.
func points(v float64) string { return strconv.FormatFloat(100*v, 'g', 3, 64) + " pt" }

// deviation is the square root of a variance.
func deviation(variance float64) string { return fmt.Sprintf("%.3f", math.Sqrt(variance)) }

// deviationOfTrials is that within a case, or the most that it can be.
func deviationOfTrials(m plan.Metric) string {
	if math.IsNaN(m.Within) {
		return "≤ " + deviation(m.Between)
	}
	return deviation(m.Within)
}

func (a *app) planJSON(p *planned) error {
	var metrics []map[string]any
	for _, m := range p.metrics {
		one := map[string]any{
			"metric": m.Name, "mean": m.Mean, "variance_between": m.Between, "variance_within": nil, "yes_no": m.YesNo,
			"cases": m.Cases, "trials_beyond_the_first": m.Freedom, "detects": p.question.Drop(m, p.today),
			"cases_needed": p.question.Cases(m, p.today.Trials, p.flags.drop), "trials_needed": nil,
		}
		if !math.IsNaN(m.Within) {
			one["variance_within"] = m.Within
		}
		if k, ok := p.question.Trials(m, p.today.Cases, p.flags.drop); ok {
			one["trials_needed"] = k
		}
		metrics = append(metrics, one)
	}
	runs := []string{}
	for _, info := range p.history.Runs {
		runs = append(runs, info.ID)
	}
	return json.NewEncoder(a.stdout).Encode(map[string]any{
		"suite": p.suite.Name, "runs": runs, "detect": p.flags.drop, "power": p.flags.power, "alpha": p.flags.alpha,
		"alpha_per_metric": p.question.Alpha, "today": p.designJSON(p.today), "metrics": metrics,
		"designs": p.designsJSON(p.designs), "would_do": p.designsJSON(p.would), "notes": p.notes,
	})
}

func (p *planned) designsJSON(designs []plan.Design) []map[string]any {
	out := []map[string]any{}
	for _, d := range designs {
		out = append(out, p.designJSON(d))
	}
	return out
}

func (p *planned) designJSON(d plan.Design) map[string]any {
	u := p.takes(d)
	return map[string]any{"cases": d.Cases, "trials": d.Trials, "detects": p.sees(d), "calls": d.Calls(),
		"tokens": u.Tokens, "cost_usd": u.CostUSD, "seconds": seconds(u)}
}

func seconds(u runner.Usage) any {
	if u.Latency == nil {
		return nil
	}
	return u.Latency.Seconds()
}

func cases[N int | int64](n N) string { return reporter.Plural(n, "case", "cases") }

func trialsOf(n int) string { return reporter.Plural(n, "trial", "trials") }
