// Package evaltest runs evals of LLM apps as Go tests: each case is a subtest, a
// gate judges all of them together, and go test's own flags do what they always do.
//
// A whole test file:
//
//	package bot
//
//	import (
//		"testing"
//
//		"github.com/evalrun/evalrun/harness"
//		"github.com/evalrun/evalrun/harness/evaltest"
//	)
//
//	func TestBot(t *testing.T) {
//		evaltest.Run(t, evaltest.Params{Config: harness.Config{
//			Source:     harness.Cases{{ID: "late-parcel", Input: "Where is my parcel?", Expected: "tracking link"}},
//			App:        harness.TextApp(Answer), // func Answer(ctx context.Context, input string) (string, error)
//			Evaluators: []harness.Evaluator{evaltest.Evaluator(t, "contains")},
//		}})
//	}
//
// go mod tidy then adds the module to go.mod, and go test runs it. A wrong answer
// fails TestBot/case/late-parcel with what was asked, expected and answered, each
// score with its reason, and the command that runs this case alone.
//
// The evaluators of your own are Go functions, evaluator.Func and evaluator.Assert
// (testify); those that there are have names, see
// [github.com/evalrun/evalrun/evaluator]. An app with several inputs, tool calls,
// tokens or a price is a harness.AppFunc or a harness.TypedApp. Cases from a file
// come from Open of [github.com/evalrun/evalrun/harness/dataset], or stand in a YAML
// suite, the same that the evalrun command runs:
//
//	func TestRefunds(t *testing.T) { evaltest.Suite(t, "testdata/refunds.yaml") }
//
// With [Params].Suite the app can be one of Go (Config.App; the suite needs no app:
// then, and with Config.Source no dataset:), and with Options the
// suite can name evaluators of your own. examples/gotest has all of this.
//
// # Subtests
//
//	go test -run TestBot                        all cases, then the subtest gate
//	go test -run TestBot/case/late              the cases with "late" in their IDs
//	go test -run 'TestBot/case/^late-parcel$/2' the second trial of one case
//	go test -v                                  also the scores of what is right
//
// A case that -run or -skip leaves out is not asked and costs nothing. The space of
// an ID is _ in the name of its subtest, and its / begins a level, as in every
// subtest. The cases of a Source are all read first, into memory.
//
//	-parallel    how many trials run at once; Config.Concurrency is a lower limit
//	-shuffle     the order of the tests; -count runs them again, and asks again
//	-failfast    after the first case that failed by itself no further one is asked
//	-timeout     the run ends a little earlier, and the gate says how far it came
//	-short       live apps are not asked, also with EVAL_LIVE=1
//	-json        the output as events, for gotestsum and the like
//
// An app or evaluator that panics, or does not return in Config.Timeout, fails its
// own trial; the others go on.
//
// # Strict cases, gates, baselines
//
// With neither Gate nor Baseline every case is strict: it fails by itself when a
// score says no, when the app gives no answer, or when an evaluator gives no score.
// The subtest gate then has the check must_pass: {all: true}, so that reports have the
// verdict of the test, and says what no case can: that there was no case, or that no
// evaluator gives a verdict (it grades and has no threshold).
//
// An app that is right most of the time needs a limit instead:
//
//	evaltest.Run(t, evaltest.Params{
//		Config:   harness.Config{…, Trials: 5},
//		Gate:     []string{"contains.pass_rate >= 90%", "latency.p95 <= 2s", "errors.count == 0"},
//		Baseline: "testdata/baseline.json",
//	})
//
// Single cases then do not fail: what is wrong with them is in the output of the
// gate, and beside them with -v. Strict: true has it both ways. The checks are those
// of suites, see [github.com/evalrun/evalrun/harness/gate].
//
// With Trials the trials of a case are its subtests 1, 2, …; its mean counts, or
// what Reduce makes of them. Strict cases have to be right in each trial.
//
// A Baseline is a file in git with the scores of an earlier run, one line for each
// case. The gate pairs the cases and fails what is shown to be worse than chance
// explains (the check no_regression, a one-sided level of 5 % over all evaluators
// together). There being none is a failure which has the command that writes it:
//
//	EVALRUN_UPDATE=1 go test -run TestBot ./bot
//	go test ./bot -run TestBot -evalrun.update  # the same; flags of ours go behind the packages
//
// It is written by a run of all cases that passes the other checks. git diff shows
// whose scores changed.
//
// The gate passes, fails, or skips with a sentence: when -run or -skip chose only
// some cases, or where there is not enough evidence and AllowInconclusive is set. A
// pattern of two levels such as TestBot/case/late does not name the gate, which is
// then not there at all. What else keeps a run from a verdict fails: it was cut off,
// an error could decide it.
//
// # Live apps and recordings
//
// An app that costs money or needs the network is Live: true. go test alone never
// asks it; it replays testdata/evals/TestBot.jsonl, a file for git:
//
//	EVAL_LIVE=1 EVALRUN_RECORD=1 go test -run TestBot ./bot   asks, and writes the file
//	go test ./bot                                             replays it: no key, no network
//	EVAL_LIVE=1 go test ./bot                                 asks, and writes no file
//
// Without a recording the test skips and says how to make one; where CI is set it
// fails. Recording a few cases (-run) keeps the rest of the file; once the
// Settings have changed it is refused: all cases have to be recorded.
//
// A recording is of an input, a history, metadata, a number of trials, and of
// Settings: whatever else makes the answer, such as model and prompt. When one of
// these has changed since, the recording is stale: an error that says what changed,
// for which case, and has the command that records it anew. What is expected, and
// the evaluators, may change freely: answers are scored anew each time.
//
//	Settings: map[string]string{"model": model, "prompt": prompt},
//
// Answers have the latency and the cost that they had. Trials that got no answer are
// not recorded, and fail the recording. Secrets are cut out of all that is recorded,
// stored or shown: the values of environment variables whose names end in KEY,
// TOKEN, SECRET or PASSWORD, those that a suite names, and Params.Secrets.
//
// MaxCost stops a run when its answers have cost so many US dollars. It goes by the
// Output.CostUSD of the app: an answer without one counts as free.
//
// # Results
//
// The results of every run are in the folder .evalrun beside go.mod, which ignores
// itself in git, and which test packages that run at once share. The evalrun command
// reads it there:
//
//	evalrun list                       the runs; their names are PACKAGE.TEST, or Params.Name
//	evalrun show latest --case ID      one case with all its texts
//	evalrun compare RUN RUN            two runs, case by case
//	evalrun report latest -o junit:out.xml
//
// Reports of each eval are written by
//
//	EVALRUN_OUTPUT='junit:out/{suite}.xml,json:out/{suite}.json' go test ./...
//
// FORMAT:PATH, or a path whose ending says the format. A relative path begins in the
// folder of the package. {suite} is the eval's name, {app} its app's; where {suite} is
// missing the second eval of a package has its name put before the path's ending. The
// report of a part of the cases (-run) is at best inconclusive, and says so.
//
// A suite with publish: posts the results of each run of its test to Scale as they
// come, those of a part of the cases too; what could not be posted fails the gate,
// and evalrun publish goes on.
//
// # Environment
//
//	EVAL_LIVE=1        live apps may be asked
//	EVALRUN_RECORD=1   their answers are recorded; also -evalrun.record
//	EVALRUN_UPDATE=1   baselines are written; also -evalrun.update
//	EVALRUN_OUTPUT     reports to write: FORMAT:PATH,…
//	EVALRUN_STORE      another folder for the results, relative to that of go.mod; off keeps none
//	CI                 a live app without a recording fails instead of skipping
//
// 1 is anything but 0, false, no, off and nothing. The flags are known to test
// binaries that import this package alone: with ./... use the variables.
//
// # The test cache
//
// An eval that writes to the store of its module is never "(cached)": the store has
// changed since. With EVALRUN_STORE off or elsewhere go test takes the old result
// while the code, the variables and the files that were read are the same; it does
// not know that an app behind a network has changed. -count=1 asks again.
//
// # One answer
//
// Ordinary tests score single answers:
//
//	evaltest.Require(t, evaltest.Evaluator(t, "icontains: refund"), nil, answer, nil)
//	near := evaltest.Score(t, evaltest.Evaluator(t, "levenshtein"), question, answer, wanted)
//	if near.Value < 0.8 { … }
//
// [Require] fails the test unless every score passes; [Score] gives the score to
// you, and fails the test only when there is none.
//
// # Benchmarks
//
//	func BenchmarkBot(b *testing.B) { evaltest.Benchmark(b, evaltest.Params{Config: …}) }
//
//	go test -run '^$' -bench Bot -count 10 | tee new.txt && benchstat old.txt new.txt
//
// [Benchmark] asks the cases in turn, keeps nothing, and reports cases/s, tokens/s,
// p95-ms and usd/case beside the time of a case.
package evaltest
