package compare

import (
	"math"

	"github.com/evalrun/evalrun/harness/stat"
)

// SmallestDrop is that of the differences, for a drop that has to be seen whatever
// the trials that could not be scored were.
func (m *Metric) SmallestDrop(alpha, power float64) float64 {
	_, low := m.Low.Means()
	_, high := m.High.Means()
	return m.High.SmallestDrop(alpha, power) + (high - low)
}

// Interval is that of the differences, from the lowest end to the highest that the
// trials that could not be scored allow.
func (m *Metric) Interval(level float64) (low, high float64) {
	low, _ = m.Low.Interval(level)
	_, high = m.High.Interval(level)
	return low, high
}

// SmallestDrop is the smallest true drop of the mean that runs like these would
// have shown, without a margin, with the given power at a one-sided level: 0.8 and
// 0.05, say. +Inf when none, or when too little is known.
//
// How much two runs of the same app differ is taken from these two; a worse app is
// one that loses a part of what passes, whichever case it is of.
//
// Plain yes and no: the exact power of McNemar's mid-p test. Else the δ for which
//
//	δ = (t(1-α) + t(power))·√(V/n)
//
// with V the variance of a case's difference when so much is lost, times what
// clusters add to it.
func (d *Differences) SmallestDrop(alpha, power float64) float64 {
	_, now := d.Means()
	if d.groups() < 2 || !(now > 0) {
		return math.Inf(1)
	}
	if d.yesNo() && !d.clustered() {
		return d.smallestOfYesNo(alpha, power)
	}
	return d.smallestOfMeans(alpha, power)
}

// smallest finds, from 0 to most, the smallest drop that is found, to 1/10,000 of
// most; +Inf when none is.
func smallest(most float64, found func(drop float64) bool) float64 {
	if !found(most) {
		return math.Inf(1)
	}
	low, high := 0.0, most
	for range 14 {
		if mid := (low + high) / 2; found(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// smallestOfYesNo is the smallest drop of plain yes and no.
func (d *Differences) smallestOfYesNo(alpha, power float64) float64 {
	base, now := d.Means()
	either := float64(d.worse+d.better) / float64(d.n) / 2
	passed := max((base+now)/2, either)
	of := stat.McNemarPower(d.n, alpha)
	return smallest(now, func(drop float64) bool {
		lost := drop / now
		return of(min(either+lost*(passed-either), 1), either*(1-lost)) >= power
	})
}

// smallestOfMeans is the smallest drop of other scores.
func (d *Differences) smallestOfMeans(alpha, power float64) float64 {
	e := d.Estimate()
	_, now := d.Means()
	if math.IsNaN(e.SE) || d.StdDev() == 0 && d.parts.value() == 0 || d.clustered() && e.N < tooFewClusters {
		return math.Inf(1)
	}
	// The sample variance is less than the true one more often than not: this is the
	// part of it that half of the samples exceed, as a standard deviation (E. B.
	// Wilson and M. M. Hilferty, PNAS 17, 1931).
	middle := math.Pow(1-2/(9*e.DF), 1.5)
	level := alpha
	if d.clustered() && e.N < fewClusters { // the mid-p of sign flips comes in steps
		ways := math.Exp2(float64(e.N))
		level = max(math.Floor(alpha*ways+0.5), 1) / ways
	}
	t := stat.StudentQuantile(1-level, e.DF) + stat.StudentQuantile(power, e.DF)
	return smallest(now, func(drop float64) bool {
		return drop >= t*d.errorAt(e, drop/now)/middle
	})
}

// errorAt is the standard error of the mean difference when a part of what passes
// is lost. What clusters add to the variance grows for the new run, which is half of
// it, as that of yes and no does.
func (d *Differences) errorAt(e stat.Estimate, lost float64) float64 {
	n, sd := float64(d.n), d.StdDev()
	v := d.varianceAt(lost) / n
	if sd > 0 && d.clustered() {
		clusters := e.SE*e.SE*n/(sd*sd) - 1
		if clusters > 0 {
			clusters *= (1 + d.growth(lost)) / 2
		}
		v *= 1 + clusters
	}
	return math.Sqrt(v)
}

// growth is by how much the variance of yes and no with the mean of the new run
// grows when a part of it is lost; 1 where that is not known.
func (d *Differences) growth(lost float64) float64 {
	_, now := d.Means()
	if d.beyond || !(now > 0 && now < 1) {
		return 1
	}
	return (1 - lost) * (1 - now*(1-lost)) / (1 - now)
}

// varianceAt is that of a case's difference when a part of what passes is lost.
func (d *Differences) varianceAt(lost float64) float64 {
	n, sd := float64(d.n), d.StdDev()
	_, now := d.Means()
	if d.parts.value() > 0 {
		// Each trial is lost or not; the spread of the cases counts for the part lost.
		spread := max(d.nowSquares.value()/n-now*now, 0)
		return sd*sd*(1-lost) + lost*(1-lost)*d.parts.value()/n + lost*lost*spread
	}
	return sd * sd * (1 + d.growth(lost)) / 2 // half of it is the new run's
}
