package evaluator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFindJSON(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"prose", `it is "a" or 5`, nil},
		{"an object", ` {"a": [1, {"b": null}]} `, []string{`{"a": [1, {"b": null}]}`}},
		{"an empty array", "[]", []string{"[]"}},
		{"two", `{"a":1}{"b":2}`, []string{`{"a":1}`, `{"b":2}`}},
		{"a fenced block", "so:\n```json\n{\"a\": -1.5e+3}\n```\n", []string{`{"a": -1.5e+3}`}},
		{"brackets in prose", "see [1] and {x}", []string{"[1]"}},
		{"brackets in a string", `{"a": "}]\"\\"}`, []string{`{"a": "}]\"\\"}`}},
		{"escapes", `["\u00e9\n\/"]`, []string{`["\u00e9\n\/"]`}},
		{"a bad escape", `["\x"]`, nil},
		{"a short escape", `["\u00"]`, nil},
		{"a line break in a string", "[\"a\nb\"]", nil},
		{"not closed", `{"a": 1`, nil},
		{"whole within not closed", `{"a": {"b": 1}, "c": [2]`, []string{`{"b": 1}`, `[2]`}},
		{"whole within broken", `[[1], [2], oops, [3]]`, []string{"[1]", "[2]", "[3]"}},
		{"deeper whole within broken", `[[[1], x], [2]]`, []string{"[1]", "[2]"}},
		{"a broken string hides nothing", `{"note: [1, 2]}`, []string{"[1, 2]"}},
		{"trailing comma", `[1,]`, nil},
		{"trailing comma in an object", `{"a":1,}`, nil},
		{"a missing colon", `{"a" 1}`, nil},
		{"a key that is no string", `{a: 1}`, nil},
		{"leading zero", "[01]", nil},
		{"minus alone", "[-]", nil},
		{"no decimals", "[1.]", nil},
		{"no exponent", "[1e]", nil},
		{"words", "[true, false, null]", []string{"[true, false, null]"}},
		{"another word", "[nul]", nil},
		{"a start where it failed", `{[1]}`, []string{"[1]"}},
		{"closed by the other bracket", `[1}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, slices.Collect(findJSON(tt.text)))
		})
	}
}

// Hostile texts take a time that grows with their length only.
func TestFindJSONInHugeTexts(t *testing.T) {
	const n = 1 << 18
	for _, part := range []string{"[", "{", `{"`, `{"a":`, `["`, `[[1],`, `{"a":"`, `["\`, `"[`, "[]", "[1", `\"[`, "[0."} {
		text := strings.Repeat(part, n)
		last := "[]"
		for found := range findJSON(text) {
			last = found
		}
		require.True(t, json.Valid([]byte(last)))
	}
}

func FuzzFindJSON(f *testing.F) {
	for _, s := range []string{"", `{"a": [1, "x\u00e9"]}`, `[[1], oops`, `{"a: [1]}`, "[1e5, -0.5]", `{"a":{"b":[]}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from := 0
		for found := range findJSON(s) {
			require.True(t, json.Valid([]byte(found)), "%q is JSON", found)
			require.True(t, strings.HasPrefix(found, "{") || strings.HasPrefix(found, "["))
			at := strings.Index(s[from:], found)
			require.GreaterOrEqual(t, at, 0, "in order and apart")
			from += at + len(found)
		}
		whole := strings.Trim(s, " \t\r\n")
		if json.Valid([]byte(whole)) && (strings.HasPrefix(whole, "{") || strings.HasPrefix(whole, "[")) {
			require.Equal(t, []string{whole}, slices.Collect(findJSON(s)), "a text that is JSON is found whole")
			require.Contains(t, slices.Collect(findJSON("so: "+s+" it is")), whole)
		}
	})
}
