package reporter

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

func writeComparisonTable(w io.Writer, all []Comparison, t Table) error {
	p := page{width: max(orDefault(t.Width, 100), 40), ink: ink(t.Color)}
	if len(all) > 1 {
		p.side(all)
	} else if len(all) == 1 {
		p.compared(all[0])
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// compared shows one run against its base.
func (p *page) compared(c Comparison) {
	p.named("base", c.Base)
	p.named("new", c.New)
	for _, u := range c.Unlike {
		p.line(p.ink.yellow("not alike: "), safe(u, p.width-11))
	}
	for _, n := range c.Notes {
		p.line(p.ink.dim("note  "), safe(n, p.width-6))
	}
	p.title("SCORES", paired(c))
	if len(c.Metrics) == 0 {
		p.line("  no case has scores in both runs")
	} else {
		p.scores(c.Metrics)
	}
	for _, r := range []*harness.Comparison{c.Latency, c.Cost} {
		if r != nil {
			for _, text := range wrap(numbers(*r), p.width-2, 3) {
				p.line("  ", text)
			}
		}
	}
	p.flipped(c)
}

// named is a run's name, and its ID where that is another and fits.
func (p *page) named(label string, a compare.About) {
	name := safe(a.Name, p.width-6)
	run := "  run " + safe(a.Run, 30)
	if a.Run == "" || a.Run == a.Name || columns(name)+columns(run)+6 > p.width {
		run = ""
	}
	p.line(p.ink.dim(fmt.Sprintf("%-6s", label)), name, p.ink.dim(run))
}

func (p *page) scores(metrics []harness.Comparison) {
	p.comparisons(metrics, "", direction)
	p.line("  ", p.ink.dim(cut("detects: the smallest drop that as many cases show four times in five", p.width-2)))
}

// comparisons are rows of numbers, each of its metric's name after a lead, and a
// word on it at the end. Where even the narrowest columns are too wide they are
// text.
func (p *page) comparisons(metrics []harness.Comparison, lead string, word func(harness.Comparison) string) {
	header := table.Row{lead + "metric", "base → new", "change", intervalHeader(metrics), "p", "worse", "better", "cases", "detects", ""}
	var rows []table.Row
	for _, x := range metrics {
		worse, better, means := count(x.Worse), count(x.Better), score(x.Base)+" → "+score(x.New)
		if x.Ratio {
			worse, better, means = none, none, none
		}
		rows = append(rows, table.Row{
			lead + safe(x.Metric, min(30, p.width/2)), means, change(x), between(x), probability(x),
			worse, better, count(x.Pairs), drop(x), p.ink.verdict(x.Verdict, word(x)),
		})
	}
	if header = p.narrowed(header, rows, []int{2, 3, 7}); rowWidth(append(rows, header)) <= p.width {
		p.columns(header, rows, nil)
		return
	}
	for _, x := range metrics {
		text := word(x) + " " + safe(x.Metric, 60) + Terminal(strings.TrimPrefix(numbers(x), x.Metric))
		for i, line := range wrap(text, p.width-4-columns(lead), 10) {
			if i > 0 || lead != "" { // text from elsewhere never begins a line
				line = p.ink.dim("│ ") + line
			}
			p.line("  ", line)
		}
	}
}

// intervalHeader names the level of the intervals.
func intervalHeader(metrics []harness.Comparison) string {
	for _, x := range metrics {
		if x.Interval != nil {
			return percent(x.Interval.Level) + " interval"
		}
	}
	return "interval"
}

// flipped shows cases side by side.
func (p *page) flipped(c Comparison) {
	cases := c.cases()
	if len(cases) == 0 {
		return
	}
	p.title("OTHER VERDICTS", "the first "+Plural(len(cases), "case", "cases")+"; ›‹ stand around what differs")
	for i, flips := range cases {
		if i > 0 {
			p.line()
		}
		for k, f := range flips {
			mark, paint := "✓", p.ink.green
			if f.New < f.Flip.Base {
				mark, paint = "✗", p.ink.red
			}
			id, scores := safe(f.ID, p.width/2-4), fmt.Sprintf("%.3g → %.3g", f.Flip.Base, f.New)
			metric := safe(f.Metric, p.width-7-columns(id)-columns(scores))
			if k > 0 { // the case's name stands above
				id = strings.Repeat(" ", columns(id))
			}
			p.line("  ", paint(mark), " ", p.ink.bold(id), "  ", p.ink.dim(metric+" "+scores))
		}
		f := flips[0]
		was, is := marked(f.Was, f.Is, p.width-15)
		for _, row := range [][2]string{
			{"asked", safe(f.Input, p.width-15)}, {"expected", safe(f.Expected, p.width-15)}, {"base", was}, {"new", is},
		} {
			if row[1] != "" && !(row[0] == "base" && f.Was == "") {
				p.line("  ", p.ink.dim("│ "), p.ink.dim(fmt.Sprintf("%-10s", row[0])), row[1])
			}
		}
	}
}

// side shows several runs against the first, a row each.
func (p *page) side(all []Comparison) {
	p.line(p.ink.dim("base  "), safe(all[0].Base.Name, p.width-6))
	for _, name := range metricNames(all) {
		p.title(safe(name, p.width), "")
		var rows []harness.Comparison
		for _, c := range all {
			for _, x := range c.measured() {
				if x.Metric == name {
					x.Metric = runName(c)
					rows = append(rows, x)
				}
			}
		}
		p.comparisons(rows, "", direction)
	}
	for _, c := range all {
		for _, u := range c.Unlike {
			p.line(p.ink.yellow("not alike: "), safe(runName(c)+": "+u, p.width-11))
		}
		for _, n := range c.Notes {
			p.line(p.ink.dim("note  "), safe(runName(c)+": "+n, p.width-6))
		}
	}
}

// measured are the metrics, with latency and cost at the end.
func (c Comparison) measured() []harness.Comparison {
	out := slices.Clone(c.Metrics)
	for _, r := range []*harness.Comparison{c.Latency, c.Cost} {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// runName is a run's name and its app's, where that is another than the base's.
func runName(c Comparison) string {
	if c.New.App != "" && c.New.App != c.Base.App {
		return c.New.Name + " " + c.New.App
	}
	return c.New.Name
}

func metricNames(all []Comparison) []string {
	var names []string
	seen := map[string]bool{}
	for _, c := range all {
		for _, x := range c.measured() {
			if !seen[x.Metric] {
				seen[x.Metric] = true
				names = append(names, x.Metric)
			}
		}
	}
	return names
}
