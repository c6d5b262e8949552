package reporter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two three four", 9, []string{"one two", "three", "four"}},
		{"get http://127.0.0.1:8080/answer now", 30, []string{"get", "http://127.0.0.1:8080/answer", "now"}},
		{"get http://127.0.0.1:8080/answer/that/is/long", 20, []string{"get http://127.0.0.1", ":8080/answer/that/is", "/long"}},
		{`abcdefgh\x1b[31mx`, 10, []string{"abcdefgh", `\x1b[31mx`}},
		{`abcdefgh\u202ex`, 13, []string{"abcdefgh", `\u202ex`}},
		{`\U000e0041\U000e0042`, 15, []string{`\U000e0041`, `\U000e0042`}},
		{`C:\xenon\users`, 5, []string{`C:\xe`, `non\u`, "sers"}}, // no escapes
		{"日本語日本語", 5, []string{"日本", "語日", "本語"}},
		{"    a", 3, []string{"", "a"}},
	} {
		assert.Equal(t, tt.want, wrap(tt.text, tt.width, 9), tt.text)
	}
	assert.Equal(t, []string{"one two", "three fo…"}, wrap("one two three four", 9, 2))
	assert.Equal(t, `ab…`, cut(`ab\x1bcd`, 6), "an escape is shown whole or not at all")
	assert.Equal(t, `\x1…`, cut(`\x1bcd`, 4), "but for one that is too wide by itself")
}

const traceback = `Traceback (most recent call last):
  File "/srv/bot/answer.py", line 118, in <module>
    model = load(os.environ["MODEL_PATH"], device="cpu", quantised=True)

  File "/srv/bot/model.py", line 31, in load
    raise RuntimeError("model missing")
RuntimeError: model missing
`

func TestMessage(t *testing.T) {
	assert.Equal(t, `a ⏎ b\tc ⏎ \x1b[0m`, message("a\r\n  b\tc\n\n \x1b[0m\n"))
	assert.Equal(t, " a ", message(" a "))
	long := message("start " + strings.Repeat("x ", 100_000) + "the end")
	assert.Less(t, len(long), maxMessage+20)
	assert.True(t, strings.HasPrefix(long, "start x") && strings.HasSuffix(long, "x the end"), long)
	assert.Equal(t, "日…"[:3]+" … 本", ends("日日日本本本", 7), "characters stay whole")
}

func TestMiddle(t *testing.T) {
	assert.Equal(t, "Traceback (most recent call … RuntimeError: model missing", middle(message(traceback), 60))
	assert.Equal(t, "short", middle("short", 5))
	assert.Equal(t, `aaaa … aaaa`, middle(`aaaa\x1b[31m\x1baaaa`, 13))
	for width := range 200 {
		for _, s := range []string{message(traceback), strings.Repeat("日", 90), strings.Repeat(`\u202e`, 40), strings.Repeat("a ", 99) + "b"} {
			assert.LessOrEqual(t, columns(middle(s, width)), max(width, 1))
			for lines := 1; lines < 4 && width > 10; lines++ {
				wrapped := wrapEnds(s, width, lines)
				assert.LessOrEqual(t, len(wrapped), lines)
				for _, line := range wrapped {
					assert.LessOrEqual(t, columns(line), width)
				}
				if width > 50 {
					assert.Equal(t, s[len(s)-1], wrapped[len(wrapped)-1][len(wrapped[len(wrapped)-1])-1], "the end is there")
				}
			}
		}
	}
}
