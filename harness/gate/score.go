package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// sample is what a report knows of one evaluator's metric over all trials.
type sample struct {
	stat  string
	value float64 // over the trials that have a score
	sum   float64 // of these trials, for a pass rate or a mean
	n     int64   // how many they are
	cases int64
	// unanswered trials count as the worst score. Unknown ones were answered and
	// not scored: 0 or 1.
	unanswered, unknown int64
	// reduced are the ends of a mean over cases whose trials are not reduced to
	// their own mean; nil otherwise.
	reduced *[2]float64
	// below and above are what these ends may be off by.
	below, above float64
}

// score decides a check of an evaluator's metric.
func (c Check) score(r *harness.Report) harness.CheckResult {
	m := r.Metric(c.Metric)
	if m == nil {
		return c.unknown("this run has no scores called %q; there are %s", c.Metric, names(r))
	}
	s, ok := c.sample(r, m)
	switch {
	case !ok && m.Scored > 0:
		return c.unknown("%s gives scores but no verdict, so it has no pass rate", c.Metric)
	case !ok || s.n == 0:
		return c.unknown("%s scored nothing%s", c.Metric, s.trouble())
	case s.unanswered+s.unknown > 0 && (m.Min < 0 || m.Max > 1):
		out := c.result(harness.Inconclusive, s.value)
		out.Reason = fmt.Sprintf("%s over %s, needs %s%s; scores of %s go beyond 0 to 1, so the missing ones could be anything",
			c.show(s.value), count(s.cases, "case"), c.need(), s.trouble(), c.Metric)
		return out
	}
	verdict, low, high := c.decide(s)
	out := c.result(verdict, min(max(s.value, low), high))
	out.Reason = c.scoreReason(s, m, low, high)
	return out
}

// sample collects the numbers that the check is about; ok is false when the
// metric does not have them.
func (c Check) sample(r *harness.Report, m *harness.Metric) (s sample, ok bool) {
	s = sample{stat: c.Stat, n: m.Scored, cases: m.N, unanswered: r.AppErrors()}
	switch c.Stat {
	case "pass_rate":
		s.n, s.sum = m.Judged, float64(m.Passed)
		if m.PassRate != nil {
			s.value, ok = *m.PassRate, true
		}
	case "mean":
		s.value, ok = m.Mean, true
		s.sum = m.MeanBounds[0] * float64(m.Scored+m.Unscored+s.unanswered)
	case "min":
		s.value, ok = m.Min, true
	case "max":
		s.value, ok = m.Max, true
	}
	if r.Reduce != "" {
		switch c.Stat {
		case "pass_rate":
			s.reduced = &m.PassBounds
		case "mean":
			s.reduced = &m.MeanBounds
		}
	}
	// An evaluator of several metrics that fails counts as unscored under its own
	// name alone: answered trials that lack this metric may be such ones.
	answered := r.Trials.Completed - s.unanswered
	lacking := answered - s.n - m.Unscored
	failed := r.Trials.Errored - s.unanswered - m.Unscored
	s.unknown = m.Unscored + max(min(lacking, failed), 0)
	// Unanswered trials count 0 in these ends, and those of such an evaluator are
	// not in them. Each of them moves its case by 1 at most.
	s.below = float64(s.unknown-m.Unscored) / float64(max(m.N, 1))
	s.above = s.below
	if s.unanswered > 0 && !c.up() {
		s.above += float64(r.Cases.Errored) / float64(max(m.N, 1))
	}
	return s, ok
}

// decide takes the worse of what comes out when unanswered trials count 0 and
// when they count 1, with the bounds that led to it.
func (c Check) decide(s sample) (v harness.Verdict, low, high float64) {
	if s.reduced != nil {
		low, high = s.reduced[0], s.reduced[1]
		if s.below > 0 {
			low = max(low-s.below, min(low, 0))
		}
		if s.above > 0 {
			high = min(high+s.above, max(high, 1))
		}
		return c.verdict(low, high), low, high
	}
	low, high = s.bounds(0)
	v = c.verdict(low, high)
	low1, high1 := s.bounds(1)
	if v1 := c.verdict(low1, high1); rank(v1) > rank(v) {
		return v1, low1, high1
	}
	return v, low, high
}

// bounds says how low and how high the value over all trials could be when an
// unanswered one counts so much.
func (s sample) bounds(unanswered float64) (low, high float64) {
	switch s.stat {
	case "min":
		return s.ends(func(a, b float64) float64 { return min(a, b) }, unanswered)
	case "max":
		return s.ends(func(a, b float64) float64 { return max(a, b) }, unanswered)
	}
	all := float64(s.n + s.unanswered + s.unknown)
	if s.unanswered+s.unknown == 0 {
		return s.value, s.value
	}
	low = (s.sum + unanswered*float64(s.unanswered)) / all
	return low, low + float64(s.unknown)/all
}

func (s sample) ends(extreme func(a, b float64) float64, unanswered float64) (low, high float64) {
	v := s.value
	if s.unanswered > 0 {
		v = extreme(v, unanswered)
	}
	if s.unknown > 0 {
		return extreme(v, 0), extreme(v, 1)
	}
	return v, v
}

// trouble says which trials have no score, after a semicolon; "" when all have.
func (s sample) trouble() string {
	var parts []string
	if s.unanswered > 0 {
		parts = append(parts, count(s.unanswered, "trial")+" got no answer")
	}
	if s.unknown > 0 {
		parts = append(parts, count(s.unknown, "trial")+" could not be scored")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, " and ")
}

// scoreReason tells of cases where each trial has its score, and of trials where
// some have none: they count, and the number is no longer that of the cases.
func (c Check) scoreReason(s sample, m *harness.Metric, low, high float64) string {
	var b strings.Builder
	if low == high {
		b.WriteString(c.show(low))
	} else {
		fmt.Fprintf(&b, "between %s and %s", c.show(low), c.show(high))
	}
	over := count(s.cases, "case")
	if s.unanswered+s.unknown > 0 {
		over = count(s.n+s.unanswered+s.unknown, "trial")
	}
	fmt.Fprintf(&b, " over %s, needs %s", over, c.need())
	if s.unanswered > 0 {
		fmt.Fprintf(&b, "; %s of them got no answer and %s as the worst score", thousands(s.unanswered), verb(s.unanswered, "count"))
	}
	if s.unknown > 0 {
		fmt.Fprintf(&b, "; %s of them could not be scored and may be 0 or 1", thousands(s.unknown))
	}
	if i := m.Interval; i != nil && s.unanswered+s.unknown == 0 && c.ofInterval(m) {
		fmt.Fprintf(&b, "; %s interval %s–%s", percentage(i.Level), c.show(i.Low), c.show(i.High))
	}
	return b.String()
}

// ofInterval tells whether the metric's interval is about the check's statistic.
func (c Check) ofInterval(m *harness.Metric) bool {
	if m.PassRate != nil {
		return c.Stat == "pass_rate"
	}
	return c.Stat == "mean"
}

func names(r *harness.Report) string {
	if len(r.Metrics) == 0 {
		return "none at all"
	}
	var out []string
	for _, m := range r.Metrics {
		out = append(out, m.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
