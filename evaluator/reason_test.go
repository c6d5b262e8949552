package evaluator

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestShow(t *testing.T) {
	assert.Equal(t, `""`, show(""))
	assert.Equal(t, `"a\n\x1b[31m"`, show("a\n\x1b[31m"))
	assert.Equal(t, `"`+strings.Repeat("é", 150)+`"… (1000 characters)`, show(strings.Repeat("é", 1000)))
	for _, s := range []string{strings.Repeat("\x80", 5000), strings.Repeat("\U0010ffff", 5000), strings.Repeat("\x00", 5000)} {
		assert.Less(t, len(show(s)), 400)
		assert.True(t, utf8.ValidString(show(s)))
	}
	assert.Equal(t, `"a", "b", "c", "d", "e" and 2 more`, showAll(strings.Split("abcdefg", "")))
	assert.Equal(t, "null", showValue(nil))
	assert.Equal(t, `{"a":"<"}`, showValue(map[string]any{"a": "<"}))
	assert.Equal(t, `…"`+strings.Repeat("b", maxShown)+`"`, showEnd(strings.Repeat("b", 1000)))
}

func TestShowBoth(t *testing.T) {
	assert.Equal(t, `found "a", expected "b"`, showBoth("a", "b"))
	same := strings.Repeat("é", 500)
	assert.Equal(t, `differs from character 501 on: found …"`+strings.Repeat("é", 15)+`x", expected …"`+strings.Repeat("é", 15)+`"`,
		showBoth(same+"x", same))
	assert.Contains(t, showBoth(same+"é", same+"è"), "differs from character 501 on", "within a character")
}

func TestShorten(t *testing.T) {
	assert.Equal(t, "a", shorten("a"))
	short := shorten(strings.Repeat("é", 5000))
	assert.LessOrEqual(t, len(short), maxReason)
	assert.True(t, strings.HasSuffix(short, "é …"))
	assert.True(t, utf8.ValidString(short))
}
