package reporter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// verdict is the first line, and below it how much was done.
func (p *page) verdict() {
	r := p.report
	head := p.ink.headline(r)
	if name := shortTitle(r, max(p.width-columns(head)-2, 8)); name != "" {
		head += "  " + p.ink.bold(name)
	}
	if s := gateSummary(r); columns(head)+2+columns(s) <= p.width {
		head += "  " + s
	}
	p.line(head)
	for _, text := range wrap(tally(r, p.digest), p.width-2, 3) {
		p.line("  ", text)
	}
	for _, why := range r.Reasons {
		p.bullet("!", why, p.ink.yellow)
	}
	for _, why := range postingTroubles(r) {
		p.bullet("!", why, p.ink.yellow)
	}
}

// gateSummary is a few words on the gate.
func gateSummary(r *harness.Report) string {
	var parts []string
	if n := checks(r, harness.Fail); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s failed", n, Plural(int64(len(r.Gate)), "check", "checks")))
	}
	for _, v := range []harness.Verdict{harness.VerdictIncomplete, harness.Inconclusive} {
		if n := checks(r, v); n > 0 && len(parts) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		} else if n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s %s", n, Plural(int64(len(r.Gate)), "check", "checks"), v))
		}
	}
	switch {
	case len(r.Gate) == 1 && checks(r, harness.Fail) == 1:
		return "the check failed"
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case len(r.Gate) == 0:
		return "no gate"
	case len(r.Gate) == 1:
		return "the check passed"
	}
	return fmt.Sprintf("all %d checks passed", len(r.Gate))
}

func checks(r *harness.Report, v harness.Verdict) int {
	n := 0
	for _, c := range r.Gate {
		if c.Verdict == v {
			n++
		}
	}
	return n
}

// tally is how much was done and what came out, in one sentence.
func tally(r *harness.Report, s *digest) string {
	done := Plural(r.Cases.Completed, "case", "cases")
	if r.Cases.Completed != r.Cases.Planned {
		done = count(r.Cases.Completed) + " of " + Plural(r.Cases.Planned, "case", "cases")
	}
	if r.TrialsPerCase > 1 {
		done += fmt.Sprintf(" × %d trials", r.TrialsPerCase)
	}
	if d := r.FinishedAt.Sub(r.StartedAt); d > 0 && !r.StartedAt.IsZero() {
		done += " in " + duration(d)
	}
	parts := []string{done}
	if s != nil && s.counted {
		parts = append(parts, count(s.wrong)+" wrong", count(s.errored)+" with trouble")
	} else if r.Cases.Errored > 0 {
		parts = append(parts, count(r.Cases.Errored)+" with trouble")
	}
	return strings.Join(parts, " · ")
}

// foot is the verdict once more, with the run's ID for the commands that take
// one. What matters least is left out where it would take the room of the name;
// only on a very narrow terminal the ID gets a line of its own.
func (p *page) foot() {
	r := p.report
	parts := footParts(r, p.digest)
	p.line()
	if r.RunID == "" {
		p.footLine(parts, nil, 0)
		return
	}
	run := "run " + safe(r.RunID, p.width-6)
	if !p.footLine(parts, []string{run}, 12) {
		p.footLine(parts, nil, 0)
		p.line("  ", p.ink.dim(run))
	}
}

// footLine writes as many parts as fit beside last and leave least columns for
// the name. It writes nothing and returns false when not even last does.
func (p *page) footLine(parts, last []string, least int) bool {
	head := p.ink.headline(p.report)
	whole := columns(shortTitle(p.report, p.width))
	for ; ; parts = parts[:len(parts)-1] {
		text := strings.Join(slices.Concat(parts, last), " · ")
		room := p.width - columns(head) - columns(text) - 4
		if room < min(whole, max(least, 8)) {
			if len(parts) > 0 {
				continue
			}
			return false
		}
		name := shortTitle(p.report, room)
		switch {
		case name != "" && text != "":
			name = "  " + p.ink.bold(name) + ": "
		case name != "":
			name = "  " + p.ink.bold(name)
		case text != "":
			name = "  "
		}
		p.line(head, name, text)
		return true
	}
}

// footParts are what a verdict is about, the most important first.
func footParts(r *harness.Report, s *digest) []string {
	parts := []string{gateSummary(r)}
	if r.Verdict == harness.VerdictIncomplete {
		ran := "all cases ran"
		if r.Cases.Completed == 0 {
			ran = "no case ran"
		} else if r.Cases.Completed != r.Cases.Planned {
			ran = count(r.Cases.Completed) + " of " + Plural(r.Cases.Planned, "case", "cases")
		}
		parts = append(parts, ran)
	}
	if unposted(r) {
		parts = append([]string{postingState(r.Publish)}, parts...)
	}
	if s.wrong > 0 {
		parts = append(parts, count(s.wrong)+" wrong")
	}
	if r.Cases.Errored > 0 {
		parts = append(parts, count(r.Cases.Errored)+" with trouble")
	}
	return parts
}

// suiteTitle is the suite, with the app when the suite has several: "bot (v2)".
func suiteTitle(r *harness.Report) string {
	if r.App == "" {
		return r.Suite
	}
	return strings.TrimSpace(r.Suite + " (" + r.App + ")")
}

// shortTitle is suiteTitle safe for a terminal, cut to width columns. The suite
// is cut before the app, which tells the reports of one suite apart.
func shortTitle(r *harness.Report, width int) string {
	whole := safe(suiteTitle(r), width)
	if r.App == "" || !strings.HasSuffix(whole, ellipsis) {
		return whole
	}
	app := " (" + safe(r.App, max(width/2-3, 1)) + ")"
	return strings.TrimSpace(safe(r.Suite, width-columns(app)) + app)
}

// ungated tells whether the verdict is a pass because nothing was asked: then it
// says nothing about the answers.
func ungated(r *harness.Report) bool {
	return r.Verdict == harness.Pass && len(r.Gate) == 0
}

// headline is the verdict in capitals. A pass without a gate is just DONE.
func headline(r *harness.Report) string {
	if ungated(r) {
		return "DONE"
	}
	return strings.ToUpper(string(r.Verdict))
}
