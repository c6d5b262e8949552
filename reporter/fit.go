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

// split gives as much of s as fits into width columns, and the rest. An escape
// such as \x1b is not torn apart, unless it alone is wider than that.
func split(s string, width int) (head, rest string) {
	used := 0
	for i := 0; i < len(s); {
		n, w := piece(s[i:])
		if used += w; used > width {
			if i == 0 && n == w { // ASCII
				i = max(width, 0)
			}
			return s[:i], s[i:]
		}
		i += n
	}
	return s, ""
}

// piece is the start of s that stays together: an escape that visible wrote, or
// a rune. It has n bytes and w columns.
func piece(s string) (n, w int) {
	if n := escapeLen(s); n > 0 {
		return n, n
	}
	r, n := utf8.DecodeRuneInString(s)
	return n, text.RuneWidth(r)
}

// escapeLen is the length of the escape that s begins with, 0 for none.
func escapeLen(s string) int {
	if len(s) < 2 || s[0] != '\\' {
		return 0
	}
	n := 0
	switch s[1] {
	case 'n', 'r', 't':
		return 2
	case 'x':
		n = 4
	case 'u':
		n = 6
	case 'U':
		n = 10
	}
	if n > len(s) || n > 0 && strings.Trim(s[2:n], "0123456789abcdef") != "" {
		return 0
	}
	return n
}

// safe is untrusted text for one line of a terminal, cut to width columns. It
// looks at no more bytes than could be shown.
func safe(s string, width int) string {
	return cut(Terminal(clip(s, 16*width+64)), width)
}

// wrap breaks s, which is safe, into at most lines lines of width columns, and
// cuts the last one. It breaks at spaces; within a word only when that is wider
// than a line.
func wrap(s string, width, lines int) []string {
	var out []string
	for s = strings.TrimRight(s, " "); len(out) < lines-1 && columns(s) > width; {
		head, rest := split(s, width)
		if head == "" { // a rune wider than the line
			break
		}
		if i := lastSpace(head, rest, width); i > 0 {
			head, rest = s[:i], s[i:]
		}
		out = append(out, strings.TrimRight(head, " "))
		s = strings.TrimLeft(rest, " ")
	}
	return append(out, cut(s, width))
}

// lastSpace is where a line breaks between two words, 0 when it had better not.
func lastSpace(head, rest string, width int) int {
	i := strings.LastIndexByte(head, ' ')
	if i < 0 || strings.HasPrefix(rest, " ") || strings.Trim(head[:i], " ") == "" {
		return 0
	}
	end, _, _ := strings.Cut(rest, " ")
	if i <= width/2 && columns(head[i+1:])+columns(end) > width {
		return 0 // the word has to be broken anyway: it may as well fill this line
	}
	return i
}

// wrapEnds is wrap for errors, whose end often says the most: what there is no
// room for is left out in the middle.
func wrapEnds(s string, width, lines int) []string {
	for room := width * lines; ; room -= width/8 + 1 {
		out := wrap(middle(s, room), width, lines+1)
		if len(out) <= lines || room < width {
			return out
		}
	}
}

// middle makes s, which is safe, fit into width columns: its start and its end
// stay.
func middle(s string, width int) string {
	total := columns(s)
	if total <= width {
		return s
	}
	const gap = " " + ellipsis + " "
	half := (width - columns(gap)) / 2
	if half < 4 {
		return cut(s, width)
	}
	head, tail := split(s, half)
	for used := columns(head); total-used > half; {
		n, w := piece(tail)
		tail, used = tail[n:], used+w
	}
	if i := strings.LastIndexByte(head, ' '); i > len(head)*2/3 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, ' '); i >= 0 && i < len(tail)/3 {
		tail = tail[i+1:]
	}
	return strings.TrimRight(head, " ") + gap + strings.TrimLeft(tail, " ")
}

// ends cuts s to about n bytes, between characters: its start and its end stay.
func ends(s string, n int) string {
	if len(s) <= n {
		return s
	}
	from := len(s) - n/2
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return clip(s, n/2) + " " + ellipsis + " " + s[from:]
}

// message makes an error or another sentence of untrusted text safe for one
// line. Between its lines stands a ⏎; how they are indented does not matter.
func message(s string) string {
	s = ends(s, maxMessage)
	if strings.Contains(s, "\n") {
		var lines []string
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		s = strings.Join(lines, " ⏎ ")
	}
	return Terminal(s)
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
	from = pieceAt(a, from)
	if i := strings.IndexByte(a[from:common], ' '); i >= 0 {
		from += i + 1
	}
	return ellipsis + a[from:], ellipsis + b[from:]
}

// pieceAt is where the first piece of s begins that is not before from.
func pieceAt(s string, from int) int {
	i := 0
	for i < from {
		n, _ := piece(s[i:])
		i += n
	}
	return i
}
