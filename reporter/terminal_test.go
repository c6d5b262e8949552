package reporter

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// checkTerminal fails on whatever would act on a terminal or a CI log.
func checkTerminal(t *testing.T, out string) {
	t.Helper()
	assert.True(t, utf8.ValidString(out))
	for _, r := range out {
		if r != '\n' && hidden(r) || unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) || strings.ContainsRune("\u200b\u200c\u200d\u2060\ufeff", r) {
			t.Errorf("%U in the output", r)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "::") || strings.Contains(line, "##[") || strings.Contains(strings.ToLower(line), "##vso[") {
			t.Errorf("a command for CI: %q", line)
		}
	}
}

func TestTableHostile(t *testing.T) {
	forHostile(t, Table{}, func(t *testing.T, _, out string) {
		checkTerminal(t, out)
		for _, line := range strings.Split(out, "\n") {
			assert.LessOrEqual(t, columns(line), 100)
		}
	})
	forHostile(t, Table{Color: true, Width: 60}, func(t *testing.T, _, out string) {
		for _, code := range []string{"0", "1", "2", "31", "32", "33", "1;31", "1;32", "1;33"} {
			out = strings.ReplaceAll(out, "\x1b["+code+"m", "")
		}
		checkTerminal(t, out)
	})
}

func TestTerminal(t *testing.T) {
	for s, want := range map[string]string{
		"":                           "",
		"plain – ünïcode 日本 🎉":       "plain – ünïcode 日本 🎉",
		"a\nb\tc\rd":                 `a\nb\tc\rd`,
		"\x1b[31m":                   `\x1b[31m`,
		"\u009b":                     `\u009b`,
		"\x9b":                       `\x9b`,
		"a\u202eb":                   `a\u202eb`,
		"a\u200bb":                   `a\u200bb`,
		"a\u2028b":                   `a\u2028b`,
		"\U000e0041":                 `\U000e0041`,
		"\ufffe":                     `\ufffe`,
		"\xed\xa0\x80":               `\xed\xa0\x80`,
		"❤\ufe0f":                    "❤\ufe0f",
		"\u0600":                     "\u0600", // a visible sign before a number
		"::error::x":                 `\x3a:error::x`,
		"  ::x":                      `  \x3a:x`,
		"a::b":                       "a::b",
		"##[x]":                      `\x23#[x]`,
		"a ##vso[x]":                 `a \x23#vso[x]`,
		"###[x]":                     `#\x23#[x]`,
		"## x [y]":                   "## x [y]",
		"e\u0301":                    "e\u0301",
		"e" + strings.Repeat("́", 5): "e" + strings.Repeat("́", 4) + `\u0301`,
	} {
		assert.Equal(t, want, Terminal(s), "%q", s)
	}
	assert.Equal(t, "a\n    b\n\\x3a:c\n\\x1bd\n", TerminalBlock("a\r\n\tb\n::c\n\x1bd\n"))
}

func TestDifference(t *testing.T) {
	same := strings.Repeat("the same words ", 20)
	a, b := difference(same+"and then this", same+"and then that", 100)
	assert.Equal(t, "…same words and then this", a)
	assert.Equal(t, "…same words and then that", b)
	for _, pair := range [][2]string{{"short", "shore"}, {same, same}, {"x" + same, "y" + same}, {"", same}} {
		a, b := difference(pair[0], pair[1], 100)
		assert.Equal(t, pair, [2]string{a, b})
	}
	a, b = difference(same, same+"more", 100)
	assert.Equal(t, "…words the same words ", a)
	assert.Equal(t, "…words the same words more", b)
}

// tornEscape is the first part of an escape at the end of a line or of what is
// left of it.
var tornEscape = regexp.MustCompile(`\\(x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?( ?…|$)`)

func FuzzTerminal(f *testing.F) {
	for _, s := range []string{"", "a\x1b[31mb", "\xff\u202e", "::x", " ##[y]", "e\u0301\u0301\u0301\u0301\u0301\u0301"} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		got := Terminal(s)
		checkTerminal(t, got)
		assert.NotContains(t, got, "\n")
		assert.Equal(t, got, Terminal(got), "safe text stays as it is")
		checkTerminal(t, TerminalBlock(s))
		assert.LessOrEqual(t, columns(safe(s, 20)), 20)
		checkTerminal(t, message(s))
		assert.NotContains(t, message(s), "\n")
		assert.LessOrEqual(t, columns(middle(message(s), 20)), 20)
		for _, lines := range [][]string{wrap(got, 20, 3), wrapEnds(message(s), 20, 3)} {
			assert.LessOrEqual(t, len(lines), 3)
			for _, line := range lines {
				assert.LessOrEqual(t, columns(line), 20)
				if !strings.Contains(s, `\`) {
					assert.NotRegexp(t, tornEscape, line)
				}
			}
		}
		a, b := difference(got, Terminal(other), 20)
		checkTerminal(t, a)
		checkTerminal(t, b)
	})
}

// TestContinuedLines checks that text which is wrapped never begins a line: there
// a CI service would take it for a command.
func TestContinuedLines(t *testing.T) {
	for words := 1; words < 60; words++ {
		d := hostileData(strings.Repeat("four ", words) + "::error::all is lost")
		checkTerminal(t, write(t, Table{Width: 80}, d))
		checkTerminal(t, write(t, Markdown{}, d))
	}
}
