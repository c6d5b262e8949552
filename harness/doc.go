// Package harness runs evals: a [Source] yields test cases page by page, the
// [App] under test answers each of them, many at once, [Evaluator]s score the
// answers, and a [Result] per case and trial goes to [Sink]s in batches, while a
// [Report] is folded from them.
//
// [Run] does all of that in memory that does not depend on the number of cases
// (but for 20 to 40 bytes a case where there is no [Journal]) and returns when
// every goroutine that it started has ended:
//
//	report, err := harness.Run(ctx, harness.Config{
//		Source:     harness.Cases{{ID: "greeting", Input: "hi", Expected: "hello"}},
//		App:        harness.TextApp(answer),
//		Evaluators: []harness.Evaluator{equals},
//	})
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
