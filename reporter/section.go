package reporter

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evalrun/evalrun/harness"
)

// gate lists the checks.
func (p *page) gate() {
	if len(p.report.Gate) == 0 {
		return
	}
	widest := 0
	for _, c := range p.report.Gate {
		widest = max(widest, columns(safe(c.Check, p.width/2)))
	}
	p.line()
	var rows []table.Row
	for _, c := range p.report.Gate {
		const most = 6 // a verdict without its reason, or with half of it, says nothing
		compared := few(deciding(c))
		name := safe(c.Check, widest)
		name += strings.Repeat(" ", widest-columns(name)) // the rows of one gate may be in several blocks
		for i, text := range wrapEnds(message(c.Reason), p.width-widest-7, most) {
			if i > 0 { // text from elsewhere never begins a line
				rows = append(rows, table.Row{p.ink.dim("│"), "", text})
				continue
			}
			rows = append(rows, table.Row{p.ink.verdict(c.Verdict, mark(c.Verdict)), name, text})
		}
		if len(compared) > 0 {
			p.rows(nil, rows)
			rows = nil
			p.comparisons(compared, p.ink.dim("│ "), func(x harness.Comparison) string { return mark(x.Verdict) })
		}
	}
	if len(rows) > 0 {
		p.rows(nil, rows)
	}
}

// few are the first of many comparisons: the report in JSON has all of them.
func few(all []harness.Comparison) []harness.Comparison {
	const most = 12
	return all[:min(len(all), most)]
}

// failures shows the cases with a wrong answer.
func (p *page) failures() {
	s := p.digest
	if s.wrong == 0 || len(s.failures) == 0 {
		return
	}
	note := Plural(s.wrong, "case", "cases")
	if more := s.wrong - int64(len(s.failures)); more > 0 {
		note = fmt.Sprintf("the first %d of %s", len(s.failures), note)
	}
	p.title("WRONG ANSWERS", note)
	for i, f := range s.failures {
		if i > 0 {
			p.line()
		}
		p.failure(f)
	}
	if p.report.RunID != "" {
		p.line()
		p.line("  ", p.ink.dim(cut("whole texts: evalrun show "+safe(p.report.RunID, 40)+" --case ID", p.width-2)))
	}
}

func (p *page) failure(f failure) {
	trials := ""
	if f.trials != "" {
		trials = "  " + f.trials
	}
	id := safe(f.id, p.width-4-columns(trials))
	p.line("  ", p.ink.red("✗"), " ", p.ink.bold(id), p.ink.dim(trials))
	blocks := f.lines(p.width - 4)
	labels := labelColumns(blocks)
	for _, block := range blocks {
		for _, l := range block {
			pad := strings.Repeat(" ", labels-columns(l.label))
			p.line("  ", p.ink.dim("│"), " ", p.ink.dim(l.label), pad, "  ", p.paint(l.role, l.text))
		}
	}
}

func (p *page) paint(r role, s string) string {
	switch r {
	case expected:
		return p.ink.green(s)
	case got:
		return p.ink.red(s)
	case trouble:
		return p.ink.yellow(s)
	}
	return s
}

// metrics lists the evaluators' scores.
func (p *page) metrics() {
	if len(p.report.Metrics) == 0 {
		return
	}
	p.title("SCORES", reducedNote(p.report))
	header := table.Row{"evaluator", "pass rate", "mean", intervalTitle(p.report.Metrics), "cases", "unscored"}
	var rows []table.Row
	for _, m := range p.report.Metrics {
		rows = append(rows, p.metric(m))
	}
	p.columns(header, rows, []int{4, 4, 3}) // the interval, the cases, the mean
}

func (p *page) metric(m harness.Metric) table.Row {
	pass, mean, unscored := none, none, none
	if m.PassRate != nil {
		pass = percent(*m.PassRate)
	}
	if m.N > 0 {
		mean = score(m.Mean)
	}
	if m.Unscored > 0 {
		unscored = p.ink.yellow(Plural(m.Unscored, "trial", "trials"))
	}
	return table.Row{safe(m.Name, max(p.width-60, 12)), pass, mean, interval(m), count(m.N), unscored}
}

// reducedNote says how the trials of a case became one number, where that is not
// their mean.
func reducedNote(r *harness.Report) string {
	if r.Reduce == "" || r.Reduce == "mean" {
		return ""
	}
	return "trials reduced by " + safe(r.Reduce, 40)
}

// interval is the confidence interval in the unit of what it is of.
func interval(m harness.Metric) string {
	switch {
	case m.Interval == nil:
		return none
	case m.PassRate != nil:
		return strings.TrimSuffix(percent(m.Interval.Low), "%") + "–" + percent(m.Interval.High)
	}
	return score(m.Interval.Low) + "–" + score(m.Interval.High)
}

