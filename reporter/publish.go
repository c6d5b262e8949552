package reporter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evalrun/evalrun/harness"
)

// publishText is how far the results came on their way to a platform.
func publishText(p *harness.Publish) string {
	s := count(p.Posted) + " posted"
	if p.Pending > 0 {
		s += " · " + count(p.Pending) + " pending"
	}
	if p.Rejected > 0 {
		s += " · " + count(p.Rejected) + " rejected"
	}
	return s + " · " + safe(p.Platform, 20) + " evaluation " + safe(p.EvaluationID, 60)
}

// auditText is what the platform was found to have; "" when nothing was posted
// and nobody asked.
func auditText(p *harness.Publish) string {
	a := p.Audit
	switch {
	case a == nil && p.Posted > 0:
		return "not made: what the platform has is not known"
	case a == nil:
		return ""
	case a.Clean():
		return count(a.Found) + " found, each once"
	}
	return count(a.Found) + " found · " + auditTrouble(a)
}

// auditTrouble counts what is not as it should be.
func auditTrouble(a *harness.Audit) string {
	var parts []string
	for _, c := range []struct {
		n    int64
		what string
	}{{a.Lost, "lost"}, {a.Duplicated, "duplicated"}, {a.Unexpected, "unexpected"}} {
		if c.n > 0 {
			parts = append(parts, count(c.n)+" "+c.what)
		}
	}
	return strings.Join(parts, " · ")
}

// publishFacts are rows for facts.
func publishFacts(p *harness.Publish) [][2]string {
	out := [][2]string{{"published", publishText(p)}}
	if text := auditText(p); text != "" {
		out = append(out, [2]string{"audit", text})
	}
	return out
}

// postingTroubles say why posting stopped, unless the run's reasons have it, and
// that the platform does not have each result once.
func postingTroubles(r *harness.Report) []string {
	p := r.Publish
	if p == nil {
		return nil
	}
	var out []string
	known := slices.ContainsFunc(r.Reasons, func(s string) bool { return strings.Contains(s, p.Error) })
	switch {
	case p.Error == "" || known:
	case strings.HasPrefix(p.Error, "posting "):
		out = append(out, p.Error)
	default:
		out = append(out, "posting stopped: "+p.Error)
	}
	if p.Audit != nil && !p.Audit.Clean() {
		out = append(out, "the platform does not have each result once: "+auditTrouble(p.Audit))
	}
	return out
}

// publish is all of a report that is about posting.
func (p *page) publish() {
	pub := p.report.Publish
	if pub == nil {
		p.line("• nothing is published")
		return
	}
	verdict := harness.VerdictIncomplete
	if pub.Clean() {
		verdict = harness.Pass
	}
	head := p.ink.verdict(verdict, mark(verdict)+" "+postingState(pub))
	if name := shortTitle(p.report, max(p.width-columns(head)-2, 8)); name != "" {
		head += "  " + p.ink.bold(name)
	}
	p.line(head)
	p.labelled(append(publishFacts(pub), [2]string{"run", safe(p.report.RunID, 40)}))
	for _, why := range postingTroubles(p.report) {
		p.bullet("!", why, p.ink.yellow)
	}
	p.rejected()
}

// postingState is what became of the results in capitals.
func postingState(p *harness.Publish) string {
	switch {
	case p.Clean():
		return "POSTED"
	case p.Pending > 0 || p.Rejected > 0:
		return "NOT ALL POSTED"
	case p.Audit == nil:
		return "NOT AUDITED"
	}
	return "NOT ONCE EACH"
}

// rejected shows what the platform says of results that it does not take.
func (p *page) rejected() {
	pub := p.report.Publish
	if pub == nil || len(pub.Rejections) == 0 {
		return
	}
	p.title("REJECTED", rejectedNote(pub))
	var ids []string
	for _, r := range pub.Rejections {
		ids = append(ids, rejectedID(p.report, r, p.width/3))
	}
	var rows []table.Row
	for i, r := range pub.Rejections {
		id := p.ink.yellow(ids[i])
		for _, text := range wrapEnds(message(r.Message), p.width-widest(ids)-4, 3) {
			rows = append(rows, table.Row{id, text})
			id = p.ink.dim("│") // text from elsewhere never begins a line
		}
	}
	p.rows(nil, rows)
}

func rejectedNote(p *harness.Publish) string {
	note := Plural(p.Rejected, "result", "results")
	if p.Rejected > int64(len(p.Rejections)) {
		note = fmt.Sprintf("the first %d of %s", len(p.Rejections), note)
	}
	return note + ", in the platform's words"
}

// rejectedID names a result: its case, and its trial where there are several.
func rejectedID(r *harness.Report, post harness.Receipt, width int) string {
	if r.TrialsPerCase <= 1 {
		return safe(post.Key.Case, width)
	}
	trial := fmt.Sprintf(" trial %d", post.Key.Trial)
	return safe(post.Key.Case, max(width-columns(trial), 8)) + trial
}

// rejected is the same in Markdown.
func (p *sheet) rejected() {
	pub := p.report.Publish
	if pub == nil || len(pub.Rejections) == 0 {
		return
	}
	p.put("\n### Rejected: " + rejectedNote(pub) + "\n\n| case | trial | why |\n|---|--:|---|\n")
	for _, r := range pub.Rejections {
		p.put(fmt.Sprintf("| %s | %d | %s |\n", cell(r.Key.Case), r.Key.Trial, pipes(sentence(r.Message))))
	}
}

// unposted is the test case of a run whose results are not all posted once.
func (w *xmlWriter) unposted(r *harness.Report) {
	if !unposted(r) {
		return
	}
	p := r.Publish
	lines := []string{publishText(p)}
	if text := auditText(p); text != "" {
		lines = append(lines, "audit: "+text)
	}
	lines = append(lines, postingTroubles(r)...)
	for _, post := range p.Rejections {
		lines = append(lines, fmt.Sprintf("rejected: case %s, trial %d: %s", post.Key.Case, post.Key.Trial, ends(post.Message, maxMessage)))
	}
	w.put("    <testcase", tokens("name", "the results are posted", "classname", suiteName(r)), attributes("time", "0"))
	w.outcome("error", "publish", lines[0], strings.Join(lines, "\n"))
}

// unposted tells whether a platform does not have every result once.
func unposted(r *harness.Report) bool { return r.Publish != nil && !r.Publish.Clean() }
