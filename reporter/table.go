package reporter

import (
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/evalrun/evalrun/harness"
)

// Table writes a report for people at a terminal: the verdict, why, the wrong
// answers, the scores, the trouble, and the verdict again with the run's ID,
// because the first one may have scrolled away. No line is wider than Width. A
// run that passes without a gate is DONE: nobody asked for more.
type Table struct {
	// Width of the terminal in columns, default 100, at least 40.
	Width int
	// Color turns on colours. Without it the output is plain text.
	Color bool
	// Failures is how many cases with a wrong answer are shown, default 10;
	// negative: none.
	Failures int
	// GateOnly leaves all out but the verdict, the gate and the reasons. The
	// results are not read then.
	GateOnly bool
	// PublishOnly leaves all out but what became of the results on a platform.
	PublishOnly bool
}

var _ Reporter = Table{}

// Write writes the table.
func (t Table) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	if t.GateOnly || t.PublishOnly {
		d.Results = nil
	}
	s, err := digestOf(d, max(orDefault(t.Failures, 10), 0))
	if err != nil {
		return err
	}
	p := page{report: d.Report, digest: s, width: max(orDefault(t.Width, 100), 40), ink: ink(t.Color)}
	if t.PublishOnly {
		p.publish()
		_, err = io.WriteString(w, p.String())
		return err
	}
	p.verdict()
	p.gate()
	if !t.GateOnly {
		p.failures()
		p.metrics()
		p.troubles()
		p.rejected()
		p.facts()
	}
	if !t.GateOnly || len(d.Report.Gate) == 0 { // then they may be all there is to say
		p.warnings()
	}
	p.foot()
	_, err = io.WriteString(w, p.String())
	return err
}

func orDefault(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

// page is a table in the making.
type page struct {
	strings.Builder
	report *harness.Report
	digest *digest
	width  int
	ink    ink
}

// line writes a line; each part is safe and short enough already.
func (p *page) line(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
	p.WriteByte('\n')
}

// title begins a section. The note is ours, and is left out when too long.
func (p *page) title(name, note string) {
	p.line()
	if note == "" || columns(name)+2+columns(note) > p.width {
		p.line(p.ink.bold(name))
		return
	}
	p.line(p.ink.bold(name), "  ", p.ink.dim(note))
}

// rows writes rows as columns without borders, two spaces apart. The columns
// named in right are numbers.
func (p *page) rows(header table.Row, rows []table.Row, right ...int) {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format = table.FormatOptions{}
	style.Box.PaddingLeft, style.Box.PaddingRight = "  ", ""
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	if header != nil {
		for i := range header {
			header[i] = p.ink.dim(header[i].(string))
		}
		w.AppendHeader(header)
	}
	w.AppendRows(rows)
	var configs []table.ColumnConfig
	for _, n := range right {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w.SetColumnConfigs(configs)
	p.line(w.Render())
}

// columns writes rows of numbers after a name, narrowed.
func (p *page) columns(header table.Row, rows []table.Row, optional []int) {
	header = p.narrowed(header, rows, optional)
	var right []int
	for n := 2; n <= len(header); n++ {
		right = append(right, n)
	}
	p.rows(header, rows, right...)
}

// narrowed leaves out columns that the terminal has no room for, in the order of
// optional; each is counted from 1 when the ones before it are gone.
func (p *page) narrowed(header table.Row, rows []table.Row, optional []int) table.Row {
	for _, n := range optional {
		if rowWidth(append(rows, header)) <= p.width {
			break
		}
		for i, r := range rows {
			rows[i] = slices.Delete(r, n-1, n)
		}
		header = slices.Delete(header, n-1, n)
	}
	return header
}

// rowWidth is how wide the widest row would be.
func rowWidth(rows []table.Row) int {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], columns(cell.(string)))
		}
	}
	total := 0
	for _, w := range widths {
		total += w + 2
	}
	return total
}

// ink paints text that is safe already.
type ink bool

func (on ink) paint(code, s string) string {
	if !on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (on ink) bold(s string) string   { return on.paint("1", s) }
func (on ink) dim(s string) string    { return on.paint("2", s) }
func (on ink) red(s string) string    { return on.paint("31", s) }
func (on ink) green(s string) string  { return on.paint("32", s) }
func (on ink) yellow(s string) string { return on.paint("33", s) }

// headline is the verdict's mark and word in its colour.
func (on ink) headline(r *harness.Report) string {
	word := mark(r.Verdict) + " " + safe(headline(r), 16)
	if ungated(r) {
		return on.bold("• " + headline(r))
	}
	return on.verdict(r.Verdict, word)
}

// verdict paints in the verdict's colour.
func (on ink) verdict(v harness.Verdict, s string) string {
	switch v {
	case harness.Pass:
		return on.paint("1;32", s)
	case harness.Fail:
		return on.paint("1;31", s)
	}
	return on.paint("1;33", s)
}

// mark is one character for a verdict.
func mark(v harness.Verdict) string {
	switch v {
	case harness.Pass:
		return "✓"
	case harness.Fail:
		return "✗"
	case harness.Inconclusive:
		return "?"
	}
	return "!"
}
