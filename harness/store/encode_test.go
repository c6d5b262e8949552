package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/shared"
)

// encodeValue and decodeValue take a value there and back.
func encodeValue(t require.TestingT, v any) []byte {
	var e encoder
	e.value(v, 0)
	require.NoError(t, e.err)
	return e.buf
}

func decodeValue(t require.TestingT, data []byte) any {
	d := decoder{data: data}
	v := d.value(0)
	require.NoError(t, d.end())
	return v
}

func TestValueRoundTrip(t *testing.T) {
	type named struct {
		A int    `json:"a"`
		B string `json:"b"`
	}
	for _, test := range []struct {
		name string
		in   any
		want any // nil: the same
		json string
	}{
		{name: "null", in: nil, json: "null"},
		{name: "empty string", in: "", json: `""`},
		{name: "quotes and lines", in: "a \"b\"\\\r\n\t\x01\x7f", json: `"a \"b\"\\\r\n\t\u0001` + "\x7f\""},
		{name: "markup stays readable", in: "<a&b>\u2028", json: "\"<a&b>\u2028\""},
		{name: "emoji", in: "👍🏽é", json: `"👍🏽é"`},
		{name: "invalid UTF-8", in: "a\xff\"", json: `"\u0000bYf8i"`},
		{name: "lone surrogate", in: "\xed\xa0\x80"},
		{name: "begins with NUL", in: "\x00babc", json: `"\u0000bAGJhYmM="`},
		{name: "NUL within", in: "a\x00b", json: `"a\u0000b"`},
		{name: "only NUL", in: "\x00"},
		{name: "invalid after an escape", in: "\n\xff\n"},
		{name: "numbers", in: []any{0.0, -1.0, 1.5, 1e300, 1e-300, 0.1, 9007199254740993.0, -0.25, math.MaxFloat64}},
		{name: "int", in: 7, want: 7.0, json: "7"},
		{name: "int64 beyond float64", in: int64(9007199254740993), want: json.Number("9007199254740993")},
		{name: "uint64", in: uint64(math.MaxUint64), want: json.Number("18446744073709551615")},
		{name: "json.Number", in: json.Number("-12345678901234567890"), want: json.Number("-12345678901234567890")},
		{name: "json.Number of any size", in: json.Number("1e400"), want: json.Number("1e400")},
		{name: "infinities", in: []any{math.Inf(1), math.Inf(-1)}, json: `["\u0000f+Inf","\u0000f-Inf"]`},
		{name: "nested", in: map[string]any{"b": []any{}, "a": map[string]any{}, "\xfe": "\xff", "": true, "\x00f": false}},
		{name: "object keys are sorted", in: map[string]any{"b": 1.0, "a": nil}, json: `{"a":null,"b":1}`},
		{name: "struct", in: named{1, "x"}, want: map[string]any{"a": 1.0, "b": "x"}},
		{name: "strings", in: []string{"a", "\x00f"}, want: []any{"a", "\x00f"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := encodeValue(t, test.in)
			assert.True(t, json.Valid(data), "%s", data)
			if test.json != "" {
				assert.Equal(t, test.json, string(data))
			}
			want := test.want
			if want == nil {
				want = test.in
			}
			assert.Equal(t, want, decodeValue(t, data))
		})
	}
	nan := decodeValue(t, encodeValue(t, []any{math.NaN()})).([]any)[0].(float64)
	assert.True(t, math.IsNaN(nan))
	negative := decodeValue(t, encodeValue(t, math.Copysign(0, -1))).(float64)
	assert.True(t, math.Signbit(negative))
}

func TestValueThatCanNotBeKept(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	for name, v := range map[string]any{"channel": make(chan int), "function within": []any{func() {}}, "cycle": cycle} {
		var e encoder
		e.value(v, 0)
		assert.Error(t, e.err, name)
		e.reset()
		e.value(map[string]any{"a": "b"}, 0)
		require.NoError(t, e.err, "the encoder can be used again")
		assert.Equal(t, `{"a":"b"}`, string(e.buf))
	}
}

// anyValue draws what JSON may decode to, with strings of any bytes.
func anyValue() *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	leaf := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64().AsAny(), text.AsAny())
	return rapid.OneOf(leaf,
		rapid.SliceOfN(leaf, 0, 4).AsAny(),
		rapid.MapOfN(text, rapid.OneOf(leaf, rapid.MapOfN(text, leaf, 0, 3).AsAny()), 0, 4).AsAny())
}

func TestValueRoundTripOfAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue().Draw(t, "value")
		data := encodeValue(t, v)
		if !json.Valid(data) {
			t.Fatalf("not JSON: %s", data)
		}
		again := decodeValue(t, data)
		assert.Equal(t, string(data), string(encodeValue(t, again)), "the same bytes each time")
		if f, ok := v.(float64); !ok || !math.IsNaN(f) {
			assert.Equal(t, v, again)
		}
	})
}

