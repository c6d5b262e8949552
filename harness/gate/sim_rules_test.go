package gate_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/stat"
)

// tally counts in how many of the runs of a world each rule raised an alarm.
type tally struct {
	runs int
	// ours is the gate's; first is that of its first metric alone.
	ours, first int
	// anyDrop fails when the mean is lower at all, twoPoints when it is lower by
	// more than 0.02 (of latencies: by 2 %), unpaired when a z-test of the two
	// means as if of different cases is below 5 %.
	anyDrop, twoPoints, unpaired int
	// reference is the textbook's test on the pairs: McNemar's mid-p test for one yes
	// or no, else the paired t-test. differ counts runs where it says something else.
	reference, differ int
	// plain counts the means of the new run that are not below p.
	plain int
	// covered counts the 95 % intervals that hold the true difference, of those that
	// there are.
	covered, intervals int
	// smallest is the median of the printed smallest drops.
	smallest float64
}

func rate(count, of int) float64 { return float64(count) / float64(of) }

// simulate draws a world's runs so many times and counts the verdicts wanted of a
// check.
func simulate(t *testing.T, w world, check string, wanted harness.Verdict, times int, seed uint64) tally {
	t.Helper()
	c, err := gate.Parse(check)
	require.NoError(t, err)
	r := newRuns(w, seed)
	about := compare.About{Name: "run", Reduce: "mean", Trials: w.k}
	base, now := compare.NewList(about, r.base), compare.NewList(about, r.now)
	sources := gate.Sources{Now: now, Baseline: func(context.Context, string) (compare.Side, error) { return base, nil }}
	o := tally{runs: times}
	var drops []float64
	for range times {
		r.draw()
		e, err := gate.Gather(t.Context(), []gate.Check{c}, sources)
		require.NoError(t, err)
		report := &harness.Report{Status: harness.Complete, Trials: harness.Counts{Planned: 1, Completed: 1}, TrialsPerCase: 1}
		gate.Judge(report, []gate.Check{c}, e)
		alarm := report.Gate[0].Verdict == wanted
		if alarm {
			o.ours++
		}
		for _, x := range report.Gate[0].Comparisons[:min(1, len(report.Gate[0].Comparisons))] {
			if x.Verdict == wanted {
				o.first++
			}
			o.interval(w, x)
			if x.SmallestDrop != nil {
				drops = append(drops, *x.SmallestDrop)
			}
		}
		o.rules(r, alarm)
	}
	o.smallest = math.Inf(1)
	if slices.Sort(drops); 2*len(drops) > times {
		o.smallest = drops[len(drops)/2]
	}
	return o
}

func (o *tally) interval(w world, x harness.Comparison) {
	if x.Interval == nil {
		return
	}
	truth := -w.drop
	if w.kind == latency {
		truth = 1 + w.drop
	}
	o.intervals++
	if x.Interval.Low <= truth && truth <= x.Interval.High {
		o.covered++
	}
}

// rules are the others, on the same runs: of the first metric, and of the cases
// that were scored in both.
func (o *tally) rules(r *runs, alarm bool) {
	var was, is, differences []float64
	var worse, better int64
	for i := range r.base {
		a, ok := r.caseMean(r.base[i])
		b, all := r.caseMean(r.now[i])
		if !ok || !all {
			continue
		}
		was, is, differences = append(was, a), append(is, b), append(differences, b-a)
		if b < a {
			worse++
		} else if b > a {
			better++
		}
	}
	x, y, d := stat.Mean(was), stat.Mean(is), stat.Mean(differences)
	if y.Value >= r.p-1e-12 {
		o.plain++
	}
	if d.Value < -1e-12 {
		o.anyDrop++
	}
	if d.Value < -0.02-1e-12 {
		o.twoPoints++
	}
	if (y.Value-x.Value)/math.Hypot(x.SE, y.SE) < stat.NormalQuantile(0.05) {
		o.unpaired++
	}
	p := d.Below(0)
	if d.SE == 0 {
		p = 1
	}
	if r.kind == yesNo && r.k == 1 && r.clusters == 0 {
		_, p = stat.McNemar(worse, better)
	}
	if p <= 0.05 {
		o.reference++
	}
	if (p <= 0.05) != alarm {
		o.differ++
	}
}

// caseMean is that of the trials that were scored; of latencies, the negative
// logarithm of their mean.
func (r *runs) caseMean(c compare.Case) (mean float64, ok bool) {
	n := 0.0
	for _, t := range c.Trials {
		if r.kind == latency {
			mean, n = mean+t.LatencyMS, n+1
		} else if s := t.Scores[metricName(0)]; !s.Missing {
			mean, n = mean+s.Value, n+1
		}
	}
	if r.kind == latency {
		return -math.Log(mean / n), true
	}
	return mean / n, n > 0
}
