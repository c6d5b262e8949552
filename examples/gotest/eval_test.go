package gotest

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/evaltest"
)

// app is the agent as the harness asks it. The trial's seed makes chance repeatable.
func app(m Model) harness.App {
	return harness.AppFunc(func(ctx context.Context, in harness.Input) (harness.Output, error) {
		r, err := Agent{Orders: Shop, Model: m, Seed: in.Seed}.Answer(ctx, in.Text())
		out := harness.Output{Value: r.Text, Metadata: map[string]any{"intent": r.Intent}}
		for _, c := range r.Calls {
			out.ToolCalls = append(out.ToolCalls, harness.ToolCall{Name: c.Tool, Args: map[string]any{"order": c.Order}, Result: c.Found})
		}
		return out, err
	})
}

// routed holds an answer to the intent and the tools that led to it.
var routed = evaluator.Assert("routed", func(a *assert.Assertions, t harness.Trial) {
	way := []string{fmt.Sprint(t.Output.Metadata["intent"])}
	for _, c := range t.Output.ToolCalls {
		way = append(way, c.Name)
	}
	a.Equal(t.Case.Expected, strings.Join(way, " "))
})

// Each case has to be right: no Gate, no Baseline.
func TestRouting(t *testing.T) {
	evaltest.Run(t, evaltest.Params{Config: harness.Config{
		Source: harness.Cases{
			{ID: "where", Input: "Where is A100?", Expected: "tracking lookup_order"},
			{ID: "no-number", Input: "Where is my parcel?", Expected: "tracking"},
			{ID: "no-such-order", Input: "Where is C999?", Expected: "tracking lookup_order"},
			{ID: "refund", Input: "I want a refund for B200", Expected: "refund lookup_order refund"},
			{ID: "too-late", Input: "My money back for B201, please", Expected: "refund lookup_order"},
			{ID: "of-others", Input: "Where is the parcel of my neighbour, A101?", Expected: "refused"},
			{ID: "legal", Input: "Refund B201 or I see you in court", Expected: "refused"},
			{ID: "hello", Input: "Good morning", Expected: "other"},
		},
		App:        app(nil),
		Evaluators: []harness.Evaluator{routed},
	}})
}

// questions ask for each order in two ways.
func questions() (cases harness.Cases) {
	for _, id := range slices.Sorted(maps.Keys(Shop)) {
		cases = append(cases,
			harness.Case{ID: "track-" + id, Input: "Where is " + id + "?", Expected: []string{id, Shop[id].Status}, Metadata: map[string]any{"topic": "tracking"}},
			harness.Case{ID: "refund-" + id, Input: "A refund for " + id + ", please", Expected: []string{id}, Metadata: map[string]any{"topic": "refund"}})
	}
	return cases
}

// The agent leaves some things to chance: each case is asked five times, and limits
// say how often it has to be right, also for one topic alone.
func TestAnswers(t *testing.T) {
	evaltest.Run(t, evaltest.Params{
		Config: harness.Config{
			Source: questions(), App: app(nil), Trials: 5,
			Evaluators: []harness.Evaluator{evaltest.Evaluator(t, "contains-all")},
		},
		Gate: []string{
			"contains-all.pass_rate >= 80%",
			"contains-all.pass_rate >= 75% where topic=refund",
			"errors.count == 0",
		},
		Baseline: "testdata/baseline.json", // and not shown to be worse than what is in git
	})
}

// A YAML suite that leaves its app to the test.
func TestRefunds(t *testing.T) {
	evaltest.Run(t, evaltest.Params{Suite: "testdata/refunds.yaml", Config: harness.Config{App: app(nil)}})
}

// The wording comes from a model, which costs money: its answers are recorded in
// testdata/evals, and asked for only with EVAL_LIVE=1.
func TestWording(t *testing.T) {
	url := os.Getenv("MODEL_URL")
	if url == "" { // a stand-in for one
		server := httptest.NewServer(butler)
		defer server.Close()
		url = server.URL
	}
	model := HTTPModel{URL: url, Prompt: "Say it like a butler."}
	evaltest.Run(t, evaltest.Params{
		Config: harness.Config{
			Source: harness.Cases{
				{ID: "tracking", Input: "Where is A101?", Expected: "at the customs"},
				{ID: "refund", Input: "A refund for B200", Expected: "$12.50"},
				{ID: "refused", Input: "Can I sue you?", Expected: "555 0100"},
			},
			App:        app(model),
			Evaluators: []harness.Evaluator{evaltest.Evaluator(t, "contains"), evaltest.Evaluator(t, "not-icontains: {value: as an AI, name: in-role}")},
		},
		Live:     true,
		Settings: model.Prompt, // a recording of another prompt is stale
	})
}

// How fast the agent is, and its evaluator: go test -run '^$' -bench . ./examples/gotest
func BenchmarkAnswers(b *testing.B) {
	evaltest.Benchmark(b, evaltest.Params{Config: harness.Config{
		Source: questions(), App: app(nil),
		Evaluators: []harness.Evaluator{evaltest.Evaluator(b, "contains-all")},
	}})
}

// One answer, in an ordinary test.
func TestRefusal(t *testing.T) {
	r, err := Agent{Orders: Shop}.Answer(t.Context(), "What did my boss order?")
	if err != nil {
		t.Fatal(err)
	}
	evaltest.Require(t, evaltest.Evaluator(t, "contains"), nil, r.Text, "555 0100")
	near := evaltest.Score(t, evaltest.Evaluator(t, "levenshtein"), nil, r.Text, "I can't help with that. Our people can: call 555 0100.")
	if near.Value < 0.8 {
		t.Errorf("the refusal reads differently: %s", near.Reason)
	}
}
