package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/plan"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
)

// planFlags say what is planned.
type planFlags struct {
	detect, app         string
	power, alpha        float64
	assume              float64
	cases               int64
	metrics             []string
	json                bool
	drop                float64 // detect, read
	assumed, casesGiven bool
	alphaGiven          bool
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan SUITE.yaml",
		Short: "How many cases and trials show a drop of X, and what a run would cost",
		Long: `Plan says which drop a run of the suite would show against its baseline, as it is
today and with more cases or trials, how many would show the drop that you name, and
what that takes in tokens, money and time.

It knows how much scores vary by chance from the newest complete run of the suite in
the store, if that has several trials per case; from earlier runs with the same
settings, if it has one; else it assumes that all their variance may be chance, which
asks for more than need be. --assume plans with a pass rate instead, and needs no
run. Tokens, cost and time are the newest run's per trial: without retries, pauses
that a server asks for and the time for scoring.

Nothing is called. What a drop is taken to be, and the formulae, are in the
documentation of package plan.`,
		Example: `  evalrun plan support.yaml --detect 2pt --power 0.8
  evalrun plan support.yaml --assume 0.8`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			f.assumed, f.casesGiven, f.alphaGiven = changed("assume"), changed("cases"), changed("alpha")
			if err := f.check(); err != nil {
				return err
			}
			s, err := a.load(args[0])
			if err != nil {
				return err
			}
			p, err := a.plan(cmd.Context(), s, f)
			if err != nil {
				return err
			}
			if f.json {
				return a.planJSON(p)
			}
			a.planTable(p)
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.detect, "detect", "2pt", "the drop to show: 2pt, 2% or 0.02")
	fl.Float64Var(&f.power, "power", 0.8, "how surely it is shown, when it is there")
	fl.Float64Var(&f.alpha, "alpha", 0.05, "how often an unchanged app may fail the gate (default: what its no_regression says, or 0.05)")
	fl.Float64Var(&f.assume, "assume", 0, "plan with this pass rate, and not with stored scores")
	fl.Int64Var(&f.cases, "cases", 0, "how many cases there are (default: those of the dataset)")
	fl.StringArrayVar(&f.metrics, "metric", nil, "plan for this metric only (repeatable; default: all that the gate compares)")
	fl.StringVar(&f.app, "app", "", "plan for this one of the suite's apps")
	fl.BoolVar(&f.json, "json", false, "one JSON object")
	return cmd
}

func (f *planFlags) check() error {
	drop, err := plan.ParseDrop(f.detect)
	if err != nil {
		return fmt.Errorf("--detect %s: %w", strict.Quote(f.detect), err)
	}
	f.drop = drop
	switch {
	case !(f.power > 0.5 && f.power < 1):
		return fmt.Errorf("--power %v: expected above 0.5 and below 1", f.power)
	case !(f.alpha > 0 && f.alpha <= 0.5):
		return fmt.Errorf("--alpha %v: expected above 0 and at most 0.5", f.alpha)
	case f.assumed && !(f.assume >= 0 && f.assume <= 1):
		return fmt.Errorf("--assume %v: expected a pass rate from 0 to 1", f.assume)
	case f.casesGiven && f.cases < 2:
		return fmt.Errorf("--cases %d: expected 2 or more", f.cases)
	}
	return nil
}

// planned is what the command has found out.
type planned struct {
	suite    *suite.Suite
	flags    planFlags
	history  runner.History
	metrics  []plan.Metric
	question plan.Question
	today    plan.Design
	designs  []plan.Design // today's first
	would    []plan.Design // that would show the drop, the fewest calls first
	notes    []string
}

