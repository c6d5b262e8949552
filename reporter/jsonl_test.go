package reporter

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// TestJSONLHostile checks that every string comes back, byte for byte.
func TestJSONLHostile(t *testing.T) {
	schema := compile(t, "jsonl")
	forHostile(t, JSONL{}, func(t *testing.T, s, out string) {
		checkHidden(t, out)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		require.Len(t, lines, 4)
		for _, line := range lines {
			validate(t, schema, line)
		}
		first := decodeTrial(t, lines[0])
		for _, at := range []string{
			"/run_id", "/suite", "/app", "/case/id", "/case/input", "/case/expected", "/case/extra", "/case/cluster", "/output/value",
			"/output/chunks/0/text", "/output/tool_calls/0/name", "/output/tool_calls/0/result", "/scores/0/name", "/scores/0/reason",
		} {
			checkText(t, s, first, at)
		}
		assert.Equal(t, map[string]any{s: s, "list": []any{s}}, first["/case/metadata"])
		assert.Equal(t, map[string]any{s: s}, first["/output/tool_calls/0/args"])
		assert.Equal(t, map[string]any{s: []any{s, 1.5, nil, true}}, decodeTrial(t, lines[1])["/output/value"])
		checkText(t, s, decodeTrial(t, lines[2]), "/error/message")
		last := decodeTrial(t, lines[3])
		for _, at := range []string{"/scores/1/error/message", "/scores/1/error/kind", "/scores/1/error/stack"} {
			checkText(t, s, last, at)
		}
	})
}

// checkText expects s at a pointer. An empty text may be left out.
func checkText(t *testing.T, s string, values map[string]any, at string) {
	t.Helper()
	got, ok := values[at]
	if s == "" && !ok {
		return
	}
	assert.Equal(t, s, got, at)
}

// decodeTrial reads a line back: all its values by JSON pointer, with base64
// undone.
func decodeTrial(t *testing.T, line string) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &doc))
	flagged := func(name string) map[string]bool {
		out := map[string]bool{}
		list, _ := doc[name].([]any)
		for _, p := range list {
			out[p.(string)] = true
		}
		return out
	}
	inBase64, keysInBase64 := flagged("base64"), flagged("base64_keys")
	decoded := func(s string) string {
		data, err := base64.StdEncoding.DecodeString(s)
		require.NoError(t, err)
		return string(data)
	}
	out := map[string]any{}
	var walk func(at string, v any) any
	walk = func(at string, v any) any {
		switch x := v.(type) {
		case string:
			if inBase64[at] {
				v = decoded(x)
			}
		case []any:
			for i, e := range x {
				x[i] = walk(fmt.Sprintf("%s/%d", at, i), e)
			}
		case map[string]any:
			object := map[string]any{}
			for k, e := range x {
				below := at + "/" + pointerToken(k)
				if keysInBase64[below] {
					k = decoded(k)
				}
				object[k] = walk(below, e)
			}
			v = object
		}
		out[at] = v
		return v
	}
	walk("", doc)
	return out
}

// TestJSONLLine checks that one result has the same line alone and in a report.
func TestJSONLLine(t *testing.T) {
	d := fixture()
	var lines strings.Builder
	for _, r := range fixtureResults() {
		line, err := JSONL{}.Line(&harness.Report{RunID: d.Report.RunID, Suite: d.Report.Suite, App: d.Report.App}, r)
		require.NoError(t, err)
		lines.Write(line)
	}
	assert.Equal(t, write(t, JSONL{}, d), lines.String())
	_, err := JSONL{}.Line(nil, harness.Result{})
	assert.ErrorIs(t, err, errNoReport)
}

// TestJSONLValues checks Go values that JSON has no word for.
func TestJSONLValues(t *testing.T) {
	type order struct {
		N    int
		Text string
	}
	r := harness.Result{Trial: 1, Case: harness.Case{ID: "x", Input: map[string]any{
		"n": math.NaN(), "order": order{3, "a"}, "big": int64(1) << 60, "bytes": []byte{255}, "f": complex(1, 2), "num": json.Number("1.10"),
	}}}
	out := write(t, JSONL{}, Data{Report: &harness.Report{}, Results: each([]harness.Result{r})})
	assert.Contains(t, out, `"input":{"big":1152921504606846976,"bytes":"/w==","f":"(1+2i)","n":"NaN","num":1.10,"order":{"N":3,"Text":"a"}}`)
}
