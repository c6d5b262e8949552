package evaluator

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func judge(t *testing.T, output any, f func(a *assert.Assertions, t harness.Trial)) harness.Score {
	t.Helper()
	e := Assert("mine", f)
	assert.Equal(t, "mine", e.Name())
	scores, err := e.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: output}})
	require.NoError(t, err)
	require.Len(t, scores, 1)
	require.NotNil(t, scores[0].Pass)
	return scores[0]
}

func TestAssertPasses(t *testing.T) {
	s := judge(t, "a refund, please", func(a *assert.Assertions, t harness.Trial) {
		a.Contains(t.Output.Text(), "please")
		a.Less(len(t.Output.Text()), 100)
	})
	assert.Equal(t, harness.Passed(), s)
}

func TestAssertReasons(t *testing.T) {
	for name, tt := range map[string]struct {
		f    func(a *assert.Assertions, t harness.Trial)
		want string
	}{
		"not equal": {
			func(a *assert.Assertions, t harness.Trial) { a.Equal("a", t.Output.Text()) },
			`Not equal: expected: "a" actual: "b"`,
		},
		"not equal over lines": {
			func(a *assert.Assertions, t harness.Trial) { a.Equal("x\ny", t.Output.Text()+"\nz") },
			`Not equal: expected: "x\ny" actual: "b\nz"`,
		},
		"with a message": {
			func(a *assert.Assertions, t harness.Trial) { a.True(false, "the %s is rude", "answer") },
			"Should be true (the answer is rude)",
		},
		"several": {
			func(a *assert.Assertions, t harness.Trial) {
				a.Contains(t.Output.Text(), "please")
				a.Empty(t.Output.Text())
			},
			`"b" does not contain "please"; Should be empty, but was b`,
		},
		"a list": {
			func(a *assert.Assertions, _ harness.Trial) { a.ElementsMatch([]int{1}, []int{2}) },
			"elements differ extra elements in list A:",
		},
		"text that looks like a label": {
			func(a *assert.Assertions, _ harness.Trial) { a.Fail("no\nError Trace: mine\nTest: mine") },
			"no Error Trace: mine Test: mine",
		},
		"fail now": {
			func(a *assert.Assertions, t harness.Trial) {
				a.FailNow("enough")
				panic("not reached")
			},
			"enough",
		},
		"nothing to say": {
			func(a *assert.Assertions, t harness.Trial) { a.Fail("") },
			"an assertion failed without a message",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := judge(t, "b", tt.f)
			assert.False(t, *s.Pass)
			assert.Zero(t, s.Value)
			assert.True(t, strings.HasPrefix(s.Reason, tt.want), "reason: %s", s.Reason)
			assert.NotContains(t, s.Reason, "assert_test.go")
			assert.NotContains(t, s.Reason, "\n")
			assert.NotContains(t, s.Reason, "--- Expected")
		})
	}
}

func TestAssertKeepsReasonsShort(t *testing.T) {
	s := judge(t, strings.Repeat("é", 5000), func(a *assert.Assertions, t harness.Trial) {
		a.Equal(strings.Repeat("è", 5000), t.Output.Text())
	})
	assert.LessOrEqual(t, len(s.Reason), maxReason)
	assert.Contains(t, s.Reason, "Not equal")
}

func TestAssertLeavesPanics(t *testing.T) {
	e := Assert("mine", func(a *assert.Assertions, _ harness.Trial) {
		a.Fail("before")
		panic("boom")
	})
	assert.PanicsWithValue(t, "boom", func() { _, _ = e.Evaluate(context.Background(), harness.Trial{}) })
}
