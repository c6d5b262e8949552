// Package overhead has the same 10,000 cases twice, for .ci/bench: as a table test
// written by hand, and as an eval. The app answers at once.
package overhead

import (
	"context"
	"strconv"
	"testing"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/evaltest"
)

const n = 10000

func answer(q string) string { return q }

func TestPlain(t *testing.T) {
	type row struct{ id, in, want string }
	var rows []row
	for i := range n {
		rows = append(rows, row{"c" + strconv.Itoa(i), strconv.Itoa(i), strconv.Itoa(i)})
	}
	for _, r := range rows {
		t.Run(r.id, func(t *testing.T) {
			t.Parallel()
			if got := answer(r.in); got != r.want {
				t.Errorf("got %q, want %q", got, r.want)
			}
		})
	}
}

func TestEval(t *testing.T) {
	var cases harness.Cases
	for i := range n {
		cases = append(cases, harness.Case{ID: "c" + strconv.Itoa(i), Input: strconv.Itoa(i), Expected: strconv.Itoa(i)})
	}
	evaltest.Run(t, evaltest.Params{Config: harness.Config{
		Source: cases,
		App:    harness.TextApp(func(_ context.Context, q string) (string, error) { return answer(q), nil }),
		Evaluators: []harness.Evaluator{evaluator.Func("same", func(_ context.Context, t harness.Trial) (harness.Score, error) {
			return harness.PassIf(t.Output.Text() == t.Case.Expected, "not the same"), nil
		})},
	}})
}
