package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// powerAsked is the power of the smallest drop that comparisons name.
const powerAsked = 0.8

// compared decides no_regression and improvement.
func (c Check) compared(r *harness.Report, e *Evidence) harness.CheckResult {
	o := c.Compare
	p := e.pairs[o.Baseline]
	if out, ok := c.incomparable(e, p); ok {
		return out
	}
	out := c.decidePairs(p.slices[o.Slice])
	if len(out.Comparisons) == 0 {
		return out
	}
	c.uncompared(p, &out)
	c.unscored(p.slices[o.Slice], &out)
	stop := p.sequential[c.Text].Stop()
	if stop != nil {
		failedFast(*stop, r, &out)
	}
	if stop == nil || !r.FailedFast { // else most cases of the baseline are missing, as they have to be
		c.unpaired(e, p, &out)
	}
	return out
}

// decidePairs compares the metrics of pairs that were added up.
func (c Check) decidePairs(pairs *compare.Collector) harness.CheckResult {
	o := c.Compare
	var metrics []*compare.Metric
	for _, m := range pairs.Metrics() {
		if (len(o.Metrics) == 0 || slices.Contains(o.Metrics, m.Name)) && m.Low.N() > 0 {
			metrics = append(metrics, m)
		}
	}
	if len(metrics) == 0 {
		return c.unknown("no case has scores in both runs")
	}
	out := harness.CheckResult{Check: c.Text, Verdict: harness.Pass}
	low, high := c.evidence(metrics, false), c.evidence(metrics, true)
	family := 1 // of tests that Holm's method adjusts
	if !o.Improve && o.Mode == Alarm {
		family = len(metrics)
	}
	for i, m := range metrics {
		x := c.comparison(m, low[i], high[i], family)
		out.Comparisons = append(out.Comparisons, x)
		if rank(x.Verdict) > rank(out.Verdict) {
			out.Verdict = x.Verdict
		}
	}
	if len(out.Comparisons) == 1 {
		out.Value = &out.Comparisons[0].Difference
	}
	out.Reason = c.reasonOf(out)
	return out
}

// incomparable is ok when nothing can be compared.
func (c Check) incomparable(e *Evidence, p *paired) (harness.CheckResult, bool) {
	switch {
	case p == nil:
		return c.unknown("the baseline was not looked at"), true
	case p.missing != nil:
		return c.unknown("%v; evalrun baseline set NAME RUN makes one of a run", p.missing), true
	case len(p.unlike) > 0 && !e.sources.AllowUnlike:
		return c.unknown("the runs are not alike: %s; --allow-unlike compares all the same", strings.Join(p.unlike, ", ")), true
	}
	return harness.CheckResult{}, false
}

// evidence is the p-value of each metric for what the check asks: that it is worse
// (alarm), or that it is not worse or better (prove, improvement). With several in
// alarm they are adjusted by Holm's method: any one of them fails the check. Where
// all of them have to be shown no adjustment is called for.
func (c Check) evidence(metrics []*compare.Metric, high bool) []compare.Evidence {
	o := c.Compare
	out := make([]compare.Evidence, len(metrics))
	ps := make([]float64, len(metrics))
	for i, m := range metrics {
		d := &m.Low
		if high {
			d = &m.High
		}
		switch {
		case o.Improve:
			out[i] = d.NotWorse(-o.Margin, o.Exact)
		case o.Mode == Prove:
			out[i] = d.NotWorse(o.Margin, o.Exact)
		default:
			out[i] = d.Worse(o.Margin, o.Exact)
		}
		ps[i] = out[i].P
	}
	if !o.Improve && o.Mode == Alarm {
		for i, p := range stat.Holm(ps) {
			out[i].P = p
		}
	}
	return out
}

// comparison puts one metric's numbers together and decides it, for both ends of
// what is not known. The smallest drop is one that shows in a family of so many
// tests.
func (c Check) comparison(m *compare.Metric, low, high compare.Evidence, family int) harness.Comparison {
	o := c.Compare
	x := harness.Comparison{Metric: m.Name, P: low.P, Test: low.Test, Pairs: m.Low.N(), Unknown: m.Unknown}
	x.Base, x.New = m.Low.Means()
	x.Difference = x.New - x.Base
	x.Worse, x.Better = m.Low.Changed()
	if from, to := m.Interval(Level); known(from) && known(to) {
		x.Interval = &harness.Interval{Low: from, High: to, Level: Level}
	}
	if drop := m.SmallestDrop(o.level()/float64(family), powerAsked); known(drop) {
		if !o.Improve && o.Mode == Alarm {
			drop += o.Margin
		}
		x.SmallestDrop = &drop
		if o.MinEffect > 0 && drop > o.MinEffect {
			ratio := drop / o.MinEffect
			x.Needed = int64(math.Ceil(float64(x.Pairs) * ratio * ratio))
		}
	}
	atLow, atHigh := low.P <= o.level(), high.P <= o.level()
	switch {
	case low.Test == "", m.Boundless(), m.Mixed, m.Silent == m.Low.N(), math.IsNaN(low.P), math.IsNaN(high.P):
		x.Verdict = harness.Inconclusive
	case o.Improve || o.Mode == Prove:
		x.Verdict = c.shown(m, atLow)
	case atHigh: // worse whatever is not known
		x.Verdict, x.P = harness.Fail, high.P
	case atLow:
		x.Verdict = harness.Inconclusive
	default:
		x.Verdict = harness.Pass
		if o.Strict && x.Needed > 0 {
			x.Verdict = harness.Inconclusive
		}
	}
	return x
}

