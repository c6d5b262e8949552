// Package plan says how many cases and trials a run needs to see a drop.
//
// # The model
//
// A run is compared with its baseline case by case, both with the same cases and
// trials, by the one-sided test of no_regression. The difference of a case varies
// for two reasons. One is chance: an app that has not changed answers the same
// question now right, now wrong. Its variance within a case, σ², is halved by
// twice the trials. The other is that a change does not hit each case alike: the
// plan takes the worst, that a drop of δ is a part δ of the cases which lose the
// whole score. So the variance of a difference is
//
//	2σ²/trials + δ(1-δ)
//
// and more trials alone do not make every drop visible. How hard the cases are, the
// variance between them, cancels out.
//
// For yes or no with one trial the number of cases is that of McNemar's test, with a
// part σ²+δ of the cases that get worse and σ² that get better, else that of a paired
// test with this variance: see [stat.McNemarCases] and [stat.Design]. With several
// metrics each is planned at the level over their number, which is what Holm's method
// asks when one of them drops alone.
package plan
