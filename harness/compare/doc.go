// Package compare sets a run against another one, its base, case by case.
//
// Cases are paired by ID and content. Each pair gives a difference per metric,
// after the trials of a case were reduced to one number: so the difficulty of a
// case, which is most of the noise of a mean, cancels out.
//
// # Which test
//
// Both directions are tested one-sided: that the run is worse than the base by
// more than a margin, and that it is not worse by the margin.
//
//	yes or no, one trial, no margin    McNemar's mid-p test
//	yes or no, one trial, a margin     Tango's score test
//	several trials, or other scores    the sign flips of the differences: exact on a
//	                                   grid, drawn for other numbers, and the paired
//	                                   t-test from 2,000 cases on
//	cases in clusters                  standard errors by cluster (CR1) and t with one
//	                                   degree less than there are clusters; sign flips
//	                                   of their sums below 20; nothing below 5
//	a margin, not worse by it          besides, for all but the first two, the variance
//	                                   that a loss of the margin would bring: losses
//	                                   that are rare and large may not have shown
//	latency, cost                      the paired t-test on the logarithm of the ratio
//
// # What is missing
//
// A trial that the app did not answer counts as 0. One that an evaluator could not
// score is unknown: everything is computed twice, with 0 and with 1 in its place,
// and what differs between the two is not known. Unknown trials of the base are
// left out, and the case too when it has no other.
//
// Memory does not depend on the number of cases, but on that of clusters and of
// different values.
package compare
