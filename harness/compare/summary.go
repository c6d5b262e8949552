package compare

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/stat"
)

// Summary is what two runs differ in, for people.
type Summary struct {
	Base, New About
	// Unlike says in what the runs differ that makes their scores mean different
	// things; Notes what else differs: the dataset, the app, the number of trials.
	Unlike, Notes []string
	Pairing       Pairing
	// Metrics are the evaluators', sorted by name, with two-sided p-values, adjusted
	// by Holm's method for their number.
	Metrics []harness.Comparison
	// Latency and Cost are ratios; nil where there are fewer than two pairs.
	Latency, Cost *harness.Comparison
	// Flips are those of the first cases with another verdict, case by case.
	Flips []Flip
}

// Options say what a Summary looks at.
type Options struct {
	// Reduce makes one number of a case's trials; nil is the mean.
	Reduce func(scores []float64) float64
	// MostFlips is how many flipped cases are kept.
	MostFlips int
	// Keep chooses the cases; nil takes all.
	Keep func(Case) bool
}

// The levels that a Summary is made at.
const (
	summaryLevel = 0.95
	summaryAlpha = 0.05
	summaryPower = 0.8
)

// Summarize compares a run with its base.
func Summarize(ctx context.Context, base, now Side, o Options) (Summary, error) {
	c := &Collector{Reduce: o.Reduce, Keep: o.Keep, MostFlips: o.MostFlips, Names: Shared(base.About(), now.About())}
	s := Summary{Base: base.About(), New: now.About()}
	var err error
	if s.Pairing, err = Run(ctx, base, now, c); err != nil {
		return s, fmt.Errorf("compare: %w", err)
	}
	s.Unlike, s.Notes = Unlike(s.Base, s.New), notes(s.Base, s.New)
	s.Flips = c.Flips()
	var ps []float64
	for _, m := range c.Metrics() {
		if m.Low.N() == 0 {
			continue
		}
		x := summarized(m)
		s.Metrics, ps = append(s.Metrics, x), append(ps, x.P)
	}
	for i, p := range stat.Holm(ps) {
		s.Metrics[i].P = p
		s.Metrics[i].Verdict = verdictOf(p, s.Metrics[i].Difference)
	}
	s.Latency, s.Cost = ratioOf("latency", c.Latency()), ratioOf("cost", c.Cost())
	return s, nil
}

// summarized tests a metric both ways.
func summarized(m *Metric) harness.Comparison {
	d := &m.Low
	worse, better := m.High.Worse(0, false), m.Low.NotWorse(0, false) // whatever is not known
	x := harness.Comparison{
		Metric: m.Name, P: min(1, 2*min(worse.P, better.P)), Test: worse.Test, Pairs: d.N(), Unknown: m.Unknown,
	}
	x.Base, x.New = d.Means()
	x.Difference = x.New - x.Base
	x.Worse, x.Better = d.Changed()
	if low, high := m.Interval(summaryLevel); !math.IsInf(low, 0) && !math.IsNaN(low) {
		x.Interval = &harness.Interval{Low: low, High: high, Level: summaryLevel}
	}
	if drop := m.SmallestDrop(summaryAlpha, summaryPower); !math.IsInf(drop, 0) {
		x.SmallestDrop = &drop
	}
	return x
}

// verdictOf is fail for shown to be worse, pass for shown to be better, and
// inconclusive for neither.
func verdictOf(p, difference float64) harness.Verdict {
	switch {
	case !(p <= summaryAlpha):
		return harness.Inconclusive
	case difference < 0:
		return harness.Fail
	}
	return harness.Pass
}

func ratioOf(name string, r *Ratio) *harness.Comparison {
	e := r.Estimate()
	if e.N < 2 {
		return nil
	}
	ratio, low, high := r.Ratio(summaryLevel)
	p := min(1, 2*min(e.Above(0), e.Below(0)))
	return &harness.Comparison{
		Metric: name, Base: 1, New: ratio, Difference: ratio, Ratio: true, P: p, Test: "paired t on the logarithm", Pairs: e.N,
		Interval: &harness.Interval{Low: low, High: high, Level: summaryLevel}, Verdict: verdictOf(p, 1-ratio),
	}
}

// Unlike says, in words, in what two runs differ that makes their scores mean
// different things: the evaluators and how trials are reduced.
func Unlike(base, now About) []string {
	var out []string
	if base.Reduce != now.Reduce {
		out = append(out, fmt.Sprintf("trials were reduced by %s and are by %s", base.Reduce, now.Reduce))
	}
	for _, name := range slices.Sorted(maps.Keys(now.Digests)) {
		if metric, ok := strings.CutPrefix(name, "evaluator "); ok && base.Digests[name] != "" && base.Digests[name] != now.Digests[name] {
			out = append(out, "evaluator "+metric+" has changed")
		}
	}
	return out
}

// Shared are the metrics of both runs; nil when it is not known which one of them
// has.
func Shared(base, now About) []string {
	if len(base.Metrics) == 0 || len(now.Metrics) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(now.Metrics), func(name string) bool { return !slices.Contains(base.Metrics, name) })
}

// Alone are the metrics that only the base has, and those that only the run has.
func Alone(base, now About) (was, is []string) {
	shared := Shared(base, now)
	if shared == nil {
		return nil, nil
	}
	other := func(name string) bool { return slices.Contains(shared, name) }
	return slices.DeleteFunc(slices.Clone(base.Metrics), other), slices.DeleteFunc(slices.Clone(now.Metrics), other)
}

// notes are differences that are to be expected, or that pairing takes care of.
func notes(base, now About) []string {
	var out []string
	differs := func(key string) bool {
		return base.Digests[key] != "" && now.Digests[key] != "" && base.Digests[key] != now.Digests[key]
	}
	for _, a := range []About{base, now} {
		if a.Incomplete {
			out = append(out, a.Name+" is not complete: it did not run to its end")
		}
	}
	if base.Suite != now.Suite {
		out = append(out, fmt.Sprintf("the suites are %q and %q", base.Suite, now.Suite))
	}
	if base.App != now.App {
		out = append(out, fmt.Sprintf("the apps are %q and %q", base.App, now.App))
	} else if differs("app") {
		out = append(out, "the app's settings have changed"+inWords(base.Digests["app"], now.Digests["app"]))
	}
	if differs("dataset") {
		out = append(out, "the dataset has changed")
	}
	was, is := Alone(base, now)
	if len(was) > 0 {
		out = append(out, "only the base has "+strings.Join(was, ", "))
	}
	if len(is) > 0 {
		out = append(out, "only the new run has "+strings.Join(is, ", "))
	}
	if base.Trials != now.Trials {
		out = append(out, fmt.Sprintf("%d trials per case and %d", base.Trials, now.Trials))
	}
	return out
}

// inWords is what digests of an app say of it beside being others: it follows a
// space.
func inWords(base, now string) string {
	_, was, ok1 := strings.Cut(base, " ")
	_, is, ok2 := strings.Cut(now, " ")
	if !ok1 || !ok2 || was == is {
		return ""
	}
	return fmt.Sprintf(": it was %s and is %s", was, is)
}
