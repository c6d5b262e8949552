// Package harness runs evals: a [Source] yields test cases page by page, the
// [App] under test answers each of them, many at once, [Evaluator]s score the
// answers, and a [Result] per case and trial goes to [Sink]s in batches, while a
// [Report] is folded from them.
//
// In tests, start with [github.com/evalrun/evalrun/harness/evaltest], which makes a
// subtest of each case. [Run] is the engine, for programs:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"strings"
//
//		"github.com/evalrun/evalrun/evaluator"
//		"github.com/evalrun/evalrun/harness"
//	)
//
//	func main() {
//		polite := evaluator.Func("polite", func(_ context.Context, t harness.Trial) (harness.Score, error) {
//			return harness.PassIf(strings.Contains(t.Output.Text(), "please"), "it says no please"), nil
//		})
//		report, err := harness.Run(context.Background(), harness.Config{
//			Source:     harness.Cases{{ID: "greeting", Input: "hi"}},
//			App:        harness.TextApp(answer), // func answer(ctx context.Context, input string) (string, error)
//			Evaluators: []harness.Evaluator{polite},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(report.Trials.Completed, "answers,", report.AppErrors(), "errors, polite:", *report.Metric("polite").PassRate)
//	}
//
// It needs memory that does not depend on the number of cases (but for 20 to 40 bytes
// a case where there is no [Journal]) and returns when every goroutine that it started
// has ended. The results themselves go to [Sink]s; the report has the numbers.
//
// Trouble is not a verdict. An app that fails and an evaluator that can't score
// give errors, which are counted and shown; a wrong answer is a low [Score].
//
// The package needs the standard library and errgroup only, and imports nothing
// else of this module. Packages beside it read datasets (dataset), reach apps
// (target), keep results (store), speak to platforms (sgp) and judge reports
// (gate); suite and runner put them together as the evalrun command does.
//
// Before version 1 names may still change; CHANGELOG.md says when they do.
package harness
