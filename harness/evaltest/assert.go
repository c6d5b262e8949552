package evaltest

import (
	"strings"
	"testing"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/reporter"
)

// Evaluator builds an evaluator as a suite names it, such as "equals" or
// "levenshtein: {threshold: 0.8}"; see package evaluator for the names.
func Evaluator(t testing.TB, text string) harness.Evaluator {
	t.Helper()
	e, err := evaluator.NewRegistry().BuildText(text, evaluator.Env{})
	if err != nil {
		t.Fatalf("evaltest: %v", err)
	}
	return e
}

// Score has one answer scored, in a test of any kind. It fails the test at once when
// there is no score. Of several scores it gives the first.
func Score(t testing.TB, e harness.Evaluator, input, output, expected any) harness.Score {
	t.Helper()
	return evaluate(t, e, input, output, expected)[0]
}

// Require fails the test at once unless every score of an answer passes. An
// evaluator that gives no verdict, only a value, fails it too.
func Require(t testing.TB, e harness.Evaluator, input, output, expected any) {
	t.Helper()
	ok := true
	all := evaluate(t, e, input, output, expected)
	for _, s := range all {
		ok = ok && s.Pass != nil && *s.Pass
	}
	if ok {
		return
	}
	var b strings.Builder
	b.WriteString(reporter.Terminal(e.Name()) + " does not pass\n")
	section(&b, "input", show(input))
	expectation(&b, expected, output)
	section(&b, "output", show(output))
	section(&b, "scores", strings.Join(scores(all), "\n"))
	t.Fatal(strings.TrimRight(b.String(), "\n"))
}

func evaluate(t testing.TB, e harness.Evaluator, input, output, expected any) []harness.Score {
	t.Helper()
	out, ok := output.(harness.Output)
	if !ok {
		out = harness.Output{Value: output}
	}
	r := harness.Result{Case: harness.Case{ID: t.Name(), Input: input, Expected: expected}, Trial: 1, Output: &out}
	r, ok, err := harness.ScoreResult(t.Context(), harness.Config{Evaluators: []harness.Evaluator{e}}, r)
	if err != nil || !ok {
		t.Fatalf("evaltest: %s: %v", e.Name(), err)
	}
	for _, s := range r.Scores {
		if s.Error != nil {
			t.Fatalf("evaltest: no score: %s", strings.Join(scores(r.Scores), "\n"))
		}
	}
	return r.Scores
}
