package compare

import (
	"github.com/evalrun/evalrun/harness/stat"
)

// enoughForT is from how many cases on the t-test is taken for scores beyond [0,1].
const enoughForT = 30

// The tests of a level.
const (
	testBinomial  = "exact binomial"
	testEffective = "binomial of the effective size"
	testLevelT    = "t"
)

// Above is the evidence that the mean of a run is above limit, of cases that
// [Collector.AddAlone] took.
func (d *Differences) Above(limit float64) Evidence { return d.level(limit, true) }

// Below is the evidence that it is below limit.
func (d *Differences) Below(limit float64) Evidence { return d.level(limit, false) }

// level tests plain yes and no exactly. Other scores in [0,1] take the place of so
// many yes and no as vary as much: see effective. Scores beyond them are tested by t
// from 30 independent ones on.
func (d *Differences) level(limit float64, up bool) Evidence {
	e := d.Estimate()
	switch {
	case d.n == 0:
		return Evidence{P: 1}
	case d.yesNo() && !d.clustered() && limit >= 0 && limit <= 1:
		if up {
			return Evidence{stat.BinomialAtLeast(d.better, d.n, limit), testBinomial}
		}
		return Evidence{stat.BinomialAtMost(d.better, d.n, limit), testBinomial}
	case e.N < 2 || d.clustered() && e.N < tooFewClusters:
		return Evidence{P: 1}
	case !d.beyond && limit > 0 && limit < 1:
		return Evidence{d.effective(e, limit, up), testEffective}
	case e.N < enoughForT:
		return Evidence{P: 1}
	case up:
		return Evidence{e.Above(limit), testLevelT}
	}
	return Evidence{e.Below(limit), testLevelT}
}

// effective is the exact binomial test of scores in [0,1] as if they were so many
// yes and no: mean·(1-mean)/SE². Those are not fewer than the independent ones that
// there are, and not more than there would be if one case of them were at the far
// end: scores that happen not to vary say little of what they may.
//
// Source: E. L. Korn and B. I. Graubard, Confidence Intervals for Proportions with
// Small Expected Number of Positive Counts Estimated from Survey Data, Survey
// Methodology 24 (1998).
func (d *Differences) effective(e stat.Estimate, limit float64, up bool) float64 {
	mean, n, groups := min(max(e.Value, 0), 1), float64(d.n), float64(e.N)
	if !up {
		mean, limit = 1-mean, 1-limit
	}
	size := groups
	if mean > 0 && e.SE > 0 {
		size = min(mean*(1-mean)/(e.SE*e.SE), n*n*(1-mean)/mean)
		ratio := stat.StudentQuantile(0.95, n-1) / stat.StudentQuantile(0.95, e.DF)
		size = max(size*ratio*ratio, groups)
	}
	if mean == 0 {
		return 1
	}
	return stat.RegularizedBeta(limit, size*mean, size*(1-mean)+1)
}
