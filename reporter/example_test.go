package reporter_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/reporter"
)

func ExampleNew() {
	result := harness.Result{
		Case:     harness.Case{ID: "greeting", Input: "hi", Expected: "hello"},
		Trial:    1,
		Output:   &harness.Output{Value: "\x1b[31mgo away"},
		Scores:   []harness.Score{{Name: "equals", Pass: new(bool), Reason: `"go away" is not "hello"`}},
		Latency:  120 * time.Millisecond,
		Attempts: 1,
	}
	fold := harness.NewFold(1)
	fold.Add(result)
	report := fold.Report(1)
	report.Suite, report.Verdict = "manners", harness.Fail

	format, _ := reporter.FormatOf("report.txt")
	r, err := reporter.New(format)
	if err != nil {
		fmt.Println(err)
		return
	}
	var results iter.Seq2[harness.Result, error] = func(yield func(harness.Result, error) bool) { yield(result, nil) }
	if err := r.Write(os.Stdout, reporter.Data{Report: report, Results: results}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ✗ FAIL  manners  no gate
	//   1 case · 1 wrong · 0 with trouble
	//
	// WRONG ANSWERS  1 case
	//   ✗ greeting
	//   │ asked     hi
	//   │ expected  hello
	//   │ got       \x1b[31mgo away
	//   │ equals    "go away" is not "hello"
	//
	// SCORES
	//   evaluator  pass rate   mean  interval  cases  unscored
	//   equals            0%  0.000         –      1         –
	//
	//   latency  p50 120ms · p95 120ms · max 120ms
	//
	// ✗ FAIL  manners: no gate · 1 wrong
}

func ExampleTerminal() {
	fmt.Println(reporter.Terminal("all fine\r\x1b[2KAll tests passed \u202egnorw"))
	// Output: all fine\r\x1b[2KAll tests passed \u202egnorw
}

// A format of your own: the IDs of the cases that went wrong.
func ExampleRegistry_Add() {
	registry := reporter.NewRegistry()
	err := registry.Add("wrong", reporter.Func(func(w io.Writer, d reporter.Data) error {
		for r, err := range d.Results {
			if err != nil {
				return err
			}
			if r.Failed() {
				fmt.Fprintln(w, reporter.Terminal(r.Case.ID))
			}
		}
		return nil
	}))
	if err != nil {
		panic(err)
	}
	wrong, err := registry.New("wrong")
	if err != nil {
		panic(err)
	}
	result := harness.Result{Case: harness.Case{ID: "greeting"}, Scores: []harness.Score{{Name: "equals", Pass: new(bool)}}}
	err = wrong.Write(os.Stdout, reporter.Data{
		Report:  &harness.Report{Suite: "manners"},
		Results: func(yield func(harness.Result, error) bool) { yield(result, nil) },
	})
	if err != nil {
		panic(err)
	}
	// Output: greeting
}

// A report in a file, of what harness.Run came to.
func ExampleReporter() {
	var results []harness.Result
	report, err := harness.Run(context.Background(), harness.Config{
		Source: harness.Cases{{ID: "greeting", Input: "hi", Expected: "hello"}},
		App:    harness.TextApp(func(context.Context, string) (string, error) { return "go away", nil }),
		Evaluators: []harness.Evaluator{evaluator.Func("same", func(_ context.Context, t harness.Trial) (harness.Score, error) {
			return harness.PassIf(t.Output.Value == t.Case.Expected, "something else"), nil
		})},
		Sinks: []harness.Sink{harness.SinkFunc(func(_ context.Context, batch []harness.Result) error {
			results = append(results, batch...)
			return nil
		})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Reports list the results by case and trial; a run finishes them in any order.
	slices.SortFunc(results, func(a, b harness.Result) int {
		return cmp.Or(cmp.Compare(a.Case.Seq, b.Case.Seq), cmp.Compare(a.Trial, b.Trial))
	})
	data := reporter.Data{Report: report, Results: func(yield func(harness.Result, error) bool) {
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}}
	var out strings.Builder
	if err := (reporter.CSV{}).Write(&out, data); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Count(out.String(), "\n"), "lines,", strings.Contains(out.String(), "something else"))
	// Output: 2 lines, true
}

// A run's progress, as whole lines or drawn on a terminal.
func ExampleStartProgress() {
	var counts harness.Progress
	shown := reporter.StartProgress(os.Stdout, &counts, reporter.ProgressOptions{Label: "manners"}) // Every: 10 * time.Second for a line now and then
	_, err := harness.Run(context.Background(), harness.Config{
		Source: harness.Cases{{ID: "greeting", Input: "hi"}},
		App:    harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil }),
		Evaluators: []harness.Evaluator{evaluator.Func("any", func(context.Context, harness.Trial) (harness.Score, error) {
			return harness.Passed(), nil
		})},
		Progress: &counts,
	})
	shown.Stop()
	fmt.Println(counts.Done.Load(), "of", counts.Total.Load(), err)
	// Output: 1 of 1 <nil>
}
