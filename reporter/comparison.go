package reporter

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// Comparison is a run set against a base, to be shown.
type Comparison struct {
	compare.Summary
	// Flipped are the flips with what the runs answered, those of a case one after
	// the other.
	Flipped []Flipped
}

// Flipped is a case that has another verdict of a metric than in the base.
type Flipped struct {
	compare.Flip
	// Input, Expected, Was and Is are texts; Was is "" when the base has no answers.
	Input, Expected, Was, Is string
}

// cases groups the flips by case.
func (c Comparison) cases() [][]Flipped {
	var out [][]Flipped
	for i, f := range c.Flipped {
		if i == 0 || c.Flipped[i-1].ID != f.ID {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], f)
	}
	return out
}

// ComparisonFormats are those that WriteComparison knows.
func ComparisonFormats() []string { return []string{"table", "json", "markdown"} }

// WriteComparison writes comparisons of one or more runs with the same base. The
// options are for the table.
func WriteComparison(w io.Writer, format string, all []Comparison, t Table) error {
	switch format {
	case "table":
		return writeComparisonTable(w, all, t)
	case "json":
		return writeComparisonJSON(w, all)
	case "markdown":
		return writeComparisonMarkdown(w, all)
	}
	return fmt.Errorf("reporter: no comparison in format %q", format)
}

// direction is a verdict in words.
func direction(x harness.Comparison) string {
	switch {
	case x.Test == "":
		return "too few"
	case x.Verdict == harness.Fail:
		return "worse"
	case x.Verdict == harness.Pass:
		return "better"
	}
	return "unclear"
}

// between are the ends of an interval in points, or of a ratio; "–" without one.
func between(x harness.Comparison) string {
	i := x.Interval
	switch {
	case i == nil:
		return none
	case x.Ratio:
		return times(i.Low) + " to " + times(i.High)
	}
	return fmt.Sprintf("%+.1f to %+.1f", i.Low*100, i.High*100)
}

func signedPoints(v float64) string { return fmt.Sprintf("%+.1f pt", v*100) }

// change is the difference in points, or the ratio.
func change(x harness.Comparison) string {
	if x.Ratio {
		return times(x.Difference)
	}
	return signedPoints(x.Difference)
}

// level is a mean; a ratio has none.
func level(x harness.Comparison, v float64) string {
	if x.Ratio {
		return none
	}
	return score(v)
}

func times(v float64) string { return fmt.Sprintf("× %.3f", v) }

func probability(x harness.Comparison) string {
	switch {
	case x.Test == "":
		return none
	case x.P < 0.0001:
		return "< 0.0001"
	}
	return fmt.Sprintf("%.2g", x.P)
}

func drop(x harness.Comparison) string {
	if x.SmallestDrop == nil {
		return none
	}
	return fmt.Sprintf("%.1f pt", *x.SmallestDrop*100)
}

// paired says how many cases were compared, and which were not.
func paired(c Comparison) string {
	p := c.Pairing
	parts := []string{Plural(p.Paired, "case", "cases") + " in both"}
	for _, x := range []struct {
		n    int64
		what string
	}{{p.Changed, "changed"}, {p.Added, "only in the new run"}, {p.Removed, "only in the base"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return strings.Join(parts, " · ")
}

// differing are the parts of two texts: what both begin with, what differs, and
// what both end with.
func differing(a, b string) (prefix, inA, inB, suffix string) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	m := 0
	for m < len(a)-n && m < len(b)-n && a[len(a)-1-m] == b[len(b)-1-m] {
		m++
	}
	for m > 0 && (!utf8.RuneStart(a[len(a)-m]) || !utf8.RuneStart(b[len(b)-m])) {
		m--
	}
	return a[:n], a[n : len(a)-m], b[n : len(b)-m], a[len(a)-m:]
}

// marked are two texts for one line each, with marks around what differs first and
// little of what is alike before it.
func marked(a, b string, width int) (string, string) {
	const context = 24
	prefix, inA, inB, suffix := differing(clip(a, maxMessage), clip(b, maxMessage))
	head := Terminal(prefix)
	if runes := []rune(head); len(runes) > context {
		head = ellipsis + string(runes[len(runes)-context:])
	}
	show := func(differs string) string {
		return cut(head+"›"+Terminal(differs)+"‹"+Terminal(suffix), width)
	}
	return show(inA), show(inB)
}

// numbers is one comparison as a line of text, which is not safe.
func numbers(x harness.Comparison) string {
	text := x.Metric + ": " + change(x)
	if !x.Ratio {
		text = fmt.Sprintf("%s: %s → %s, %s", x.Metric, level(x, x.Base), level(x, x.New), change(x))
	}
	if x.Interval != nil {
		text += fmt.Sprintf(" (%s interval %s)", percent(x.Interval.Level), between(x))
	}
	if x.Test == "" {
		text += ", too few to be tested"
	} else {
		text += fmt.Sprintf(", p %s (%s)", probability(x), x.Test)
	}
	text += ", " + Plural(x.Pairs, "case", "cases")
	if !x.Ratio {
		text += fmt.Sprintf(": %s worse, %s better", count(x.Worse), count(x.Better))
	}
	if x.SmallestDrop != nil {
		text += "; shows a drop of " + drop(x) + " four times in five"
	}
	if x.Needed > 0 {
		text += fmt.Sprintf("; underpowered: about %s or more trials would do", Plural(x.Needed, "case", "cases"))
	}
	if x.Unknown > 0 {
		text += fmt.Sprintf("; %s could not be scored and may be 0 or 1", Plural(x.Unknown, "trial", "trials"))
	}
	return text
}

// deciding are the comparisons of a check, those first that its verdict is of. The
// reason says all of a ratio.
func deciding(c harness.CheckResult) []harness.Comparison {
	var first, rest []harness.Comparison
	for _, x := range c.Comparisons {
		switch {
		case x.Ratio:
		case x.Verdict == c.Verdict:
			first = append(first, x)
		default:
			rest = append(rest, x)
		}
	}
	return append(first, rest...)
}
