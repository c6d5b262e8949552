package harness_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// answer is an app under test.
func answer(_ context.Context, question string) (string, error) {
	if strings.Contains(question, "parcel") {
		return "Here is your tracking link.", nil
	}
	return "Please ask a human.", nil
}

// expected tells whether what is expected is in the answer.
var expected = evaluator.Func("expected", func(_ context.Context, t harness.Trial) (harness.Score, error) {
	want, ok := t.Case.Expected.(string)
	if !ok {
		return harness.Score{}, errors.New("the case expects nothing") // no score, which is not a score of 0
	}
	return harness.PassIf(strings.Contains(t.Output.Text(), want), "lacks "+want), nil
})

// Cases, an app and evaluators give a report.
func ExampleRun() {
	report, err := harness.Run(context.Background(), harness.Config{
		Source: harness.Cases{
			{ID: "parcel", Input: "Where is my parcel?", Expected: "tracking link"},
			{ID: "refund", Input: "My money back!", Expected: "refund"},
		},
		App:        harness.TextApp(answer),
		Evaluators: []harness.Evaluator{expected},
	})
	if err != nil {
		fmt.Println("incomplete:", err)
		return
	}
	fmt.Println(report.Cases.Completed, "cases,", report.AppErrors(), "errors")
	fmt.Println("pass rate", *report.Metric("expected").PassRate)
	// Output:
	// 2 cases, 0 errors
	// pass rate 0.5
}

// Cases in memory are a source of pages.
func ExampleCases() {
	var source harness.Source = harness.Cases{{ID: "a", Input: "1"}, {ID: "b", Input: map[string]any{"question": "why", "language": "en"}}}
	page, err := source.Page(context.Background(), "")
	fmt.Println(len(page.Cases), page.Total, page.Next == "", err)
	// Output: 2 2 true <nil>
}

// An app from text to text.
func ExampleTextApp() {
	app := harness.TextApp(func(_ context.Context, question string) (string, error) {
		return strings.ToUpper(question), nil
	})
	out, err := app.Respond(context.Background(), harness.Input{Value: "why"})
	fmt.Println(out.Text(), err)
	// Output: WHY <nil>
}

// An app over types of your own: inputs are decoded into the one, answers are the
// other as JSON.
func ExampleTypedApp() {
	type question struct{ Text, Language string }
	type reply struct {
		Intent string `json:"intent"`
	}
	app := harness.TypedApp(func(_ context.Context, q question) (reply, error) {
		return reply{Intent: "refund/" + q.Language}, nil
	})
	out, err := app.Respond(context.Background(), harness.Input{Value: map[string]any{"text": "money back", "language": "en"}})
	fmt.Println(out.Text(), err)
	// Output: {"intent":"refund/en"} <nil>
}

// An app that tells more than its answer: the tools that it called, its tokens, its
// price.
func ExampleAppFunc() {
	app := harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
		cost := 0.0002
		return harness.Output{
			Value:     "It is on its way.",
			ToolCalls: []harness.ToolCall{{Name: "lookup_order", Args: map[string]any{"order": in.Text()}}},
			Usage:     &harness.Usage{InputTokens: 120, OutputTokens: 8},
			CostUSD:   &cost,
		}, nil
	})
	out, err := app.Respond(context.Background(), harness.Input{ID: "late", Value: "A100"})
	fmt.Println(out.ToolCalls[0].Name, out.ToolCalls[0].Args["order"], out.Usage.OutputTokens, err)
	// Output: lookup_order A100 8 <nil>
}

// words is an evaluator with two metrics.
type words struct{}

func (words) Name() string { return "words" }

func (words) Evaluate(_ context.Context, t harness.Trial) ([]harness.Score, error) {
	n := len(strings.Fields(t.Output.Text()))
	return []harness.Score{
		harness.PassIf(n <= 3, fmt.Sprintf("%d words, at most 3", n)), // the metric "words"
		{Name: "words/count", Value: float64(n)},                      // a number without a verdict
	}, nil
}

// An Evaluator is a name and a method.
func ExampleEvaluator() {
	report, err := harness.Run(context.Background(), harness.Config{
		Source: harness.Cases{{ID: "short", Input: "yes"}, {ID: "long", Input: "it depends on the day"}},
		App: harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
			return harness.Output{Value: in.Value}, nil
		}),
		Evaluators: []harness.Evaluator{words{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*report.Metric("words").PassRate, report.Metric("words/count").Mean)
	// Output: 0.5 3
}

// Sinks get the results themselves, in batches.
func ExampleSink() {
	wrong := harness.SinkFunc(func(_ context.Context, batch []harness.Result) error {
		for _, r := range batch {
			if r.Failed() {
				fmt.Printf("%s: %s: %s\n", r.Case.ID, r.Output.Text(), r.Scores[0].Reason)
			}
		}
		return nil
	})
	_, err := harness.Run(context.Background(), harness.Config{
		Source:     harness.Cases{{ID: "refund", Input: "My money back!", Expected: "refund"}},
		App:        harness.TextApp(answer),
		Evaluators: []harness.Evaluator{expected},
		Sinks:      []harness.Sink{wrong},
	})
	fmt.Println(err)
	// Output:
	// refund: Please ask a human.: lacks refund
	// <nil>
}

// With a Demand its owner says which trials run, and gets their results.
func ExampleDemand() {
	var demand harness.Demand
	var running sync.WaitGroup
	running.Go(func() {
		_, err := harness.Run(context.Background(), harness.Config{
			Source:     harness.Cases{{ID: "parcel", Input: "Where is my parcel?", Expected: "tracking link"}},
			App:        harness.TextApp(answer),
			Evaluators: []harness.Evaluator{expected},
			Demand:     &demand,
		})
		if err != nil {
			fmt.Println(err)
		}
	})
	result, ok := demand.Ask(context.Background(), harness.Key{Case: "parcel", Trial: 1})
	demand.Close()
	running.Wait()
	fmt.Println(ok, result.Output.Text())
	// Output: true Here is your tracking link.
}

// An answer that is there is scored without asking the app.
func ExampleScoreResult() {
	stored := harness.Result{
		Case:   harness.Case{ID: "refund", Input: "My money back!", Expected: "refund"},
		Trial:  1,
		Output: &harness.Output{Value: "A refund is on its way."},
	}
	scored, ok, err := harness.ScoreResult(context.Background(), harness.Config{Evaluators: []harness.Evaluator{expected}}, stored)
	fmt.Println(scored.Scores[0].Value, ok, err)
	// Output: 1 true <nil>
}