// plan looks at the store and the dataset.
func (a *app) plan(ctx context.Context, s *suite.Suite, f planFlags) (*planned, error) {
	p := &planned{suite: s, flags: f, notes: []string{}}
	app, err := appOf(s, f.app)
	if err != nil {
		return nil, err
	}
	if a.hasStore() {
		st, err := a.open(false)
		if err != nil {
			return nil, err
		}
		defer st.Close()
		if p.history, err = runner.HistoryOf(ctx, st, s.Name, app); err != nil {
			return nil, err
		}
	}
	if err := p.choose(); err != nil {
		return nil, err
	}
	if p.today, err = p.designOf(ctx); err != nil {
		return nil, err
	}
	p.question = plan.Question{Alpha: f.alpha / float64(len(p.metrics)), Power: f.power}
	p.grid()
	p.note()
	return p, nil
}

func appOf(s *suite.Suite, name string) (string, error) {
	var names []string
	for _, app := range s.Apps {
		if app.Name == name {
			return name, nil
		}
		names = append(names, app.Name)
	}
	switch {
	case name != "":
		return "", fmt.Errorf("--app %s: the suite has no app of that name", strict.Quote(name))
	case len(names) > 1:
		return "", &runner.Error{Code: runner.CodeUsage, Err: errors.New("plan: the suite has several apps"), Hint: "--app names one of " + strings.Join(names, ", ")}
	}
	return s.Apps[0].Name, nil
}

// choose takes the metrics that are asked for, or that the gate compares.
func (p *planned) choose() error {
	want := p.flags.metrics
	for _, c := range p.suite.Gate {
		if c.Compare == nil || c.Compare.Improve {
			continue
		}
		if !p.flags.alphaGiven {
			p.flags.alpha = c.Compare.Alpha
		}
		if len(p.flags.metrics) == 0 {
			want = append(want, c.Compare.Metrics...)
		}
	}
	for _, name := range p.flags.metrics {
		if !slices.Contains(p.suite.Metrics, name) {
			return fmt.Errorf("--metric %s: the suite has no metric of that name%s", strict.Quote(name), strict.Meant(name, p.suite.Metrics))
		}
	}
	for _, name := range p.suite.Metrics {
		if len(want) > 0 && !slices.Contains(want, name) {
			continue
		}
		i := slices.IndexFunc(p.history.Metrics, func(m plan.Metric) bool { return m.Name == name })
		switch {
		case p.flags.assumed:
			p.metrics = append(p.metrics, plan.Assume(name, p.flags.assume))
		case i >= 0:
			p.metrics = append(p.metrics, p.history.Metrics[i])
		}
	}
	hint := "evalrun run " + shown(p.suite.Path) + " --trials 3 makes one; --assume 0.8 plans with a pass rate of 80 % instead"
	if len(p.metrics) == 0 && len(p.history.Runs) > 0 && runner.Partial(p.history.Runs[0]) {
		return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("plan: of suite %s the store has no run of all its cases: run %s is of %s alone",
			strict.Quote(p.suite.Name), p.history.Runs[0].ID, cases(p.history.Runs[0].Planned)), Hint: hint}
	}
	if len(p.metrics) == 0 {
		return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("plan: the store has no complete run of suite %s with these metrics", strict.Quote(p.suite.Name)), Hint: hint}
	}
	return nil
}

// designOf is the run as the suite has it today.
func (p *planned) designOf(ctx context.Context) (plan.Design, error) {
	d := plan.Design{Cases: p.flags.cases, Trials: p.suite.Trials}
	if p.flags.casesGiven {
		return d, nil
	}
	if p.suite.Dataset.SGP != nil || p.suite.Retell != nil { // the platform is not asked
		if len(p.history.Runs) == 0 {
			return d, &runner.Error{Code: runner.CodeUsage, Err: errors.New("plan: the dataset is on a platform, which is not asked"), Hint: "--cases says how many cases it has"}
		}
		d.Cases = p.history.Runs[0].Planned
	} else {
		n, err := p.suite.CheckDataset(ctx)
		if err != nil {
			return d, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("dataset: %w", err)}
		}
		d.Cases = int64(math.Round(float64(n) * p.suite.Sample))
	}
	if d.Cases < 2 {
		return d, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("plan: %d cases show nothing", d.Cases), Hint: "--cases plans with more"}
	}
	return d, nil
}

