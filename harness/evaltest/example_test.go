package evaltest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/evaltest"
)

// In a test, t or b is what the test function gets. Examples that go on with printed are
// run; the others, which need go test, are compiled.
var (
	t       *testing.T
	b       *testing.B
	printed = printer{}
)

// printer is a test that prints how it fails.
type printer struct{ testing.TB }

func (printer) Helper()                        {}
func (printer) Name() string                   { return "TestAnswer" }
func (printer) Context() context.Context       { return context.Background() }
func (printer) Fatal(args ...any)              { fmt.Println(args...) }
func (printer) Fatalf(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// answer is the app under test.
func answer(_ context.Context, question string) (string, error) {
	if strings.Contains(question, "parcel") {
		return "Use the tracking link in your mail.", nil
	}
	return "Please ask a human.", nil
}

// Each case is a subtest that fails by itself: there is no Gate.
func ExampleRun() {
	evaltest.Run(t, evaltest.Params{Config: harness.Config{
		Source: harness.Cases{
			{ID: "late-parcel", Input: "Where is my parcel?", Expected: "tracking link"},
			{ID: "hello", Input: "Good morning", Expected: "ask a human"},
		},
		App: harness.TextApp(answer),
		Evaluators: []harness.Evaluator{
			evaltest.Evaluator(t, "contains"),
			evaluator.Assert("polite", func(a *assert.Assertions, t harness.Trial) {
				a.NotContains(t.Output.Text(), "stupid")
			}),
		},
	}})
}

// An app that is right most of the time: each case is asked five times, and the
// checks of a gate judge them together. The baseline is a file in git.
func ExampleRun_gate() {
	evaltest.Run(t, evaltest.Params{
		Config: harness.Config{
			Source:     harness.Cases{{ID: "late-parcel", Input: "Where is my parcel?", Expected: "tracking link"}},
			App:        harness.TextApp(answer),
			Evaluators: []harness.Evaluator{evaltest.Evaluator(t, "contains")},
			Trials:     5,
		},
		Gate:     []string{"contains.pass_rate >= 90%", "latency.p95 <= 2s", "errors.count == 0"},
		Baseline: "testdata/baseline.json",
	})
}

// An app that costs money is asked with EVAL_LIVE=1 alone; otherwise its recorded
// answers are scored.
func ExampleRun_live() {
	const model, prompt = "small", "You are the support of a shop."
	evaltest.Run(t, evaltest.Params{
		Config: harness.Config{
			Source:     harness.Cases{{ID: "late-parcel", Input: "Where is my parcel?", Expected: "tracking link"}},
			App:        harness.TextApp(answer),
			Evaluators: []harness.Evaluator{evaltest.Evaluator(t, "contains")},
		},
		Live:     true,
		Settings: map[string]string{"model": model, "prompt": prompt},
		MaxCost:  0.50,
	})
}

// A YAML suite as a test.
func ExampleSuite() {
	evaltest.Suite(t, "testdata/refunds.yaml")
}

// A YAML suite with an app and an evaluator of Go.
func ExampleRun_suite() {
	evaltest.Run(t, evaltest.Params{
		Suite: "testdata/refunds.yaml",
		Config: harness.Config{
			App: harness.TextApp(answer),
			Evaluators: []harness.Evaluator{evaluator.Func("short", func(_ context.Context, t harness.Trial) (harness.Score, error) {
				return harness.PassIf(len(t.Output.Text()) < 200, "200 bytes or more"), nil
			})},
		},
	})
}

// Evaluator takes what a suite would say.
func ExampleEvaluator() {
	close := evaltest.Evaluator(printed, "levenshtein: {threshold: 0.8, name: close}")
	fmt.Println(close.Name())
	evaltest.Evaluator(printed, "equal")
	// Output:
	// close
	// evaltest: 1:1: unknown evaluator "equal"; did you mean "equals"?
}

// Score gives one score, for an ordinary test to look at.
func ExampleScore() {
	near := evaltest.Score(printed, evaltest.Evaluator(printed, "levenshtein"), nil, "a refund", "the refund")
	fmt.Printf("%.1f\n", near.Value)
	// Output: 0.7
}

// Require fails an ordinary test at once.
func ExampleRequire() {
	evaltest.Require(printed, evaltest.Evaluator(printed, "contains: refund"), "My money back!", "Here is your refund.", nil)
	evaltest.Require(printed, evaltest.Evaluator(printed, "contains"), "My money back!", "Please ask a human.", "refund")
	// Output:
	// contains does not pass
	//   input:    My money back!
	//   expected: refund
	//   output:   Please ask a human.
	//   scores:   ✗ contains 0: does not contain "refund": "Please ask a human."
}

// What an app and its evaluators do in a second, for benchstat.
func ExampleBenchmark() {
	evaltest.Benchmark(b, evaltest.Params{Config: harness.Config{
		Source:     harness.Cases{{ID: "late-parcel", Input: "Where is my parcel?", Expected: "tracking link"}},
		App:        harness.TextApp(answer),
		Evaluators: []harness.Evaluator{evaltest.Evaluator(b, "contains")},
	}})
}
