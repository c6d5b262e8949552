package gate

import (
	"fmt"
	"slices"

	"github.com/evalrun/evalrun/harness"
)

// Judge decides the checks and the whole. Checks about single cases and baselines
// need the evidence that Gather has for the same checks; without it (nil) they are
// inconclusive. It fills in the report's Gate,
// Verdict and the intervals of its metrics. Why a verdict is incomplete it adds
// to Reasons; why one without checks is inconclusive, to Warnings. To judge a
// report again is fine.
func Judge(r *harness.Report, checks []Check, e *Evidence) {
	Intervals(r)
	r.Gate = nil
	for i, c := range checks {
		r.Gate = append(r.Gate, c.judge(r, e, i))
	}
	r.Verdict = harness.Pass
	for _, g := range r.Gate {
		if rank(g.Verdict) > rank(r.Verdict) {
			r.Verdict = g.Verdict
		}
	}
	if !slices.ContainsFunc(checks, func(c Check) bool { return c.Quarantine == nil }) {
		judgeUnchecked(r)
	}
	if e != nil {
		e.quarantine.report(r, e.sources.Partial)
	}
	t := r.Trials
	if t.Completed > 0 && t.Errored >= t.Completed {
		r.Verdict = harness.VerdictIncomplete
		r.Reasons = addOnce(r.Reasons, "every trial had an error: "+errorKinds(r))
	}
	certain := r.FailedFast && r.Verdict == harness.Fail
	if (r.Status != harness.Complete || t.Completed < t.Planned) && !certain {
		r.Verdict = harness.VerdictIncomplete
		if len(r.Reasons) == 0 {
			r.Reasons = []string{fmt.Sprintf("%s of %s have a result", thousands(t.Completed), count(t.Planned, "planned trial"))}
		}
	}
}

// judgeUnchecked decides a run that has no gate.
func judgeUnchecked(r *harness.Report) {
	var scored int64
	for _, m := range r.Metrics {
		scored += m.Scored
	}
	switch {
	case r.Trials.Errored > 0:
		r.Verdict = harness.VerdictIncomplete
		r.Reasons = addOnce(r.Reasons, fmt.Sprintf("%s of %s had an error, and there is no gate that allows any: %s",
			thousands(r.Trials.Errored), count(r.Trials.Completed, "trial"), errorKinds(r)))
	case r.Trials.Completed == 0:
		r.Verdict = harness.Inconclusive
		r.Warnings = addOnce(r.Warnings, noResult(r)+", so nothing is shown")
	case scored == 0:
		r.Verdict = harness.Inconclusive
		r.Warnings = addOnce(r.Warnings, "nothing was scored, so nothing is shown")
	}
}

// noResult says why a run has no result at all.
func noResult(r *harness.Report) string {
	if r.Trials.Planned == 0 {
		return "there was no case"
	}
	return fmt.Sprintf("there is no result of %s", count(r.Trials.Planned, "planned trial"))
}

func addOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// judge decides one check.
func (c Check) judge(r *harness.Report, e *Evidence, at int) harness.CheckResult {
	if r.Trials.Completed == 0 {
		return c.unknown("%s", noResult(r))
	}
	if e == nil && Needed([]Check{c}) {
		return c.unknown("the cases were not looked at")
	}
	switch {
	case c.Compare != nil:
		return c.compared(r, e)
	case c.MustPass != nil:
		return c.mustPass(e.must[at])
	case c.Quarantine != nil:
		return c.quarantined(e)
	case c.kind() == kindRatio:
		return c.ratio(e)
	case c.needsCases():
		return c.overCases(e, at)
	}
	switch c.kind() {
	case kindScore:
		return c.score(r)
	case kindLatency:
		return c.latency(r)
	case kindErrors:
		return c.errors(r)
	case kindCost:
		return c.cost(r)
	case kindTokens:
		return c.tokens(r)
	case kindCases:
		return c.cases(r)
	}
	return c.unknown("%s has no statistic %q", c.Metric, c.Stat)
}

// result is a decided check without its reason.
func (c Check) result(v harness.Verdict, value float64) harness.CheckResult {
	out := harness.CheckResult{Check: c.Text, Verdict: v}
	if known(value) {
		out.Value = &value
	}
	return out
}

// unknown is a check about which nothing can be said.
func (c Check) unknown(format string, args ...any) harness.CheckResult {
	return harness.CheckResult{
		Check: c.Text, Verdict: harness.Inconclusive,
		Reason: fmt.Sprintf(format, args...),
	}
}

// rank orders verdicts: the highest is that of the whole.
func rank(v harness.Verdict) int {
	return slices.Index([]harness.Verdict{harness.Pass, harness.Inconclusive, harness.Fail, harness.VerdictIncomplete}, v)
}