// intervalTitle names the level, when all intervals share one.
func intervalTitle(metrics []harness.Metric) string {
	level := 0.0
	for _, m := range metrics {
		switch {
		case m.Interval == nil:
		case level != 0 && level != m.Interval.Level:
			return "interval"
		default:
			level = m.Interval.Level
		}
	}
	if level == 0 {
		return "interval"
	}
	return percent(level) + " interval"
}

// troubles lists the trials without an answer by kind, and the answers without
// a score by evaluator, each with one example.
func (p *page) troubles() {
	var rows []table.Row
	room := p.width - 2
	var kinds, counts []string
	var examples []example
	add := func(kind string, n int64, key string) {
		kinds = append(kinds, safe(kind, 24))
		counts = append(counts, count(n))
		examples = append(examples, p.digest.examples[key])
	}
	for _, k := range slices.Sorted(maps.Keys(p.report.Errors)) {
		add(string(k), p.report.Errors[k], appTrouble(k))
	}
	for _, m := range p.report.Metrics {
		if m.Unscored > 0 {
			add("no "+m.Name+" score", m.Unscored, evaluatorTrouble(m.Name))
		}
	}
	if len(kinds) == 0 {
		return
	}
	room -= widest(kinds) + 2 + widest(counts) + 2
	for i, e := range examples {
		kind, n := p.ink.yellow(kinds[i]), counts[i]
		for _, text := range wrapEnds(exampleText(e, room), room, 3) {
			rows = append(rows, table.Row{kind, n, text})
			kind, n = p.ink.dim("│"), "" // text from elsewhere never begins a line
		}
	}
	p.title("TROUBLE", "trials without an answer or a score, and the first case of each kind")
	p.rows(nil, rows, 2)
}

// exampleText is safe.
func exampleText(e example, room int) string {
	if e.trials == 0 {
		return ""
	}
	return safe(e.id, room/3) + ": " + message(e.message)
}

func widest(texts []string) int {
	w := 0
	for _, s := range texts {
		w = max(w, columns(s))
	}
	return w
}

// facts are latency, tokens, cost, calls and what was posted.
func (p *page) facts() {
	if all := facts(p.report); len(all) > 0 {
		p.line()
		p.labelled(all)
	}
}

// labelled writes safe texts behind labels of ours.
func (p *page) labelled(facts [][2]string) {
	var rows []table.Row
	for _, f := range facts {
		for i, text := range wrap(f[1], p.width-13, 2) {
			if i > 0 {
				f[0] = p.ink.dim("│")
			}
			rows = append(rows, table.Row{p.ink.dim(f[0]), text})
		}
	}
	p.rows(nil, rows)
}

// facts are labels of ours with safe texts.
func facts(r *harness.Report) [][2]string {
	var out [][2]string
	if l := r.Latency; l.N > 0 {
		out = append(out, [2]string{"latency", fmt.Sprintf("p50 %s · p95 %s · max %s", duration(l.P50), duration(l.P95), duration(l.Max))})
	}
	if t := r.Tokens; t.Input != 0 || t.Output != 0 {
		out = append(out, [2]string{"tokens", count(t.Input) + " in · " + count(t.Output) + " out"})
	}
	if r.CostUSD != nil {
		text := dollars(*r.CostUSD)
		if r.CostUnknown > 0 {
			text += " · " + Plural(r.CostUnknown, "answer", "answers") + " without a price"
		}
		out = append(out, [2]string{"cost", text})
	}
	if r.Retries > 0 {
		out = append(out, [2]string{"retries", Plural(r.Retries, "call", "calls") + " of the app made again"})
	}
	if r.Abandoned > 0 {
		out = append(out, [2]string{"abandoned", Plural(r.Abandoned, "call", "calls") + " went on past the end of the time limit"})
	}
	if r.Publish != nil {
		out = append(out, publishFacts(r.Publish)...)
	}
	return out
}

// warnings are the sentences that belong beside the numbers.
func (p *page) warnings() {
	if len(p.report.Warnings) == 0 {
		return
	}
	p.line()
	for _, s := range p.report.Warnings {
		p.bullet("!", s, p.ink.yellow)
	}
}

// bullet writes untrusted text after a mark, on six lines at most.
func (p *page) bullet(sign, s string, paint func(string) string) {
	for i, text := range wrapEnds(message(s), p.width-4, 6) {
		if i > 0 {
			sign = "│"
		}
		p.line("  ", paint(sign), " ", paint(text))
	}
}