// mostPlanned is the most cases of a design: more is no plan.
const mostPlanned = 10_000_000

// grid makes the designs.
func (p *planned) grid() {
	timesCases, someTrials := []int64{1, 2, 5}, []int{1, 3, 5, 10}
	p.designs = []plan.Design{p.today}
	add := func(list *[]plan.Design, d plan.Design) {
		if !slices.Contains(*list, d) && d.Cases > 1 && d.Cases <= mostPlanned {
			*list = append(*list, d)
		}
	}
	for _, times := range timesCases {
		for _, trials := range someTrials {
			add(&p.designs, plan.Design{Cases: p.today.Cases * times, Trials: trials})
		}
	}
	for _, trials := range append(someTrials, p.today.Trials) {
		var most int64
		for _, m := range p.metrics {
			most = max(most, p.question.Cases(m, trials, p.flags.drop))
		}
		add(&p.would, plan.Design{Cases: most, Trials: trials})
	}
	trials, ok := 0, true
	for _, m := range p.metrics {
		k, found := p.question.Trials(m, p.today.Cases, p.flags.drop)
		trials, ok = max(trials, k), ok && found
	}
	if ok {
		add(&p.would, plan.Design{Cases: p.today.Cases, Trials: trials})
	}
	slices.SortStableFunc(p.would, func(a, b plan.Design) int { return int(a.Calls() - b.Calls()) })
}

// sees is the drop that a design shows in each of the metrics.
func (p *planned) sees(d plan.Design) (drop float64) {
	for _, m := range p.metrics {
		drop = max(drop, p.question.Drop(m, d))
	}
	return drop
}

func (p *planned) takes(d plan.Design) runner.Usage {
	return p.history.Take(d.Calls(), p.suite.Concurrency, p.suite.RateLimit)
}

// fewFreedom is from how many trials a variance is known to about a seventh.
const fewFreedom = 100

// note says what the numbers rest on.
func (p *planned) note() {
	say := func(format string, args ...any) { p.notes = append(p.notes, fmt.Sprintf(format, args...)) }
	switch {
	case p.flags.assumed:
		say("a pass rate of %s is assumed, and that every answer may be chance: fewer cases may do; a run with --trials 3 would tell", percentOf(p.flags.assume))
	case math.IsNaN(p.metrics[0].Within):
		say("each case was asked once, so all the variance is taken for chance: fewer cases may do; a run with --trials 3 would tell")
	default:
		if n := p.metrics[0].Freedom; n < fewFreedom {
			say("the variance between trials is from %d trials beyond the first of each case: the numbers of cases may be off by ± %.0f%%", n, 200*math.Sqrt(2/float64(n)))
		}
		if n := len(p.history.Runs); n > 1 {
			say("%d runs with the same settings are taken as trials; had the app changed between them, that would look like chance", n)
		}
	}
	if len(p.metrics) > 1 {
		say("%d metrics: each is planned at a level of %.3g, so that the gate keeps %g (Holm's method); --metric plans for one", len(p.metrics), p.question.Alpha, p.flags.alpha)
	}
	if runs := p.history.Runs; len(runs) > 0 && runner.Partial(runs[0]) {
		say("run %s is of chosen cases: no complete run of the whole suite is in the store", runs[0].ID)
	}
	if p.history.Clustered {
		say("some cases share a context (cluster): they are worth less than as many that do not, and more are needed than this says")
	}
	if !p.suite.Reduce.IsMean() {
		say("the suite reduces trials by %s; this plans for their mean", p.suite.Reduce)
	}
	if p.history.Tokens == nil && p.history.CostUSD == nil && p.history.Latency == nil {
		say("what a run takes is not known: no complete run of the suite is in the store")
	}
}
