package reporter

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// Markdown writes a report for step summaries and pull-request comments (GitHub
// Flavored Markdown). Text from cases, answers and judges stands in code only,
// where no link, mention, image, heading or HTML can arise.
type Markdown struct {
	// Failures is how many cases with a wrong answer are shown, default 20;
	// negative: none.
	Failures int
	// MaxBytes cuts the report, between two lines of it and with a note. Default
	// 1,000,000: GitHub takes 1 MiB for a step summary. A comment on GitHub may
	// have 65,536 characters.
	MaxBytes int
}

var _ Reporter = Markdown{}

// Write writes the report.
func (m Markdown) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	s, err := digestOf(d, max(orDefault(m.Failures, 20), 0))
	if err != nil {
		return err
	}
	p := sheet{report: d.Report, digest: s, limit: orDefault(m.MaxBytes, 1_000_000)}
	p.head()
	p.gate()
	p.failures()
	p.metrics()
	p.troubles()
	p.rejected()
	p.facts()
	_, err = io.WriteString(w, p.done())
	return err
}

const cutNote = "\n*The report is cut here: it is too long.*\n"

// sheet is a Markdown text in the making.
type sheet struct {
	text   strings.Builder
	report *harness.Report
	digest *digest
	limit  int
	full   bool
}

// put adds a piece that may not be torn apart, unless the sheet is full.
func (p *sheet) put(piece string) {
	if p.full = p.full || p.text.Len()+len(piece)+len(cutNote) > p.limit; !p.full {
		p.text.WriteString(piece)
	}
}

func (p *sheet) done() string {
	if p.full {
		p.text.WriteString(cutNote)
	}
	return p.text.String()
}

func (p *sheet) head() {
	r := p.report
	heading := sign(r.Verdict) + " " + title(r.Verdict)
	if ungated(r) {
		heading = "Done"
	}
	heading += ": " + code(r.Suite)
	if r.App != "" {
		heading += " " + code(r.App)
	}
	p.put("## " + heading + "\n\n")
	p.put(gateSummary(r) + " · " + tally(r, p.digest) + "\n")
	for _, s := range r.Reasons {
		p.put("\n⚠️ " + sentence(s) + "\n")
	}
}

func (p *sheet) gate() {
	if len(p.report.Gate) == 0 {
		return
	}
	p.put("\n### Gate\n\n| | check | why |\n|---|---|---|\n")
	for _, c := range p.report.Gate {
		p.put(fmt.Sprintf("| %s %s | %s | %s |\n", sign(c.Verdict), strings.ToLower(title(c.Verdict)), cell(c.Check), pipes(sentence(c.Reason))))
	}
	for _, c := range p.report.Gate {
		if compared := few(deciding(c)); len(compared) > 0 {
			p.put("\n" + code(c.Check) + "\n\n" + comparisonRows(compared, func(x harness.Comparison) string { return sign(x.Verdict) }))
		}
	}
}

func (p *sheet) failures() {
	s := p.digest
	if len(s.failures) == 0 {
		return
	}
	note := Plural(s.wrong, "case", "cases")
	if s.wrong > int64(len(s.failures)) {
		note = fmt.Sprintf("the first %d of %s", len(s.failures), note)
	}
	p.put("\n### Wrong answers: " + note + "\n")
	for _, f := range s.failures {
		p.put(failureText(f))
	}
}

// failureText is one failure: its ID and a block of code.
func failureText(f failure) string {
	head := "\n" + code(f.id)
	if f.trials != "" {
		head += " " + f.trials
	}
	blocks := f.lines(100)
	labels := labelColumns(blocks)
	var body strings.Builder
	for _, block := range blocks {
		for _, l := range block {
			body.WriteString(l.label + strings.Repeat(" ", labels-columns(l.label)) + " │ " + l.text + "\n")
		}
	}
	fence := strings.Repeat("`", max(longestRun(body.String())+1, 3))
	return head + "\n\n" + fence + "text\n" + body.String() + fence + "\n"
}

