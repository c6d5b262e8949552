// Package flaky finds cases that pass now and fail then.
//
// It looks at the last trials of each case over the runs of a suite and app, as long
// as what the case asks and expects, and the evaluator, stay the same. A case is
// flaky when it has [Least] trials or more, both passed and failed among them, and the
// 95 % interval of its pass rate (Wilson's) begins below 0.9 and ends above 0.1: its
// rate may well be neither that of a case which passes nor of one which does not.
package flaky

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// Least is from how many trials on a case can be called flaky.
const Least = 10

// The rates between which the interval has to reach, and its level.
const (
	nearlyNever  = 0.1
	nearlyAlways = 0.9
	level        = 0.95
)

// Case is a case that is flaky in one metric.
type Case struct {
	ID, Metric string
	// Passed of Trials passed; Low and High are the 95 % interval of the rate.
	Passed, Trials int64
	Low, High      float64
	// Changes is how often a trial was not as the one before. With 1 the case may
	// have changed for good, and be not flaky at all.
	Changes int64
}

// Found is what there is in a history.
type Found struct {
	// Flaky are the most even first.
	Flaky []Case
	// Cases is how many were looked at, and Enough how many of them have Least trials
	// of a metric.
	Cases, Enough int64
}

// tally is what is known of one metric of a case, the newest trial first.
type tally struct {
	passed, trials, changes int64
	last                    bool
}

// history is what is known of one case.
type history struct {
	hash    string
	metrics map[string]*tally
}

// Find looks at the last trials of each case in runs, the newest of which is the
// first. A trial without an answer failed, one without a verdict does not count. What
// it keeps in memory is about 300 bytes for a case and 100 for each of its metrics.
func Find(ctx context.Context, runs []compare.Side, last int) (Found, error) {
	cases := map[string]*history{}
	evaluators := map[string]string{} // digests of the newest
	for _, run := range runs {
		about := run.About()
		var names []string
		for _, name := range about.Metrics {
			digest := about.Digests["evaluator "+name]
			if newest, ok := evaluators[name]; ok && newest != digest {
				continue
			}
			evaluators[name] = digest
			names = append(names, name)
		}
		for c, err := range run.Cases(ctx) {
			if err != nil {
				return Found{}, fmt.Errorf("flaky: read run %s: %w", about.Run, err)
			}
			h := cases[c.ID]
			if h == nil {
				h = &history{hash: c.Hash, metrics: map[string]*tally{}}
				cases[c.ID] = h
			}
			if h.hash == c.Hash {
				h.add(c, names, int64(last))
			}
		}
	}
	return found(cases), nil
}

// add takes the trials of an older run.
func (h *history) add(c compare.Case, names []string, last int64) {
	for _, trial := range slices.Backward(c.Trials) {
		for _, name := range names {
			passed, known := verdict(trial, name)
			if !known {
				continue
			}
			t := h.metrics[name]
			if t == nil {
				t = &tally{last: passed}
				h.metrics[name] = t
			}
			if t.trials == last {
				continue
			}
			t.trials++
			if passed {
				t.passed++
			}
			if passed != t.last {
				t.changes++
			}
			t.last = passed
		}
	}
}

// verdict is not known of a metric that gives none, or could not be scored.
func verdict(t compare.Trial, name string) (passed, known bool) {
	s, ok := t.Scores[name]
	switch {
	case t.Error != "":
		return false, true
	case !ok || s.Missing || s.Pass == nil:
		return false, false
	}
	return *s.Pass, true
}

func found(cases map[string]*history) Found {
	out := Found{Cases: int64(len(cases))}
	for _, id := range slices.Sorted(maps.Keys(cases)) {
		enough := false
		for _, name := range slices.Sorted(maps.Keys(cases[id].metrics)) {
			t := cases[id].metrics[name]
			if t.trials < Least {
				continue
			}
			enough = true
			low, high := stat.Wilson(t.passed, t.trials, level)
			if t.passed > 0 && t.passed < t.trials && low < nearlyAlways && high > nearlyNever {
				out.Flaky = append(out.Flaky, Case{id, name, t.passed, t.trials, low, high, t.changes})
			}
		}
		if enough {
			out.Enough++
		}
	}
	slices.SortStableFunc(out.Flaky, func(a, b Case) int {
		if x, y := a.uneven(), b.uneven(); x != y {
			return map[bool]int{true: -1, false: 1}[x < y]
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// uneven is how far the pass rate is from a half.
func (c Case) uneven() float64 {
	return max(float64(c.Passed)/float64(c.Trials)-0.5, 0.5-float64(c.Passed)/float64(c.Trials))
}