// shown decides what has to be shown: it passes when it is, fails when the
// contrary is, and is open otherwise.
func (c Check) shown(m *compare.Metric, yes bool) harness.Verdict {
	margin := c.Compare.Margin
	if c.Compare.Improve {
		margin = -margin
	}
	switch {
	case yes:
		return harness.Pass
	case m.High.Worse(margin, c.Compare.Exact).P <= c.Compare.level():
		return harness.Fail
	}
	return harness.Inconclusive
}

// uncompared deals with the metrics that are in one run only: one that the check
// names is not known, the others are mentioned.
func (c Check) uncompared(p *paired, out *harness.CheckResult) {
	for _, name := range slices.Concat(p.is, p.was) {
		switch {
		case !slices.Contains(c.Compare.Metrics, name):
		case rank(harness.Inconclusive) > rank(out.Verdict):
			out.Verdict = harness.Inconclusive
			fallthrough
		default:
			out.Reason += fmt.Sprintf("; %s is not in both runs", name)
		}
	}
	if len(c.Compare.Metrics) == 0 && len(p.was) > 0 {
		out.Reason += "; not compared, as only the baseline has it: " + strings.Join(p.was, ", ")
	}
}

// unscored deals with metrics of which the baseline has a score of too few of the
// paired cases.
func (c Check) unscored(pairs *compare.Collector, out *harness.CheckResult) {
	for _, m := range pairs.Metrics() {
		n, all := m.Low.N(), m.Low.N()+m.Lost
		if len(c.Compare.Metrics) > 0 && !slices.Contains(c.Compare.Metrics, m.Name) {
			continue
		}
		if m.Mixed {
			out.Reason += fmt.Sprintf("; %s gives a verdict in some cases only, which can't be compared", m.Name)
		}
		if m.Silent == n && n > 0 {
			out.Reason += "; the baseline's app answered none of the cases"
		}
		if m.Lost == 0 {
			continue
		}
		text := fmt.Sprintf("; %s left out, of which the baseline has no score of %s", count(m.Lost, "case"), m.Name)
		if share := float64(n) / float64(all); n == 0 || share < c.Compare.Coverage {
			text += ": too many"
			if rank(harness.Inconclusive) > rank(out.Verdict) {
				out.Verdict = harness.Inconclusive
			}
		}
		out.Reason += text
	}
}

// unpaired deals with the cases that are in one run only, or are not the same.
func (c Check) unpaired(e *Evidence, p *paired, out *harness.CheckResult) {
	n := p.pairing
	add := func(v harness.Verdict, format string, args ...any) {
		if rank(v) > rank(out.Verdict) {
			out.Verdict = v
		}
		out.Reason += "; " + fmt.Sprintf(format, args...)
	}
	if p.base.Incomplete {
		add(harness.Pass, "the baseline's run did not run to its end")
	}
	base, now := n.Paired+n.Changed+n.Removed, n.Paired+n.Changed+n.Added
	if n.Changed > 0 {
		add(harness.Pass, "%s changed and left out: %s", count(n.Changed, "case"), someOf(quoted(n.ChangedIDs), n.Changed))
	}
	policy := func(p Policy, count int64, text string, ids []string) {
		if count == 0 || p == PolicyIgnore {
			return
		}
		verdicts := map[Policy]harness.Verdict{PolicyFail: harness.Fail, PolicyInconclusive: harness.Inconclusive}
		v := harness.Pass
		if w, ok := verdicts[p]; ok {
			v = w
		}
		add(v, "%s: %s", text, someOf(quoted(ids), count))
	}
	policy(e.sources.OnNew, n.Added, count(n.Added, "case")+" not in the baseline", n.AddedIDs)
	policy(e.sources.OnRemoved, n.Removed, count(n.Removed, "case")+" of the baseline not in this run", n.RemovedIDs)
	if share := float64(n.Paired) / float64(max(base, now, 1)); share < c.Compare.Coverage && out.Verdict != harness.Fail {
		add(harness.Inconclusive, "only %s of the cases are in both runs, needs %s", percentage(math.Floor(share*1000)/1000), percentage(c.Compare.Coverage))
	}
}