func (p *sheet) metrics() {
	if len(p.report.Metrics) == 0 {
		return
	}
	note := ""
	if reducedNote(p.report) != "" {
		note = ": trials reduced by " + code(p.report.Reduce)
	}
	p.put("\n### Scores" + note + "\n\n| evaluator | pass rate | mean | " + intervalTitle(p.report.Metrics) + " | cases | unscored |\n|---|--:|--:|--:|--:|--:|\n")
	for _, m := range p.report.Metrics {
		pass, mean, unscored := none, none, none
		if m.PassRate != nil {
			pass = percent(*m.PassRate)
		}
		if m.N > 0 {
			mean = score(m.Mean)
		}
		if m.Unscored > 0 {
			unscored = Plural(m.Unscored, "trial", "trials")
		}
		p.put(fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", cell(m.Name), pass, mean, interval(m), count(m.N), unscored))
	}
}

func (p *sheet) troubles() {
	var rows []string
	add := func(kind, after string, n int64, e example) {
		first := ""
		if e.trials > 0 {
			first = cell(e.id) + " " + pipes(sentence(e.message))
		}
		rows = append(rows, fmt.Sprintf("| %s%s | %s | %s |\n", cell(kind), after, count(n), first))
	}
	for _, k := range slices.Sorted(maps.Keys(p.report.Errors)) {
		add(string(k), "", p.report.Errors[k], p.digest.examples[appTrouble(k)])
	}
	for _, m := range p.report.Metrics {
		if m.Unscored > 0 {
			add(m.Name, " not scored", m.Unscored, p.digest.examples[evaluatorTrouble(m.Name)])
		}
	}
	if len(rows) == 0 {
		return
	}
	p.put("\n### Trouble\n\n| kind | trials | the first |\n|---|--:|---|\n")
	for _, row := range rows {
		p.put(row)
	}
}

func (p *sheet) facts() {
	r := p.report
	var lines []string
	for _, f := range facts(r) {
		if f[0] == "published" {
			f[1] = code(f[1])
		}
		lines = append(lines, "- "+f[0]+": "+f[1]+"\n")
	}
	for _, why := range postingTroubles(r) {
		lines = append(lines, "- ⚠️ "+sentence(why)+"\n")
	}
	for _, s := range r.Warnings {
		lines = append(lines, "- ⚠️ "+sentence(s)+"\n")
	}
	if r.RunID != "" {
		lines = append(lines, "- run "+code(r.RunID)+"\n")
	}
	if len(lines) > 0 {
		p.put("\n")
	}
	for _, l := range lines {
		p.put(l)
	}
}

// sign is a verdict at a glance.
func sign(v harness.Verdict) string {
	switch v {
	case harness.Pass:
		return "✅"
	case harness.Fail:
		return "❌"
	}
	return "⚠️"
}

// title is a verdict at the start of a heading.
func title(v harness.Verdict) string {
	switch v {
	case harness.Pass:
		return "Pass"
	case harness.Fail:
		return "Fail"
	case harness.Inconclusive:
		return "Inconclusive"
	}
	return "Incomplete"
}

// code puts untrusted text into a code span: on one line.
func code(s string) string {
	return span(cut(Terminal(clip(s, maxMessage)), 300))
}

// sentence is code for errors and the like: when it is too long its end stays.
func sentence(s string) string {
	return span(middle(message(s), 300))
}

// span is a code span (CommonMark 0.31, section 6.1) of safe text, between runs
// of backticks longer than any in it.
func span(s string) string {
	if strings.TrimSpace(s) == "" {
		return "(empty)"
	}
	fence := strings.Repeat("`", longestRun(s)+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + s + fence
}

// cell is code within a table.
func cell(s string) string { return pipes(code(s)) }

// pipes fits a code span into a table. There a | ends the cell even in code
// unless a backslash stands before it; one after a backslash of the data has to
// become an escape, because readers differ on whose backslash it is.
func pipes(code string) string {
	return strings.ReplaceAll(strings.ReplaceAll(code, `\|`, `\\x7c`), "|", `\|`)
}

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
