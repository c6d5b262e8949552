package compare

import (
	"math"

	"github.com/evalrun/evalrun/harness/stat"
)

// enoughForT is from how many cases on the t-test is taken for a mean.
const enoughForT = 30

// The tests of a level.
const (
	testBinomial  = "exact binomial"
	testHoeffding = "Hoeffding's bound"
	testLevelT    = "t"
)

// Above is the evidence that the mean of a run is above limit, of cases that
// [Collector.AddAlone] took.
func (d *Differences) Above(limit float64) Evidence { return d.level(limit, true) }

// Below is the evidence that it is below limit.
func (d *Differences) Below(limit float64) Evidence { return d.level(limit, false) }

// level tests plain yes and no exactly; other means by t from 30 independent ones
// on, and below that by the bound of W. Hoeffding, Probability Inequalities for
// Sums of Bounded Random Variables, Journal of the American Statistical
// Association 58 (1963), which wants scores in [0,1].
func (d *Differences) level(limit float64, up bool) Evidence {
	groups := d.groups()
	switch {
	case d.n == 0:
		return Evidence{P: 1}
	case d.yesNo() && !d.clustered() && limit >= 0 && limit <= 1:
		if up {
			return Evidence{stat.BinomialAtLeast(d.better, d.n, limit), testBinomial}
		}
		return Evidence{stat.BinomialAtMost(d.better, d.n, limit), testBinomial}
	case groups >= enoughForT:
		e := d.Estimate()
		if up {
			return Evidence{e.Above(limit), testLevelT}
		}
		return Evidence{e.Below(limit), testLevelT}
	case d.beyond || d.clustered():
		return Evidence{P: 1}
	}
	_, mean := d.Means()
	gap := mean - limit
	if !up {
		gap = -gap
	}
	if gap <= 0 {
		return Evidence{1, testHoeffding}
	}
	return Evidence{math.Exp(-2 * float64(d.n) * gap * gap), testHoeffding}
}
