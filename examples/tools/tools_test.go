package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/examples/internal/build"
	"github.com/evalrun/evalrun/examples/internal/command"
	"github.com/evalrun/evalrun/harness"
)

func TestSuite(t *testing.T) {
	build.Need(t, "go")
	registry := evaluator.NewRegistry()
	require.NoError(t, registry.Add(evaluator.Func("called", called)))
	r := command.Passes(t, cli.Config{Evaluators: registry}, "suite.yaml")
	assert.Equal(t, 8, r.Cases.Completed)
	for metric, want := range map[string]float64{
		"called": 7.0 / 8, // it refunds more than was paid
		"honest": 1, "looks-first": 1, "pays-once": 1,
	} {
		require.NotNil(t, r.Evaluators[metric].PassRate, metric)
		assert.InDelta(t, want, *r.Evaluators[metric].PassRate, 1e-9, metric)
	}
}

func TestCalled(t *testing.T) {
	calls := func(list ...any) any { return map[string]any{"calls": append([]any{}, list...)} }
	refund := map[string]any{"name": "refund", "args": map[string]any{"euros": 15}}
	for name, tt := range map[string]struct {
		extra  any
		calls  []harness.ToolCall
		reason string
	}{
		"none":             {calls(), nil, ""},
		"right":            {calls(refund), []harness.ToolCall{{Name: "refund", Args: map[string]any{"euros": 15.0, "order": "17"}}}, ""},
		"another argument": {calls(refund), []harness.ToolCall{{Name: "refund", Args: map[string]any{"euros": 500.0}}}, "call 1, refund: euros is 500, expected 15"},
		"no argument":      {calls(refund), []harness.ToolCall{{Name: "refund"}}, "call 1, refund: euros is <nil>, expected 15"},
		"another tool":     {calls(refund), []harness.ToolCall{{Name: "cancel"}}, `called ["cancel"], expected ["refund"]`},
		"one too many":     {calls(), []harness.ToolCall{{Name: "refund"}}, `called ["refund"], expected []`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := called(t.Context(), harness.Trial{Case: harness.Case{Extra: tt.extra}, Output: harness.Output{ToolCalls: tt.calls}})
			require.NoError(t, err)
			assert.Equal(t, harness.PassIf(tt.reason == "", tt.reason), s)
		})
	}
	for _, extra := range []any{nil, map[string]any{}, map[string]any{"calls": "refund"}} {
		_, err := called(t.Context(), harness.Trial{Case: harness.Case{Extra: extra}})
		assert.Error(t, err, "what is not expected can't be compared: %v", extra)
	}
}
