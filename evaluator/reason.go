package evaluator

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
)

const (
	// maxReason is how many bytes a reason of a built-in evaluator has at most.
	maxReason = 1000
	// maxShown is how many bytes a quoted value takes in a reason, about.
	maxShown = 300
)

// shorten cuts a reason at maxReason bytes, between characters.
func shorten(s string) string {
	const mark = " …"
	if len(s) <= maxReason {
		return s
	}
	return cut(s, maxReason-len(mark)) + mark
}

// show quotes a text for a reason; a long one is cut and its length is told.
func show(s string) string {
	head := cut(s, maxShown)
	quoted := strconv.Quote(head)
	for len(quoted) > maxShown+50 { // full of escapes
		head = cut(head, len(head)/2)
		quoted = strconv.Quote(head)
	}
	if len(head) == len(s) {
		return quoted
	}
	return fmt.Sprintf("%s… (%d characters)", quoted, utf8.RuneCountInString(s))
}

// cut is the beginning of s, at most n bytes of it, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range utf8.UTFMax {
		if n-i > 0 && utf8.RuneStart(s[n-i]) {
			return s[:n-i]
		}
	}
	return s[:n] // not UTF-8
}

// showAll quotes several texts, the first few when there are many.
func showAll(texts []string) string {
	const most = 5
	var b strings.Builder
	for i, s := range texts {
		if i == most || b.Len() > maxShown {
			fmt.Fprintf(&b, " and %d more", len(texts)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(show(s))
	}
	return b.String()
}

// showValue is show for any JSON value: a text quoted, else JSON.
func showValue(v any) string {
	if s, ok := v.(string); ok {
		return show(s)
	}
	if v == nil {
		return "null"
	}
	text := textOf(v)
	if len(text) > maxShown || !utf8.ValidString(text) {
		return show(text)
	}
	return text
}

// showBoth shows two texts that differ. When both begin alike for long, it shows
// them from shortly before the first difference.
func showBoth(found, expected string) string {
	const lead = 30
	same := 0
	for same < len(found) && same < len(expected) && found[same] == expected[same] {
		same++
	}
	for same > 0 && !(startsRune(found, same) && startsRune(expected, same)) {
		same--
	}
	if same <= maxShown/2 {
		return fmt.Sprintf("found %s, expected %s", show(found), show(expected))
	}
	from := same - lead
	for from > 0 && !startsRune(found, from) {
		from--
	}
	return fmt.Sprintf("differs from character %d on: found …%s, expected …%s",
		utf8.RuneCountInString(found[:same])+1, show(found[from:]), show(expected[from:]))
}

func startsRune(s string, i int) bool { return i >= len(s) || utf8.RuneStart(s[i]) }

// textOf is a value as text, as harness.Output.Text gives it.
func textOf(v any) string { return harness.Output{Value: v}.Text() }

// showNumber is a float as people write it.
func showNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