func quoted(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = fmt.Sprintf("%q", id)
	}
	return out
}

// reasonOf tells of the metrics that decide, and of all when the check passes, in
// few words: their numbers are in the comparisons.
func (c Check) reasonOf(out harness.CheckResult) string {
	var said []string
	var needed, unknown int64
	for _, x := range out.Comparisons {
		needed, unknown = max(needed, x.Needed), max(unknown, x.Unknown)
		switch {
		case x.Verdict != out.Verdict:
		case x.Test == "":
			said = append(said, fmt.Sprintf("%s %s, too few to be tested: %s", x.Metric, signed(x.Difference), count(x.Pairs, "case")))
		case len(out.Comparisons) == 1:
			said = append(said, fmt.Sprintf("%s %s, p %s over %s", x.Metric, signed(x.Difference), pValue(x.P), count(x.Pairs, "case")))
		default:
			said = append(said, fmt.Sprintf("%s %s (p %s)", x.Metric, signed(x.Difference), pValue(x.P)))
		}
	}
	const most = 3
	if len(said) > most {
		said = append(said[:most], fmt.Sprintf("and %s", count(int64(len(said)-most), "more metric")))
	}
	text := c.finding(out.Verdict) + ": " + strings.Join(said, ", ")
	if needed > 0 {
		text += fmt.Sprintf("; underpowered: about %s or more trials would do", count(needed, "case"))
	}
	if unknown > 0 {
		text += fmt.Sprintf("; %s could not be scored and may be 0 or 1", count(unknown, "trial"))
	}
	return text
}

// finding is what a verdict of the check means.
func (c Check) finding(v harness.Verdict) string {
	o := c.Compare
	by := ""
	if o.Margin > 0 {
		by = " by " + points(o.Margin)
	}
	switch {
	case o.Improve && v == harness.Pass:
		return "better" + by
	case o.Improve && v == harness.Fail:
		return "not better" + by
	case o.Improve:
		return "not shown to be better" + by
	case v == harness.Fail:
		return "worse" + by
	case v == harness.Inconclusive:
		return "not decided whether worse" + by
	case o.Mode == Prove:
		return "shown not to be worse" + by
	}
	return "not shown to be worse" + by
}

// signed is a difference with its sign, in points of a hundred.
func signed(v float64) string {
	s := fixed(round(v*100), 1)
	if v > 0 {
		s = "+" + s
	}
	return s + " pt"
}

func points(v float64) string { return fixed(round(v*100), 1) + " pt" }

// ratio decides latency.ratio and cost.ratio.
func (c Check) ratio(e *Evidence) harness.CheckResult {
	p := e.pairs[c.Baseline]
	if p == nil || p.missing != nil {
		out, _ := c.incomparable(e, p)
		return out
	}
	r := p.slices[c.Slice].Latency()
	if c.Metric == "cost" {
		r = p.slices[c.Slice].Cost()
	}
	estimate := r.Estimate()
	if estimate.N < 2 {
		return c.unknown("fewer than two cases have a %s in both runs", c.Metric)
	}
	value, from, to := r.Ratio(Level)
	beyond, within := estimate.Above(math.Log(c.Limit)), estimate.Below(math.Log(c.Limit))
	if c.up() {
		beyond, within = within, beyond
	}
	out := c.result(harness.Pass, value)
	said := "not shown to be beyond it"
	switch plain := c.holds(value); {
	case c.Plain && !plain, beyond <= level && !c.Plain && !c.Proven, c.Proven && !plain:
		out.Verdict, said = harness.Fail, "beyond it"
	case c.Plain:
		said = "within it"
	case c.Proven && within <= level:
		said = fmt.Sprintf("shown to be within it, p %s", pValue(within))
	case c.Proven:
		out.Verdict, said = harness.Inconclusive, fmt.Sprintf("within it, which is not proven: p %s", pValue(within))
	}
	out.Reason = fmt.Sprintf("× %s of the baseline's (%s interval %s to %s) over %s, needs %s: %s; paired t on the logarithm, p %s",
		fixed(value, 3), percentage(Level), fixed(from, 3), fixed(to, 3), count(estimate.N, "case"), c.need(), said, pValue(beyond))
	out.Comparisons = []harness.Comparison{{
		Metric: c.Metric, Base: 1, New: value, Difference: value, Ratio: true, Interval: &harness.Interval{Low: from, High: to, Level: Level},
		P: beyond, Test: "paired t on the logarithm", Pairs: estimate.N, Verdict: out.Verdict,
	}}
	return out
}
