package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// latency decides a check of the answers' latency; values are milliseconds.
func (c Check) latency(r *harness.Report) harness.CheckResult {
	l := r.Latency
	if l.N == 0 {
		return c.unknown("no trial got an answer, so there is no latency")
	}
	found, quantile := l.Mean, 1.0
	switch c.Stat {
	case "p50":
		found, quantile = l.P50, 0.50
	case "p95":
		found, quantile = l.P95, 0.95
	case "max":
		found = l.Max
	}
	value := milliseconds(found)
	reason := fmt.Sprintf("%s over %s, needs %s", c.show(value), count(l.N, "answer"), c.need())
	unanswered := r.AppErrors()
	if unanswered > 0 {
		reason += fmt.Sprintf("; %s got no answer", count(unanswered, "trial"))
	}
	out := c.result(c.verdict(value, value), value)
	if all := l.N + unanswered; quantile < 1 && math.Ceil(quantile*float64(all)) > float64(l.N) {
		out.Verdict = harness.Inconclusive
		reason += fmt.Sprintf(" out of %s, so the %s of all is not known", thousands(all), c.Stat)
	}
	out.Reason = reason
	return out
}

// errors decides a check of the trials that have no answer or lack a score.
func (c Check) errors(r *harness.Report) harness.CheckResult {
	t := r.Trials
	if t.Completed == 0 {
		return c.unknown("no trial ran")
	}
	value := float64(t.Errored)
	if c.Stat == "rate" {
		value /= float64(t.Completed)
	}
	out := c.result(c.verdict(value, value), value)
	out.Reason = fmt.Sprintf("%s of %s had an error", thousands(t.Errored), count(t.Completed, "trial"))
	if c.Stat == "rate" {
		out.Reason += " (" + c.show(value) + ")"
	}
	out.Reason += ", needs " + c.need()
	if t.Errored > 0 {
		out.Reason += "; " + errorKinds(r)
	}
	return out
}

// errorKinds is "app_error 3, timeout 1, not scored 2".
func errorKinds(r *harness.Report) string {
	var parts []string
	var kinds []string
	for k := range r.Errors {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		if n := r.Errors[harness.ErrorKind(k)]; n > 0 {
			parts = append(parts, k+" "+thousands(n))
		}
	}
	if n := r.Trials.Errored - r.AppErrors(); n > 0 {
		parts = append(parts, "not scored "+thousands(n))
	}
	return strings.Join(parts, ", ")
}

// cost decides a check of US dollars.
func (c Check) cost(r *harness.Report) harness.CheckResult {
	answers := r.Latency.N
	if r.CostUSD == nil || answers == 0 {
		return c.unknown("no answer has a cost")
	}
	total := *r.CostUSD
	if c.Stat == "total" {
		return c.sum(total, answers, answers-r.CostUnknown, "cost", "cost")
	}
	if r.CostUnknown > 0 {
		return c.unknown("the cost of %s of %s is not known, so the mean is not known", thousands(r.CostUnknown), count(answers, "answer"))
	}
	mean := total / float64(answers)
	out := c.result(c.verdict(mean, mean), mean)
	out.Reason = fmt.Sprintf("%s an answer over %s, needs %s", c.show(mean), count(answers, "answer"), c.need())
	return out
}

// tokens decides a check of the run's tokens.
func (c Check) tokens(r *harness.Report) harness.CheckResult {
	t := r.Tokens
	if t.Counted == 0 {
		return c.unknown("no answer counts its tokens")
	}
	value := t.Input + t.Output
	switch c.Stat {
	case "input":
		value = t.Input
	case "output":
		value = t.Output
	}
	return c.sum(float64(value), r.Latency.N, t.Counted, "token count", "took")
}

// sum decides a total that only some answers may contribute to. The known part
// alone can break a limit; it can't prove that one is kept.
func (c Check) sum(value float64, answers, counted int64, what, did string) harness.CheckResult {
	out := c.result(c.verdict(value, value), value)
	if counted >= answers {
		out.Reason = fmt.Sprintf("%s over %s, needs %s", c.show(value), count(answers, "answer"), c.need())
		return out
	}
	out.Reason = fmt.Sprintf("the %s of %s of %s is not known; the others %s %s, needs %s",
		what, thousands(answers-counted), count(answers, "answer"), did, c.show(value), c.need())
	over := c.Op != ">=" && c.Op != ">" && value > c.Limit
	if out.Verdict != harness.Fail || !over {
		out.Verdict = harness.Inconclusive
	}
	return out
}

// cases decides a check of the number of cases.
func (c Check) cases(r *harness.Report) harness.CheckResult {
	n := r.Cases.Completed
	if n == 0 {
		return c.unknown("no case was completed")
	}
	out := c.result(c.verdict(float64(n), float64(n)), float64(n))
	out.Reason = fmt.Sprintf("%s completed, needs %s", count(n, "case"), c.need())
	return out
}
