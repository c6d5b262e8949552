// Package gate turns a report into a verdict: [Parse] reads a check such as
//
//	equals.pass_rate >= 90%
//
// and [Judge] decides a list of them.
//
// # Checks
//
// A check is METRIC.STATISTIC OPERATOR LIMIT. The operator is one of >= <= > <
// ==. The last dot before it ends the metric, so an evaluator's name may hold
// dots, hyphens and spaces.
//
//	<evaluator>.pass_rate   share of passes, 0 to 1: the mean over the cases
//	<evaluator>.mean        mean score over the cases
//	<evaluator>.min .max    lowest and highest score of any trial
//	<evaluator>/<part>.…    the same of a part that an evaluator of your own gives
//	                        beside its metric, as a score of the name evaluator/part
//	latency.p50 .p95 .max .mean   of the answers; a duration: 300ms, 2s, 1m30s
//	errors.rate .count      trials that the app did not answer or that an
//	                        evaluator could not score
//	cost.total .mean        US dollars: of the run, and per answer
//	tokens.total .input .output   of the run
//	cases.completed         cases with all their trials
//
// A rate or a score may be written as a percentage: 90% is 0.9. A duration is
// kept in milliseconds, as limit and as value. A metric of an evaluator that is
// itself called latency or cost is meant where the statistic is not one of that
// line: latency.pass_rate is the evaluator's.
//
// Values that differ by less than one part in 10¹² count as equal.
//
// After the limit may come:
//
//	proven           the limit has to be shown to hold, at a one-sided level of 5 %, for
//	                 cases like these and not just for these: a rate, a mean, a quantile
//	                 or a ratio. It passes when it is, fails when the value misses the
//	                 limit, and is inconclusive in between.
//	where KEY=VALUE  only the cases with this metadata: scores, errors and ratios
//	vs BASELINE      what a ratio is relative to
//	plain            as it is, without a test: so are all but ratios decided anyway
//
// Proof for plain yes and no is the exact binomial test; for other scores in [0,1],
// and shares of several trials per case, the binomial test of the effective size
// (Korn and Graubard), by cluster where there are clusters; beyond [0,1] Student's t
// from 30 cases on.
//
// # Comparisons with a baseline
//
//	latency.ratio <= 1.2 vs main   geometric means, case by case; fails when shown to be
//	cost.ratio <= 1.1              beyond the limit
//	no_regression                  no evaluator's metric is shown to be worse
//	no_regression: {mode: prove, margin: 2%}
//	improvement: {by: 1%}          every metric is shown to be better by more than that
//	must_pass: [ID, …]             these cases pass in every trial; no statistics
//
// Options of no_regression and improvement:
//
//	baseline    its name, a run or a file; else the one of --baseline, or main
//	metrics     those to compare; else all
//	mode        alarm (default): fails what is shown to be worse by more than the margin,
//	            and passes the rest; with several metrics the p-values are adjusted by
//	            Holm's method, so that all of them together give 5 % false alarms.
//	            prove: passes when every metric is shown not to be worse by the margin,
//	            fails when one is shown to be, and is inconclusive in between
//	alpha       the one-sided level, 0.05
//	margin      the loss that does not matter, 0
//	by          of improvement: the gain that is asked for, 0
//	min_effect  the drop that matters. Where the smallest drop that such a run shows in
//	            80 % of cases is larger, the check says that it is underpowered
//	strict      underpowered is inconclusive then
//	exact       tests that never exceed their level; without a margin
//	coverage    the share of the cases of both runs that have to be in both with the
//	            same content, and of these the share of which the baseline has a score,
//	            0.95; below it the check is inconclusive
//	fail_fast   of no_regression: ends the run as soon as it is certain to fail, below
//	where       KEY=VALUE: only the cases with this metadata
//
// Options of must_pass: cases, where, all, metrics. With all: true every case has to
// pass; a trial without any verdict is then no obstacle if others have one.
//
// Which test is taken is in [github.com/evalrun/evalrun/harness/compare]: trials
// are reduced to one number per case first, cases are paired by ID and content, and
// those in a cluster count together. A baseline of other evaluators is not compared
// with (--allow-unlike does). Cases that only one of the runs has are ignored, named
// (warn), make the check inconclusive, or fail it: --on-new-tasks and
// --on-removed-tasks say which.
//
// Trials that the app did not answer count 0. For those that an evaluator could not
// score both ends are computed: worse has to show with the unknown ones of the new
// run as 1, better and not worse with 0; the smallest drop is one that shows all the
// same. Where scores go beyond 0 to 1 these are no ends, and the check is inconclusive.
//
// # Failing fast
//
// no_regression: {fail_fast: true} ends a run as soon as the regression is certain,
// and fails. Cases are then asked in random order, by the seed of the run, and looked
// at in that order, each once all its trials are there. The check has two tests, each
// at half of its level: one on the way, an e-process over the cases that went either
// way ([stat.EValue]) with its part of the half for each metric, and the usual one at
// the end. Together they fail an unchanged app no more often than the level says; the
// one at the end has a little less power than without fail_fast.
//
// A case counts as worse or better once, by its reduced score. So with several trials,
// or scores that are not yes or no, what is shown on the way is that more cases get
// worse than better. Cases in clusters never end a run, nor do trials that could not
// be scored.
//
// A run that was stopped is not complete and its verdict is fail all the same (exit
// code 1); it can be resumed, goes to its end then, and still fails. The dataset is
// read into memory for the order, a million cases at most, and a run that was stopped
// can't be resumed when cases were added to it. Each case is read from the store once
// more, with its baseline's, which takes about a millisecond of one processor: for an
// app that answers faster than that fail_fast makes a run slower.
//
// # How often it is wrong
//
// In percent, of runs that are simulated with the gate itself, 80 % right answers,
// difficulty from Beta(0.8, 0.2); beside rules that fail any drop, a drop of more
// than 2 points, and a significant unpaired z-test. SIMULATION.md in this folder has
// the other designs.
//
//	                    nothing changed: false alarms            5 points lost: found
//	cases  trials   evalrun  any drop  2 points  unpaired z   evalrun  unpaired z
//	  100       1       4.8      45.2      26.5         1.0      29.5        13.6
//	  100       3       4.8      46.4      17.0         0.1      61.6        15.2
//	  200       1       5.2      46.9      21.8         1.1      48.5        27.8
//	  200       3       5.2      47.3      10.5         0.1      85.5        39.4
//
// False alarms: 20,000 runs each, go test ./harness/gate -run SimFalseAlarms
// -sim.runs 20000 -sim.table out.md -timeout 3h. Found: 2,000 runs each, -run
// SimPower -sim.runs 2000.
//
// # Verdicts
//
// What is not known never passes:
//
//   - With no case, nothing scored, no verdict to count, or a cost or token
//     count that some answers lack, a check is [harness.Inconclusive]. (It fails
//     all the same where the known part alone breaks the limit.)
//
//   - A trial that the app did not answer counts as the worst score, 0 or 1 by
//     what the check asks. One that an evaluator could not score may have been 0
//     or 1: the check is decided both ways and is Inconclusive where they differ.
//
//   - A quantile of the latency is Inconclusive when so many trials have no
//     answer that it would fall among them.
//
//   - A run that is not complete, unless it failed fast, or in which every trial has
//     an error, is [harness.VerdictIncomplete] whatever the checks say; they are still
//     shown.
//
//   - A case in quarantine (see package suite) is left out of must_pass, and of
//     nothing else. With more than 5 % of the cases in it the run is Inconclusive.
//
// The verdict of the whole is the first that applies of incomplete, fail,
// inconclusive, pass. Without any check it is Pass for a complete run with at
// least one score and no error, VerdictIncomplete with errors, and Inconclusive
// with nothing scored.
package gate
