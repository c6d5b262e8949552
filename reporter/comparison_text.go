package reporter

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// jsonComparison is a comparison in JSON.
type jsonComparison struct {
	SchemaVersion int            `json:"schema_version"`
	Base          jsonSide       `json:"base"`
	New           jsonSide       `json:"new"`
	Unlike        []string       `json:"unlike"`
	Notes         []string       `json:"notes"`
	Cases         jsonPairing    `json:"cases"`
	Metrics       []jsonCompared `json:"metrics"`
	Latency       *jsonCompared  `json:"latency,omitempty"`
	Cost          *jsonCompared  `json:"cost,omitempty"`
	Flipped       []jsonFlipped  `json:"flipped"`
}

type jsonSide struct {
	Name  string `json:"name"`
	RunID string `json:"run_id,omitempty"`
	Suite string `json:"suite,omitempty"`
	App   string `json:"app,omitempty"`
}

type jsonPairing struct {
	Paired  int64 `json:"paired"`
	Changed int64 `json:"changed"`
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
}

// jsonCompared is one metric; with ratio the difference is one.
type jsonCompared struct {
	Metric       string        `json:"metric"`
	Base         *float64      `json:"base"`
	New          *float64      `json:"new"`
	Difference   *float64      `json:"difference"`
	Ratio        bool          `json:"ratio,omitempty"`
	Interval     *jsonInterval `json:"interval,omitempty"`
	P            *float64      `json:"p"`
	Test         string        `json:"test,omitempty"`
	Pairs        int64         `json:"pairs"`
	Worse        int64         `json:"worse"`
	Better       int64         `json:"better"`
	Unknown      int64         `json:"unknown,omitempty"`
	SmallestDrop *float64      `json:"smallest_drop,omitempty"`
	Needed       int64         `json:"needed,omitempty"`
	Verdict      string        `json:"verdict"`
}

type jsonFlipped struct {
	ID         string  `json:"id"`
	Metric     string  `json:"metric"`
	Base       float64 `json:"base"`
	New        float64 `json:"new"`
	BaseOutput string  `json:"base_output,omitempty"`
	NewOutput  string  `json:"new_output"`
}

// writeComparisonJSON writes one document, or a list of them.
func writeComparisonJSON(w io.Writer, all []Comparison) error {
	docs := make([]jsonComparison, len(all))
	for i, c := range all {
		docs[i] = comparisonDocument(c)
	}
	var v any = docs
	if len(docs) == 1 {
		v = docs[0]
	}
	data, err := encodeJSON(v, "  ")
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func comparisonDocument(c Comparison) jsonComparison {
	d := jsonComparison{
		SchemaVersion: 1, Base: sideDocument(c.Base), New: sideDocument(c.New), Unlike: validTexts(c.Unlike), Notes: validTexts(c.Notes),
		Cases:   jsonPairing{c.Pairing.Paired, c.Pairing.Changed, c.Pairing.Added, c.Pairing.Removed},
		Metrics: []jsonCompared{}, Flipped: []jsonFlipped{},
	}
	for _, x := range c.Metrics {
		d.Metrics = append(d.Metrics, comparedDocument(x))
	}
	if c.Latency != nil {
		x := comparedDocument(*c.Latency)
		d.Latency = &x
	}
	if c.Cost != nil {
		x := comparedDocument(*c.Cost)
		d.Cost = &x
	}
	for _, f := range c.Flipped {
		d.Flipped = append(d.Flipped, jsonFlipped{validUTF8(f.ID), validUTF8(f.Metric), f.Flip.Base, f.New, validUTF8(f.Was), validUTF8(f.Is)})
	}
	return d
}

func sideDocument(a compare.About) jsonSide {
	return jsonSide{validUTF8(a.Name), validUTF8(a.Run), validUTF8(a.Suite), validUTF8(a.App)}
}

// comparedDocument says worse, better or neither in a comparison of two runs, and
// the verdict in a check.
func comparedDocument(x harness.Comparison) jsonCompared {
	d := jsonCompared{
		Metric: validUTF8(x.Metric), Base: finite(x.Base), New: finite(x.New), Difference: finite(x.Difference), Ratio: x.Ratio, P: finite(x.P), Test: x.Test,
		Pairs: x.Pairs, Worse: x.Worse, Better: x.Better, Unknown: x.Unknown, SmallestDrop: finiteOrNull(x.SmallestDrop),
		Needed: x.Needed, Verdict: string(x.Verdict),
	}
	if i := x.Interval; i != nil {
		d.Interval = &jsonInterval{Low: finite(i.Low), High: finite(i.High), Level: finite(i.Level)}
	}
	return d
}

// comparisonRows is a table in Markdown.
func comparisonRows(metrics []harness.Comparison, word func(harness.Comparison) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| metric | base | new | difference | %s | p | worse | better | cases | detects | |\n", intervalHeader(metrics))
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, x := range metrics {
		worse, better := count(x.Worse), count(x.Better)
		if x.Ratio {
			worse, better = none, none
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", cell(x.Metric), level(x, x.Base), level(x, x.New),
			change(x), between(x), probability(x), worse, better, count(x.Pairs), drop(x), word(x))
	}
	return b.String()
}

// writeComparisonMarkdown writes a table for each comparison.
func writeComparisonMarkdown(w io.Writer, all []Comparison) error {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "### %s against %s\n\n%s\n\n", code(runName(c)), code(c.Base.Name), paired(c))
		for _, u := range slices.Concat(c.Unlike, c.Notes) {
			fmt.Fprintf(&b, "- %s\n", sentence(u))
		}
		if measured := c.measured(); len(measured) > 0 {
			b.WriteString("\n" + comparisonRows(measured, direction))
		} else {
			b.WriteString("\nno case has scores in both runs\n")
		}
		if len(c.Flipped) > 0 {
			b.WriteString("\n| case | metric | base | new |\n|---|---|---|---|\n")
			for _, flips := range c.cases() {
				var metrics []string
				for _, f := range flips {
					metrics = append(metrics, cell(f.Metric))
				}
				f := flips[0]
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(f.ID), strings.Join(metrics, ", "), cell(f.Was), cell(f.Is))
			}
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
