package tested

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// TestEval is an eval whose app ends the process.
func TestEval(t *testing.T) {
	st, err := store.Open(os.Getenv("EVAL_STORE"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := st.Create(t.Context(), store.Spec{Suite: "tested"})
	if err != nil {
		t.Fatal(err)
	}
	code, err := strconv.Atoi(os.Getenv("EVAL_CODE"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := harness.Run(t.Context(), harness.Config{
		Source:      harness.Cases{{ID: "a", Input: "stay", Expected: "stay"}, {ID: "b", Input: "leave", Expected: "leave"}},
		Concurrency: 1, Journal: run,
		Evaluators: []harness.Evaluator{evaluator.Func("any", func(context.Context, harness.Trial) (harness.Score, error) {
			return harness.Passed(), nil
		})},
		App: harness.TextApp(func(_ context.Context, in string) (string, error) {
			if in == "leave" {
				os.Exit(code)
			}
			return in, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range st.Results(t.Context(), run.ID(), store.Query{OnlyErrored: true}) {
		t.Error(r.Case.ID, r.Error, err)
	}
	if report.AppErrors() != 1 {
		t.Error("the app ended the process and is no error")
	}
}
