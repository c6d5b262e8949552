package gate

import (
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// level is the one-sided level of limits that have to be proven.
const level = 0.05

// up tells whether the check asks for a value that is large.
func (c Check) up() bool { return c.Op == ">=" || c.Op == ">" }

// overCases decides a threshold about single cases: one of a slice, or one that
// has to be proven.
func (c Check) overCases(e *Evidence, at int) harness.CheckResult {
	p := e.slices[c.Slice]
	if p == nil || p.errored.trials == 0 {
		return c.unknown("no case%s", c.ofSlice())
	}
	switch c.kind() {
	case kindErrors:
		return c.share(&p.errored, "trials with an error")
	case kindLatency:
		return c.quantile(e.quick[at])
	}
	// The worse of what comes out when trials without an answer count 0 and 1.
	out := c.overScores(&p.ends[0])
	if other := c.overScores(&p.ends[1]); rank(other.Verdict) > rank(out.Verdict) {
		return other
	}
	return out
}

func (c Check) overScores(of *scored) harness.CheckResult {
	collector := &of.passes
	if c.Stat == "mean" {
		collector = &of.values
	}
	m := collector.Metric(c.Metric)
	switch {
	case m == nil || m.High.N() == 0:
		return c.unknown("%s scored nothing%s", c.Metric, c.ofSlice())
	case c.Stat == "pass_rate" && !m.Verdicts():
		return c.unknown("%s gives scores but no verdict, so it has no pass rate", c.Metric)
	}
	_, low := m.Low.Means()
	_, high := m.High.Means()
	evidence := m.High.Below(c.Limit)
	if c.up() {
		evidence = m.Low.Above(c.Limit)
	}
	value := c.show(low)
	if low != high {
		value = "between " + value + " and " + c.show(high)
	}
	text := fmt.Sprintf("%s over %s%s, needs %s", value, count(m.Low.N(), "case"), c.ofSlice(), c.need())
	if m.Unknown > 0 {
		text += fmt.Sprintf("; %s could not be scored and may be 0 or 1", count(m.Unknown, "trial"))
	}
	if m.Boundless() || m.Mixed || m.Lost > 0 {
		out := c.result(harness.Inconclusive, low)
		out.Reason = text + "; scores are missing that could be anything"
		return out
	}
	return c.proof(c.verdict(low, high), low, evidence, text)
}

// share decides a rate of trials.
func (c Check) share(s *share, what string) harness.CheckResult {
	value := float64(s.n) / float64(s.trials)
	text := fmt.Sprintf("%s %s of %s%s, needs %s", thousands(s.n), what, thousands(s.trials), c.ofSlice(), c.need())
	return c.proof(c.verdict(value, value), value, s.evidence(c.Limit, c.up()), text)
}

// quantile decides a quantile by the number of trials that keep its limit: q of
// them have to, and a trial without an answer does not.
func (c Check) quantile(s *share) harness.CheckResult {
	q := map[string]float64{"p50": 0.5, "p95": 0.95}[c.Stat]
	if c.up() {
		q = 1 - q
	}
	value := float64(s.n) / float64(s.trials)
	verdict := harness.Pass
	if value < q {
		verdict = harness.Fail
	}
	out := c.proof(verdict, value, s.evidence(q, true), fmt.Sprintf("%s of %s%s are %s, needs %s of them",
		thousands(s.n), count(s.trials, "trial"), c.ofSlice(), c.need(), percentage(q)))
	out.Value = nil // a share, and not a latency
	return out
}

// proof is the verdict of a threshold, given the one for the cases that there are.
func (c Check) proof(plain harness.Verdict, value float64, e compare.Evidence, text string) harness.CheckResult {
	out := c.result(plain, value)
	out.Reason = text
	if !c.Proven {
		return out
	}
	switch {
	case e.P <= level && plain == harness.Pass:
		out.Reason += fmt.Sprintf("; proven, p %s (%s)", pValue(e.P), e.Test)
	case plain == harness.Pass:
		out.Verdict = harness.Inconclusive
		out.Reason += fmt.Sprintf("; it holds, but that is not proven: p %s, needs at most 0.05; more cases or trials may do", pValue(e.P))
		if e.Test == "" {
			out.Reason = text + "; these cases are too few to prove anything"
		}
	}
	return out
}

// ofSlice names the slice in a sentence.
func (c Check) ofSlice() string {
	if c.Slice == (Slice{}) {
		return ""
	}
	return " with " + c.Slice.String()
}

// pValue is short, and honest about very small ones.
func pValue(p float64) string {
	if p < 0.0001 {
		return "< 0.0001"
	}
	return fmt.Sprintf("%.2g", p)
}
