package reporter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal makes untrusted text safe for one line of a terminal or a CI log.
// Whatever could move the cursor, change colours, reorder the text or hide in
// it becomes a visible escape: control characters (\n, \t, \x1b, \u009b),
// bidirectional and zero-width ones (\u202e, \u200b), bytes that are not UTF-8
// (\xff), and marks that pile up on one letter beyond the fourth. So does the
// first character of what a CI service would take for a command: "::" at the
// start, "##[", "##vso[" and the like anywhere.
func Terminal(s string) string {
	return escape(s, false)
}

// TerminalBlock is Terminal for text of several lines: line ends stay, a tab
// becomes four spaces, and each line is made safe by itself.
func TerminalBlock(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return escape(strings.ReplaceAll(s, "\t", "    "), true)
}

// maxMarks is how many combining marks one letter may carry. Living languages
// need three.
const maxMarks = 4

func escape(s string, lines bool) string {
	var b strings.Builder
	b.Grow(len(s))
	blank := true // so far only spaces in this line
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\n' && lines:
			b.WriteByte('\n')
			blank = true
			i++
			continue
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r) || marks > maxMarks || r == ':' && blank && strings.HasPrefix(s[i:], "::") || r == '#' && ciCommand(s[i:]):
			b.WriteString(visible(r))
		default:
			b.WriteRune(r)
		}
		blank = blank && unicode.IsSpace(r) && !hidden(r)
		i += size
	}
	return b.String()
}

// hidden tells whether a rune acts on a terminal or can't be seen there: it is
// a control (Cc), a format character (Cf) other than the visible signs of Arabic
// numbers, a line or paragraph separator, a default-ignorable (DerivedCoreProperties
// of the Unicode Character Database) or no character at all. The two selectors
// that choose between the text and the picture of an emoji stay.
func hidden(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r < 0x300:
		return r == 0xad // soft hyphen
	case r == 0xfe0e, r == 0xfe0f:
		return false
	case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // noncharacters
		return true
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	}
	return r == 0x034f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// ciCommand tells whether s starts with "##", letters and "[", which Azure
// Pipelines, GitHub Actions and TeamCity obey anywhere in a line.
func ciCommand(s string) bool {
	rest, ok := strings.CutPrefix(s, "##")
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return strings.HasPrefix(rest, "[")
}

// visible writes a rune as an escape of Go and most other languages.
func visible(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// validUTF8 writes bytes that are not UTF-8 as visible escapes.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return replaceRunes(s, func(rune) bool { return false })
}

// replaceRunes makes the runes that bad picks visible, and bytes that are not
// UTF-8.
func replaceRunes(s string, bad func(rune) bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case bad(r):
			b.WriteString(visible(r))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}
