package compare

import (
	"maps"
	"math"
	"slices"

	"github.com/evalrun/evalrun/harness/stat"
)

// Evidence is what a test says. P is 1 when nothing can be said.
type Evidence struct {
	P float64
	// Test names the test; "" when there was none.
	Test string
}

// The names of the tests.
const (
	testMcNemar = "McNemar mid-p"
	testExact   = "McNemar exact"
	testTango   = "Tango score"
	testFlips   = "sign flips"
	testDrawn   = "sign flips, drawn"
	testT       = "paired t"
	testCluster = "clustered t"
	testScore   = "score test"
)

// The numbers of clusters below which the t-test by cluster is not trusted, and
// below which nothing is.
const (
	fewClusters    = 20
	tooFewClusters = 5
)

// draws of signs where their distribution is not made.
const draws = 9999

// Worse is the evidence that the new run is worse than the base by more than the
// margin, which is not below 0. exact takes tests that never exceed their level.
func (d *Differences) Worse(margin float64, exact bool) Evidence {
	return d.test(margin, exact, false)
}

// NotWorse is the evidence that it is not worse by the margin. With a negative
// margin it is that the new run is better by more than that.
func (d *Differences) NotWorse(margin float64, exact bool) Evidence {
	return d.test(margin, exact, true)
}

func (d *Differences) test(margin float64, exact, up bool) Evidence {
	switch {
	case d.n == 0:
		return Evidence{P: 1}
	case !d.clustered() && d.yesNo() && margin == 0:
		return d.mcnemar(exact, up)
	case !d.clustered() && d.yesNo() && !exact:
		z := stat.Tango(d.worse, d.better, d.n, margin)
		if !up {
			z = -z
		}
		return Evidence{stat.NormalCDF(z), testTango}
	}
	e := d.means(margin, exact, up)
	if up && margin > 0 && e.Test != "" {
		if p := d.score(margin); p > e.P {
			return Evidence{p, testScore}
		}
	}
	return e
}

// means tests other scores than plain yes and no.
func (d *Differences) means(margin float64, exact, up bool) Evidence {
	if d.clustered() {
		return d.byCluster(margin, exact, up)
	}
	if e, ok := d.flips(margin, exact, up); ok {
		return e
	}
	if len(d.kept) <= mostKept {
		return Evidence{drawn(d.kept, margin, up), testDrawn}
	}
	return Evidence{tTest(d.Estimate(), margin, up), testT}
}

// score is the p-value of not being worse by the margin with the variance that the
// differences had if the margin were lost, as Tango's test has it: losses that are
// rare and large don't show in the variance of those that did not lose.
func (d *Differences) score(margin float64) float64 {
	e := d.Estimate()
	_, now := d.Means()
	further := e.Value + margin
	if d.beyond || further <= 0 || now <= 0 || e.N < 2 {
		return 0
	}
	e.SE = max(e.SE, d.errorAt(e, min(further/now, 1)))
	return e.Above(-margin)
}

func (d *Differences) mcnemar(exact, up bool) Evidence {
	worse, better := d.worse, d.better
	if up {
		worse, better = better, worse
	}
	conservative, mid := stat.McNemar(worse, better)
	if exact {
		return Evidence{conservative, testExact}
	}
	return Evidence{mid, testMcNemar}
}

func tTest(e stat.Estimate, margin float64, up bool) float64 {
	if up {
		return e.Above(-margin)
	}
	return e.Below(-margin)
}

// flips is the exact distribution of the signs of differences on a grid, shifted
// by the margin.
func (d *Differences) flips(margin float64, exact, up bool) (Evidence, bool) {
	if d.off || d.n > signFlipCases {
		return Evidence{}, false
	}
	scale, shift, ok := onGrid(margin * float64(d.grid))
	if !ok {
		return Evidence{}, false
	}
	differences := make([]int64, 0, d.n)
	for _, step := range slices.Sorted(maps.Keys(d.steps)) {
		for range d.steps[step] {
			differences = append(differences, step*scale+shift)
		}
	}
	return signFlips(differences, exact, up)
}

// signFlips tests whole numbers, which it divides by what they have in common.
func signFlips(differences []int64, exact, up bool) (Evidence, bool) {
	var divisor int64
	for _, x := range differences {
		divisor = gcd(divisor, x)
	}
	if divisor = max(divisor, 1); up {
		divisor = -divisor
	}
	for i := range differences {
		differences[i] /= divisor
	}
	conservative, mid, ok := stat.SignFlip(differences)
	if exact {
		mid = conservative
	}
	return Evidence{mid, testFlips}, ok
}

// signFlipCases is the most cases for which the exact distribution is tried.
const signFlipCases = 100_000

// onGrid gives a scale up to 1000 at which x is a whole number.
func onGrid(x float64) (scale, whole int64, ok bool) {
	for scale = 1; scale <= 1000; scale++ {
		at := x * float64(scale)
		if math.Abs(at-math.Round(at)) < 1e-9*max(1, math.Abs(at)) {
			return scale, int64(math.Round(at)), true
		}
	}
	return 0, 0, false
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// drawn shifts the differences by the margin and draws signs.
func drawn(differences []float64, margin float64, up bool) float64 {
	shifted := make([]float64, len(differences))
	for i, x := range differences {
		shifted[i] = x + margin
		if up {
			shifted[i] = -shifted[i]
		}
	}
	return stat.SignFlipDraws(shifted, draws, 1)
}

// byCluster tests cases of which some depend on each other.
func (d *Differences) byCluster(margin float64, exact, up bool) Evidence {
	e := d.Estimate()
	switch {
	case e.N < tooFewClusters:
		return Evidence{P: 1}
	case e.N >= fewClusters || len(d.kept) > mostKept:
		return Evidence{tTest(e, margin, up), testCluster}
	}
	sums := d.clusterSums(margin)
	if scale, _, ok := onGrid(margin * float64(d.grid)); ok && !d.off {
		steps := make([]int64, len(sums))
		for i, x := range sums {
			steps[i] = int64(math.Round(x * float64(d.grid*scale)))
		}
		if e, ok := signFlips(steps, exact, up); ok {
			return e
		}
	}
	return Evidence{drawn(sums, 0, up), testDrawn}
}

// clusterSums are the differences, shifted by the margin, summed up by cluster. A
// few clusters only: the cases that are alone are few too.
func (d *Differences) clusterSums(margin float64) []float64 {
	var out []float64
	for _, name := range slices.Sorted(maps.Keys(d.clusters)) {
		s := d.clusters[name]
		out = append(out, s.sum+float64(s.n)*margin)
	}
	for _, x := range d.alones {
		out = append(out, x+margin)
	}
	return out
}

// Interval is of the mean difference: Tango's for plain yes and no, else Student's,
// by cluster where there are clusters.
func (d *Differences) Interval(level float64) (low, high float64) {
	if d.yesNo() && !d.clustered() {
		low, high = stat.TangoInterval(d.worse, d.better, d.n, level)
		return -high, -low
	}
	return d.Estimate().Interval(level)
}
