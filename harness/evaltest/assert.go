package evaltest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/reporter"
)

// Evaluator builds an evaluator as a suite names it, such as "equals" or
// "levenshtein: {threshold: 0.8}"; see package evaluator for the names.
func Evaluator(t testing.TB, text string) harness.Evaluator {
	t.Helper()
	e, err := evaluator.NewRegistry().BuildText(text, evaluator.Env{})
	if err != nil {
		t.Fatalf("evaltest: %s", message(err))
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
	b := telling{redact: environment()}
	b.line(e.Name() + " does not pass")
	if slices.ContainsFunc(all, func(s harness.Score) bool { return s.Pass == nil }) {
		b.lines[0] = reporter.Terminal(e.Name() + " gives a score and no verdict: it needs a threshold, such as " + strconv.Quote(e.Name()+": {threshold: 0.8}"))
	}
	b.section("input", show(input))
	b.expectation(expected, output)
	b.section("output", show(output))
	b.section("scores", strings.Join(scores(all), "\n"))
	t.Fatal(b.text())
}

// environment takes the secrets of the environment out of what is shown.
func environment() *runner.Redactor { return runner.NewRedactor(secretsOf(os.Environ())...) }

func evaluate(t testing.TB, e harness.Evaluator, input, output, expected any) []harness.Score {
	t.Helper()
	out, ok := output.(harness.Output)
	if !ok {
		out = harness.Output{Value: output}
	}
	r := harness.Result{Case: harness.Case{ID: t.Name(), Input: input, Expected: expected}, Trial: 1, Output: &out}
	r, ok, err := harness.ScoreResult(t.Context(), harness.Config{Evaluators: []harness.Evaluator{e}}, r)
	if err != nil || !ok {
		t.Fatalf("evaltest: %s", reporter.TerminalBlock(environment().Text(fmt.Sprintf("%s: %v", e.Name(), err))))
	}
	for _, s := range r.Scores {
		if s.Error != nil {
			t.Fatalf("evaltest: no score: %s", reporter.TerminalBlock(environment().Text(strings.Join(scores(r.Scores), "\n"))))
		}
	}
	return r.Scores
}
