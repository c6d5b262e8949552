package reporter

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evalrun/evalrun/harness"
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
	p.line(p.ink.dim("base  "), safe(c.Base.Name, p.width-6), p.named(c.Base.Run, c.Base.Name))
	p.line(p.ink.dim("new   "), safe(c.New.Name, p.width-6), p.named(c.New.Run, c.New.Name))
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
			p.line("  ", r.Metric, " ", times(r.Difference), " (95% interval ", between(r.Interval, times), "), p ", probability(*r), ", ",
				plural(r.Pairs, "case", "cases"))
		}
	}
	p.flipped(c)
}

// named adds the run's ID where the name is another.
func (p *page) named(run, name string) string {
	if run == "" || run == name {
		return ""
	}
	return p.ink.dim("  run " + safe(run, 30))
}

func (p *page) scores(metrics []harness.Comparison) {
	header := table.Row{"metric", "base", "new", "difference", "95% interval", "p", "worse", "better", "would show", ""}
	var rows []table.Row
	for _, x := range metrics {
		rows = append(rows, table.Row{
			safe(x.Metric, 30), fmt.Sprintf("%.3f", x.Base), fmt.Sprintf("%.3f", x.New), signedPoints(x.Difference),
			between(x.Interval, signedPoints), probability(x), fmt.Sprint(x.Worse), fmt.Sprint(x.Better), drop(x),
			p.ink.verdict(x.Verdict, direction(x)),
		})
	}
	p.columns(header, rows, []int{9, 5})
	p.line("  ", p.ink.dim(cut("would show: the smallest drop that as many cases show four times in five", p.width-2)))
}

// flipped shows cases side by side.
func (p *page) flipped(c Comparison) {
	if len(c.Flipped) == 0 {
		return
	}
	p.title("OTHER VERDICTS", "the first "+plural(int64(len(c.Flipped)), "case", "cases")+"; ›‹ stand around what differs")
	for i, f := range c.Flipped {
		if i > 0 {
			p.line()
		}
		mark, paint := "✓", p.ink.green
		if f.New < f.Flip.Base {
			mark, paint = "✗", p.ink.red
		}
		p.line("  ", paint(mark), " ", p.ink.bold(safe(f.ID, p.width/2)), p.ink.dim(fmt.Sprintf("  %s %.3g → %.3g", safe(f.Metric, 30), f.Flip.Base, f.New)))
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
		p.title(safe(name, 60), "")
		header := table.Row{"run", "base", "new", "difference", "95% interval", "p", "cases", ""}
		var rows []table.Row
		for _, c := range all {
			for _, x := range c.Metrics {
				if x.Metric == name {
					rows = append(rows, table.Row{
						safe(runName(c), 40), fmt.Sprintf("%.3f", x.Base), fmt.Sprintf("%.3f", x.New), signedPoints(x.Difference),
						between(x.Interval, signedPoints), probability(x), fmt.Sprint(x.Pairs), p.ink.verdict(x.Verdict, direction(x)),
					})
				}
			}
		}
		p.columns(header, rows, []int{5})
	}
	for _, c := range all {
		for _, u := range c.Unlike {
			p.line(p.ink.yellow("not alike: "), safe(runName(c)+": "+u, p.width-11))
		}
	}
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
		for _, x := range c.Metrics {
			if !seen[x.Metric] {
				seen[x.Metric] = true
				names = append(names, x.Metric)
			}
		}
	}
	return names
}
