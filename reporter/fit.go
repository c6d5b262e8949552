package reporter

import (
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

const ellipsis = "…"

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// columns is how wide s is on a terminal. Where East Asian characters are
// ambiguous go-pretty follows the locale.
func columns(s string) int { return text.StringWidthWithoutEscSequences(s) }

// cut makes s fit into width columns and says so with an ellipsis.
func cut(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	head, _ := split(s, width-columns(ellipsis))
	return strings.TrimRight(head, " ") + ellipsis
}

// split gives as many runes of s as fit into width columns, and the rest.
func split(s string, width int) (head, rest string) {
	used := 0
	for i, r := range s {
		used += text.RuneWidth(r)
		if used > width {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// safe is untrusted text for one line of a terminal, cut to width columns. It
// looks at no more bytes than could be shown.
func safe(s string, width int) string {
	return cut(Terminal(clip(s, 16*width+64)), width)
}

// wrap breaks s, which is safe, into at most lines lines of width columns, at
// spaces where it can, and cuts the last one.
func wrap(s string, width, lines int) []string {
	var out []string
	for s = strings.TrimRight(s, " "); len(out) < lines-1 && columns(s) > width; {
		head, rest := split(s, width)
		if head == "" { // a rune wider than the line
			break
		}
		if i := strings.LastIndexByte(head, ' '); i > width/2 && !strings.HasPrefix(rest, " ") {
			head, rest = s[:i], s[i:]
		}
		out = append(out, strings.TrimRight(head, " "))
		s = strings.TrimLeft(rest, " ")
	}
	return append(out, cut(s, width))
}

// difference cuts what two long texts have in common at their start, so that
// the place where they part is among the first room columns of both.
func difference(a, b string, room int) (string, string) {
	if columns(a) <= room && columns(b) <= room {
		return a, b
	}
	common := 0
	for i, r := range a {
		if !strings.HasPrefix(b[i:], string(r)) {
			break
		}
		common = i + utf8.RuneLen(r)
	}
	if common == len(a) && common == len(b) || columns(a[:common]) < room*2/3 {
		return a, b
	}
	from := common - min(common, room/4) // some words before it, to find the place
	for !utf8.RuneStart(a[from]) {
		from--
	}
	if i := strings.IndexByte(a[from:common], ' '); i >= 0 {
		from += i + 1
	}
	return ellipsis + a[from:], ellipsis + b[from:]
}
