package jsonx_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeKeepsNumbers(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{"1", 1.0},
		{"-0", 0.0},
		{"1.50", 1.5},
		{"9007199254740992", 9007199254740992.0},
		{"9007199254740993", json.Number("9007199254740993")},
		{"1152921504606846976", json.Number("1152921504606846976")}, // exact, but written with other digits
		{"3.14159265358979312", 3.14159265358979312},
		{"123456789012345678901234567890", json.Number("123456789012345678901234567890")},
		{`{"a":[12345678901234567890,"x"]}`, map[string]any{"a": []any{json.Number("12345678901234567890"), "x"}}},
		{`"1234567890123456789"`, "1234567890123456789"},
		{`"\ud800x"`, "\uFFFDx"},
		{"null", nil},
	}
	for _, tt := range tests {
		got, err := jsonx.Decode([]byte(tt.in))
		require.NoError(t, err, tt.in)
		assert.Equal(t, tt.want, got, tt.in)
	}
	for _, bad := range []string{"", "{", `{"a":1} {"b":2}`, "1234567890123456789 x", "1e999", "NaN", "01234567890123456789"} {
		_, err := jsonx.Decode([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func TestExprValue(t *testing.T) {
	const doc = `{"answer":"6*7\n#### 42","n":9007199254740993,"list":[1,2],"deep":{"a":{"b":"x"}},"none":null}`
	tests := []struct {
		expr string
		want any
		err  string
	}{
		{".answer", "6*7\n#### 42", ""},
		{`.answer | split("#### ")[1]`, "42", ""},
		{".n", json.Number("9007199254740993"), ""},
		{".n + 2", json.Number("9007199254740995"), ""},
		{".list | length", 2.0, ""},
		{".list[0]", 1.0, ""},
		{"{a: .list, b: .n}", map[string]any{"a": []any{1.0, 2.0}, "b": json.Number("9007199254740993")}, ""},
		{".deep.a.b", "x", ""},
		{".deep.c.d", nil, ""},
		{".nothing", nil, ""},
		{"empty", nil, ""},
		{"nan", nil, ""},
		{"env", map[string]any{}, ""},
		{".list[]", nil, "more than one value"},
		{".answer.x", nil, `.answer is text, not an object`},
		{".answer | .x", nil, "expected an object"},
		{`error("no")`, nil, "no"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			v, err := jsonx.Decode([]byte(doc))
			require.NoError(t, err)
			e, err := jsonx.Compile(tt.expr)
			require.NoError(t, err)
			got, err := e.Value(t.Context(), v)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			again, _ := jsonx.Decode([]byte(doc))
			assert.Equal(t, again, v, "the input stays as it is")
		})
	}
}

func TestExprEndsWithItsContext(t *testing.T) {
	e, err := jsonx.Compile("def f: f; f")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.Value(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCompileErrors(t *testing.T) {
	for _, bad := range []string{".a[", "nope", ".a |", `import "x" as y; .`, "$x"} {
		_, err := jsonx.Compile(bad)
		require.ErrorContains(t, err, "jq expression", bad)
	}
}
