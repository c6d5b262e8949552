package compare

import (
	"maps"
	"math"
	"slices"

	"github.com/evalrun/evalrun/harness/stat"
)

// mostKept is how many differences off the grid are kept for drawn sign flips.
// From there on the t-test is as good.
const mostKept = 2000

// finest is how many steps of the grid there are to 1/K: scores in halves, thirds,
// quarters, fifths and so on are on it.
const finest = 120

// Differences collects what the pairs of one metric came to. The zero value is
// empty.
type Differences struct {
	moments       // of the differences
	worse, better int64
	base, now     total
	nowSquares    total            // of the scores of the new run
	parts         total            // what one lost trial takes from a case, times its score
	other         bool             // some value is neither 0 nor 1
	beyond        bool             // some value of the new run is outside of [0,1]
	grid          int64            // steps to 1; 0 before the first
	steps         map[int64]int64  // differences by steps of the grid
	off           bool             // some difference is off the grid
	kept          []float64        // the first differences
	clusters      map[string]*sums // nil while no case names one
	alone         int64            // cases without a cluster: each its own
	aloneSquares  total
	alones        []float64 // the first of their differences
}

type sums struct {
	n   int64
	sum float64
}

// add takes one pair: the reduced scores of a case, which are on a grid of that
// many steps when they are means over trials of yes and no. part is what the loss
// of one passed trial takes from a case; 0 where there are no verdicts.
func (d *Differences) add(base, now float64, cluster string, grid int64, part float64) {
	difference := now - base
	d.moments.add(difference)
	d.base.add(base)
	d.now.add(now)
	d.nowSquares.add(now * now)
	d.parts.add(now * part)
	d.other = d.other || base != 0 && base != 1 || now != 0 && now != 1
	d.beyond = d.beyond || now < 0 || now > 1
	switch {
	case difference < 0:
		d.worse++
	case difference > 0:
		d.better++
	}
	d.step(difference, grid)
	if len(d.kept) <= mostKept {
		d.kept = append(d.kept, difference)
	}
	if cluster == "" {
		d.alone++
		d.aloneSquares.add(difference * difference)
		if len(d.alones) < fewClusters {
			d.alones = append(d.alones, difference)
		}
		return
	}
	if d.clusters == nil {
		d.clusters = map[string]*sums{}
	}
	s := d.clusters[cluster]
	if s == nil {
		s = &sums{}
		d.clusters[cluster] = s
	}
	s.n++
	s.sum += difference
}

// step counts a difference on the grid, as long as all are on one.
func (d *Differences) step(difference float64, grid int64) {
	if d.off {
		return
	}
	grid *= finest
	if d.grid == 0 {
		d.grid, d.steps = grid, map[int64]int64{}
	}
	steps := math.Round(difference * float64(d.grid))
	if grid != d.grid || math.Abs(difference*float64(d.grid)-steps) > 1e-6 || math.Abs(steps) > 1e6 || len(d.steps) > mostKept {
		d.off, d.steps = true, nil
		return
	}
	d.steps[int64(steps)]++
}

// N is how many pairs there are.
func (d *Differences) N() int64 { return d.n }

// Changed is how many of the pairs got worse and how many better.
func (d *Differences) Changed() (worse, better int64) { return d.worse, d.better }

// Means are of the base and of the new run, over the pairs; NaN without any.
func (d *Differences) Means() (base, now float64) {
	return d.base.value() / float64(d.n), d.now.value() / float64(d.n)
}

// yesNo: each case of each run is a plain yes or no.
func (d *Differences) yesNo() bool { return !d.other && d.n > 0 }

// clustered: some cases share a context.
func (d *Differences) clustered() bool { return d.clusters != nil }

// groups is how many independent things there are.
func (d *Differences) groups() int64 {
	if !d.clustered() {
		return d.n
	}
	return int64(len(d.clusters)) + d.alone
}

// Estimate is of the mean difference, by cluster where there are clusters.
func (d *Differences) Estimate() stat.Estimate {
	if !d.clustered() {
		return d.moments.estimate()
	}
	e := stat.Estimate{Value: d.mean(), SE: math.NaN(), N: d.groups()}
	e.DF = float64(e.N - 1)
	if e.N < 2 {
		return e
	}
	// Σ(x-m)² of the cases that are alone; (Σx - n·m)² of each cluster.
	var inside float64
	all := d.sum.value()
	for _, name := range slices.Sorted(maps.Keys(d.clusters)) {
		s := d.clusters[name]
		all -= s.sum
		deviation := s.sum - float64(s.n)*e.Value
		inside += deviation * deviation
	}
	inside += max(d.aloneSquares.value()-2*e.Value*all+float64(d.alone)*e.Value*e.Value, 0)
	groups := float64(e.N)
	e.SE = math.Sqrt(inside) / float64(d.n) * math.Sqrt(groups/(groups-1))
	return e
}

// StdDev is the sample standard deviation of the differences; 0 below two pairs.
func (d *Differences) StdDev() float64 {
	if d.n < 2 {
		return 0
	}
	return math.Sqrt(d.scatter() / float64(d.n-1))
}
