package evaluator_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// An evaluator is a function from a trial to a score.
func ExampleFunc() {
	polite := evaluator.Func("polite", func(_ context.Context, t harness.Trial) (harness.Score, error) {
		ok := strings.Contains(t.Output.Text(), "please")
		return harness.PassIf(ok, "there is no please in it"), nil
	})
	scores, err := polite.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: "Give it to me."}})
	fmt.Println(scores[0].Value, scores[0].Reason, err)
	// Output: 0 there is no please in it <nil>
}

// Assertions of tests make a score and a reason.
func ExampleAssert() {
	polite := evaluator.Assert("polite", func(a *assert.Assertions, t harness.Trial) {
		a.Contains(t.Output.Text(), "please")
		a.LessOrEqual(len(t.Output.Text()), 10, "keep it short")
	})
	scores, err := polite.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: "Give it to me."}})
	fmt.Println(scores[0].Value, err)
	fmt.Println(scores[0].Reason)
	// Output:
	// 0 <nil>
	// "Give it to me." does not contain "please"; "14" is not less than or equal to "10" (keep it short)
}

// A registry builds what suites name, the evaluators of your own included.
func ExampleRegistry() {
	r := evaluator.NewRegistry()
	err := r.Add(evaluator.Func("polite", func(context.Context, harness.Trial) (harness.Score, error) {
		return harness.Passed(), nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, entry := range []string{
		"equals",
		"contains: {value: REFUND, ignore_case: true}",
		"levenshtein: {threshold: 0.8, name: close}",
		"polite",
		"equal",
	} {
		e, err := r.BuildText(entry, evaluator.Env{})
		if err != nil {
			fmt.Println(err)
			continue
		}
		scores, err := e.Evaluate(context.Background(), harness.Trial{
			Case:   harness.Case{ID: "1", Input: "Can I get my money back?", Expected: "Yes, we refund you."},
			Output: harness.Output{Value: "Yes, we refund it."},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s %.2f %v\n", e.Name(), scores[0].Value, *scores[0].Pass)
	}
	// Output:
	// equals 0.00 false
	// contains 1.00 true
	// close 0.84 true
	// polite 1.00 true
	// 1:1: unknown evaluator "equal"; did you mean "equals"?
}

// An evaluator as a suite names it, in Go.
func ExampleRegistry_BuildText() {
	e, err := evaluator.NewRegistry().BuildText("contains: {value: refund, ignore_case: true, name: says-refund}", evaluator.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	scores, err := e.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: "Your Refund is on its way."}})
	fmt.Println(e.Name(), *scores[0].Pass, err)
	// Output: says-refund true <nil>
}