// FuzzDecode feeds the decoders with damaged rows: an error is fine, a panic is
// not, and what they accept is stable.
func FuzzDecode(f *testing.F) {
	var e encoder
	c := testPage(1, 1)[0]
	result := testResult(c, 1)
	require.NoError(f, e.testCase(c))
	require.NoError(f, e.answer(result))
	require.NoError(f, e.scores(result))
	f.Add(e.buf)
	for _, seed := range []string{"", "{", "[", `"\u`, `"\ud800\u"`, `{"a":}`, `[1,]`, `{"output":{"usage":[1]}}`, "-", "1e999", `"\u0000fx"`, `"\u0000b*"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c harness.Case
		_ = decodeCase(data, &c)
		var r harness.Result
		_ = decodeAnswer(data, &r)
		_ = decodeScores(data, &r)
		d := decoder{data: data}
		v := d.value(0)
		if d.end() != nil {
			return
		}
		first := encodeValue(t, v)
		if second := encodeValue(t, decodeValue(t, first)); !bytes.Equal(first, second) {
			t.Fatalf("%q became %q", first, second)
		}
	})
}

func TestDecodeDeep(t *testing.T) {
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	assert.Equal(t, deep, string(encodeValue(t, decodeValue(t, []byte(deep)))))
	d := decoder{data: []byte(strings.Repeat("[", 10_000_000))}
	d.value(0)
	assert.ErrorIs(t, d.err, errTooDeep)
}

// corpus gives the files of the corpora that match.
func corpus(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range shared.Files(t, "corpora/"+pattern) {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		files[filepath.Base(name)] = data
	}
	return files
}

// TestHostileText takes hostile texts through the database, each as everything
// that a text can be in a result.
func TestHostileText(t *testing.T) {
	texts := map[string]string{"empty": "", "NUL": "\x00", "a megabyte": strings.Repeat("0123456789abcdef", 1<<16)}
	var naughty []string
	require.NoError(t, json.Unmarshal(corpus(t, "blns.json")["blns.json"], &naughty))
	for _, s := range naughty {
		texts["naughty "+s] = s
	}
	for name, data := range corpus(t, "utf8tests.bin") {
		texts[name] = string(data)
		for i, line := range bytes.SplitAfter(data, []byte("\n")) {
			texts[name+" "+string(rune('0'+i%10))+string(line)] = string(line)
		}
	}
	for name, data := range corpus(t, "jsontestsuite/*.json") {
		texts[name] = string(data)
	}
	s, ctx := openStore(t), t.Context()
	run, err := s.Create(ctx, Spec{})
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	var want []harness.Result
	for _, text := range texts {
		want = append(want, hostileResult(int64(len(want)), text))
	}
	for i := 0; i < len(want); i += 100 {
		batch := want[i:min(i+100, len(want))]
		var page []harness.Case
		for _, r := range batch {
			page = append(page, r.Case)
		}
		_, err := run.Plan(ctx, page)
		require.NoError(t, err)
		require.NoError(t, run.Write(ctx, batch))
	}
	n := 0
	for got, err := range s.Results(ctx, run.ID(), Query{}) {
		require.NoError(t, err)
		if !assert.ObjectsAreEqual(want[n], got) {
			require.Equal(t, want[n], got)
		}
		n++
	}
	require.Len(t, want, n)
	require.Greater(t, n, 800)
}

func hostileResult(seq int64, text string) harness.Result {
	c := harness.Case{
		ID: text + "#" + string(rune('a'+seq%26)) + time.Duration(seq).String(), Seq: seq, Origin: text, Input: text,
		Expected: []any{text}, History: []any{map[string]any{"role": "user", "content": text}},
		Metadata: map[string]any{"k" + text: text}, Cluster: text,
	}
	return harness.Result{
		Case: c, Trial: 1, Attempts: 1,
		Output: &harness.Output{
			Value: text, Chunks: []harness.Chunk{{Text: text}},
			ToolCalls: []harness.ToolCall{{Name: text, Args: map[string]any{text: text}, Result: text}},
			Metadata:  map[string]any{"m": map[string]any{text: []any{text}}},
		},
		Scores: []harness.Score{
			{Name: text, Value: 0.5, Reason: text},
			{Name: "e", Error: &harness.Error{Kind: harness.KindEvaluator, Message: text, Stack: text}, Metadata: map[string]any{"raw": text}},
		},
	}
}

func TestErrorsOfRows(t *testing.T) {
	var e encoder
	err := e.answer(harness.Result{Case: harness.Case{ID: "a"}, Trial: 2, Output: &harness.Output{Value: make(chan int)}})
	assert.ErrorContains(t, err, `output of case "a", trial 2 can't be kept as JSON: json: unsupported type: chan int`)
	var unsupported *json.UnsupportedTypeError
	assert.True(t, errors.As(err, &unsupported))
}
