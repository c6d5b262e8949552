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
// # Verdicts
//
// What is not known never passes:
//
//   - With no case, nothing scored, no verdict to count, or a cost or token
//     count that some answers lack, a check is [harness.Inconclusive]. (It fails
//     all the same where the known part alone breaks the limit.)
//   - A trial that the app did not answer counts as the worst score, 0 or 1 by
//     what the check asks. One that an evaluator could not score may have been 0
//     or 1: the check is decided both ways and is Inconclusive where they differ.
//   - A quantile of the latency is Inconclusive when so many trials have no
//     answer that it would fall among them.
//   - A run that is not complete, or in which every trial has an error, is
//     [harness.VerdictIncomplete] whatever the checks say; they are still shown.
//
//   - A case in quarantine (see package suite) is left out of must_pass, and of
//     nothing else. With more than 5 % of the cases in it the run is Inconclusive.
//
// The verdict of the whole is the first that applies of incomplete, fail,
// inconclusive, pass. Without any check it is Pass for a complete run with at
// least one score and no error, VerdictIncomplete with errors, and Inconclusive
// with nothing scored.
package gate
