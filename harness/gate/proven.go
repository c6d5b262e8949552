package gate

import (
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// level is the one-sided level of limits that have to be proven.
const level = 0.05

// up tells whether the check asks for a value that is large.
func (c Check) up() bool { return c.Op == ">=" || c.Op == ">" }

// overCases decides a threshold about single cases: one of a slice, or one that
// has to be proven.
func (c Check) overCases(e *Evidence, at int) harness.CheckResult {
	p := e.slices[c.Slice]
	if p == nil || p.trials == 0 {
		return c.unknown("no case%s", c.ofSlice())
	}
	switch c.kind() {
	case kindErrors:
		return c.share(p.errored, p.trials, "trials with an error")
	case kindLatency:
		return c.quantile(e.quick[at], p.trials)
	}
	collector := &p.passes
	if c.Stat == "mean" {
		collector = &p.values
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
	return c.proof(c.verdict(low, high), low, evidence, text)
}

// share decides a rate of trials.
func (c Check) share(n, of int64, what string) harness.CheckResult {
	value := float64(n) / float64(of)
	evidence := compare.Evidence{P: stat.BinomialAtMost(n, of, c.Limit), Test: "exact binomial"}
	if c.up() {
		evidence.P = stat.BinomialAtLeast(n, of, c.Limit)
	}
	text := fmt.Sprintf("%s %s of %s%s, needs %s", thousands(n), what, thousands(of), c.ofSlice(), c.need())
	return c.proof(c.verdict(value, value), value, evidence, text)
}

// quantile decides a quantile by the number of trials that keep its limit: q of
// them have to, and a trial without an answer does not.
func (c Check) quantile(within, trials int64) harness.CheckResult {
	q := map[string]float64{"p50": 0.5, "p95": 0.95}[c.Stat]
	evidence := compare.Evidence{P: stat.BinomialAtLeast(within, trials, q), Test: "exact binomial"}
	if c.up() {
		q = 1 - q
		evidence.P = stat.BinomialAtLeast(within, trials, q)
	}
	value := float64(within) / float64(trials)
	verdict := harness.Pass
	if value < q {
		verdict = harness.Fail
	}
	out := c.proof(verdict, value, evidence, fmt.Sprintf("%s of %s%s are %s, needs %s of them",
		thousands(within), count(trials, "trial"), c.ofSlice(), c.need(), percentage(q)))
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
