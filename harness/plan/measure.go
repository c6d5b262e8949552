package plan

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// Metric is what is known of one metric's scores.
type Metric struct {
	Name string
	Mean float64
	// Between is the variance of the cases' true means, Within that of the trials of
	// one case. Within is NaN when no case has several: it is Between at most then,
	// which is all of the variance.
	Between, Within float64
	// Cases is how many there are, and Freedom how many trials beyond the first of
	// each: what Within is estimated from.
	Cases, Freedom int64
	// YesNo: all scores are 0 or 1.
	YesNo bool
}

// Assume is a metric with a pass rate and nothing else known: each trial may be a
// matter of chance.
func Assume(name string, rate float64) Metric {
	return Metric{Name: name, Mean: rate, Between: rate * (1 - rate), Within: math.NaN(), YesNo: true}
}

// chance is the variance within a case, or the most that it can be. Yes and no that
// never varied may do so in one case more.
func (m Metric) chance() float64 {
	v := m.Within
	if math.IsNaN(v) {
		v = m.Between
	}
	if m.YesNo && m.Cases > 0 {
		v = max(v, 0.5/float64(m.Cases+1))
	}
	return v
}

// Known is what runs show of their metrics.
type Known struct {
	Metrics []Metric
	// Clustered: some cases share a context, and are worth less than the plan says.
	Clustered bool
}

// Measure reads runs of the same cases, whose trials are taken together. A case
// whose content is not that of the first run is left out. A trial without an answer
// counts 0, one without a score is left out. The scores are kept in memory.
func Measure(ctx context.Context, runs ...compare.Side) (Known, error) {
	var out Known
	hashes := map[string]string{}
	scores := map[string]map[string][]float64{} // by metric and case
	for i, run := range runs {
		names := run.About().Metrics
		for c, err := range run.Cases(ctx) {
			if err != nil {
				return out, fmt.Errorf("plan: read %s: %w", run.About().Name, err)
			}
			if i == 0 {
				hashes[c.ID] = c.Hash
			}
			if hash, ok := hashes[c.ID]; !ok || hash != c.Hash {
				continue
			}
			out.Clustered = out.Clustered || c.Cluster != ""
			for _, name := range names {
				if scores[name] == nil {
					scores[name] = map[string][]float64{}
				}
				scores[name][c.ID] = append(scores[name][c.ID], scoresOf(c, name)...)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		if m, ok := metricOf(name, scores[name]); ok {
			out.Metrics = append(out.Metrics, m)
		}
	}
	return out, nil
}

// scoresOf are the scores of a metric: 1 and 0 where it gives verdicts.
func scoresOf(c compare.Case, name string) (out []float64) {
	for _, t := range c.Trials {
		s, ok := t.Scores[name]
		switch {
		case t.Error != "":
			out = append(out, 0)
		case !ok || s.Missing:
		case s.Pass == nil:
			out = append(out, s.Value)
		case *s.Pass:
			out = append(out, 1)
		default:
			out = append(out, 0)
		}
	}
	return out
}

func metricOf(name string, byCase map[string][]float64) (Metric, bool) {
	m := Metric{Name: name, YesNo: true}
	var all [][]float64
	for _, id := range slices.Sorted(maps.Keys(byCase)) {
		scores := byCase[id]
		if len(scores) == 0 {
			continue
		}
		var sum float64
		for _, s := range scores {
			sum += s
			m.YesNo = m.YesNo && (s == 0 || s == 1)
		}
		m.Mean += sum / float64(len(scores))
		m.Cases++
		m.Freedom += int64(len(scores)) - 1
		all = append(all, scores)
	}
	m.Mean /= float64(m.Cases)
	m.Between, m.Within = stat.Components(all)
	return m, m.Cases > 1
}
