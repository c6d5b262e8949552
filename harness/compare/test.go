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
	case d.clustered():
		return d.byCluster(margin, up)
	case d.yesNo() && margin == 0:
		return d.mcnemar(exact, up)
	case d.yesNo() && !exact:
		z := stat.Tango(d.worse, d.better, d.n, margin)
		if !up {
			z = -z
		}
		return Evidence{stat.NormalCDF(z), testTango}
	}
	if e, ok := d.flips(margin, exact, up); ok {
		return e
	}
	if len(d.kept) <= mostKept {
		return Evidence{drawn(d.kept, margin, up), testDrawn}
	}
	return Evidence{tTest(d.Estimate(), margin, up), testT}
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
	var divisor int64
	for step := range d.steps {
		divisor = gcd(divisor, step*scale+shift)
	}
	differences := make([]int64, 0, d.n)
	for _, step := range slices.Sorted(maps.Keys(d.steps)) {
		v := (step*scale + shift) / max(divisor, 1)
		if up {
			v = -v
		}
		for range d.steps[step] {
			differences = append(differences, v)
		}
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
func (d *Differences) byCluster(margin float64, up bool) Evidence {
	e := d.Estimate()
	switch {
	case e.N < tooFewClusters:
		return Evidence{P: 1}
	case e.N >= fewClusters || len(d.kept) > mostKept:
		return Evidence{tTest(e, margin, up), testCluster}
	}
	return Evidence{drawn(d.clusterSums(margin), 0, up), testDrawn}
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

// SmallestDrop is the smallest true drop that a run like this one would have shown
// with the given power at a one-sided level: 0.8 and 0.05, say. +Inf when none.
//
// Plain yes and no: at least the drop that is significant when no case gets better.
func (d *Differences) SmallestDrop(alpha, power float64) float64 {
	e := d.Estimate()
	if e.N < 2 || math.IsNaN(e.SE) {
		return math.Inf(1)
	}
	variance := e.SE * e.SE * float64(d.n)
	least := 0.0
	if d.yesNo() && !d.clustered() {
		// One case more each way: what was not seen may happen.
		n := float64(d.n)
		changed := (float64(d.worse+d.better) + 1) / (n + 1)
		variance = max(variance, changed)
		for k := int64(1); k <= d.n; k++ {
			if _, mid := stat.McNemar(k, 0); mid <= alpha {
				least = float64(k) / n
				break
			}
		}
	}
	drop := stat.Design{Variance: variance, Alpha: alpha, Power: power}.Effect(float64(d.n))
	return max(drop, least)
}
