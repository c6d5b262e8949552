package strict_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/strict"
)

func TestFlow(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"equals.pass_rate >= 0.9", "equals.pass_rate >= 0.9"},
		{"no_regression: {baseline: main, margin: 0.02}", "no_regression: {baseline: main, margin: 0.02}"},
		{"no_regression:\n  baseline: main # the branch\n  metrics:\n    - equals\n    - a b\n", "no_regression: {baseline: main, metrics: [equals, a b]}"},
		{"must_pass:\n- two  spaces\n- 'a: b'\n- |\n  two\n  lines\n", `must_pass: [two  spaces, 'a: b', "two\nlines\n"]`},
		{"{a: 1, b: '2'}", "{a: 1, b: '2'}"},
	} {
		n, err := strict.Parse("f", []byte(tt.text))
		require.NoError(t, err)
		assert.Equal(t, tt.want, n.Flow())
		again, err := strict.Parse("f", []byte(n.Flow()))
		require.NoError(t, err)
		var was, is any
		require.NoError(t, n.Decode(&was))
		require.NoError(t, again.Decode(&is))
		assert.Equal(t, was, is)
	}
}

func TestFlowOfReplacedTexts(t *testing.T) {
	n, err := strict.Parse("", []byte("a: {number: $A, yes: $B, text: $C}"))
	require.NoError(t, err)
	for key, value := range map[string]string{"number": "0.02", "yes": "true", "text": "a: b"} {
		n.Get("a").Get(key).Replace(value)
	}
	assert.Equal(t, "a: {number: 0.02, yes: true, text: 'a: b'}", n.Flow())
}
