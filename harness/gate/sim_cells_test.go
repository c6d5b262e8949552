package gate_test

import "fmt"

// cell is a design with the check that is simulated.
type cell struct {
	world
	check string
	// within is how far from 80 % the power of the smallest drop may be.
	within float64
}

func (c cell) String() string {
	if c.check == exactly {
		return c.world.String() + ", exact"
	}
	return c.world.String()
}

const (
	regression = "no_regression"
	exactly    = "no_regression: {exact: true}"
	slower     = "latency.ratio <= 1"
)

func sizes() []int { return []int{20, 50, 100, 200, 500} }

// nulls are designs of yes and no in which nothing changed.
func nulls() (all []cell) {
	add := func(check string, w world) { all = append(all, cell{world: w, check: check}) }
	for _, n := range sizes() {
		for _, p := range []float64{.5, .8, .95} {
			for _, spread := range []float64{1, 3, 0} {
				add(regression, world{kind: yesNo, n: n, k: 1, p: p, spread: spread})
			}
			add(regression, world{kind: yesNo, n: n, k: 3, p: p, spread: 1})
			add(regression, world{kind: yesNo, n: n, k: 5, p: p, spread: 1})
		}
		add(exactly, world{kind: yesNo, n: n, k: 1, p: .8, spread: 1})
		add(exactly, world{kind: yesNo, n: n, k: 3, p: .8, spread: 1})
	}
	return all
}

// otherNulls are of other scores, clusters, several evaluators and missing scores.
func otherNulls() (all []cell) {
	add := func(check string, w world) { all = append(all, cell{world: w, check: check}) }
	for _, n := range sizes() {
		for _, kind := range []string{ordinal, bounded, tied} {
			add(regression, world{kind: kind, n: n, k: 1, p: .8, spread: 3})
		}
		add(slower, world{kind: latency, n: n, k: 1, p: 1})
	}
	for _, n := range []int{100, 500} {
		for _, groups := range []int{5, 10, 20, 50} {
			for _, icc := range []float64{0, .2, .5} {
				add(regression, world{kind: yesNo, n: n, k: 1, p: .8, spread: 3, clusters: groups, icc: icc})
			}
			add(regression, world{kind: bounded, n: n, k: 1, p: .8, spread: 3, clusters: groups, icc: .5})
		}
	}
	for _, metrics := range []int{5, 20} {
		for _, rho := range []float64{0, .5, .9} {
			add(regression, world{kind: yesNo, n: 100, k: 1, p: .8, spread: 1, metrics: metrics, rho: rho})
		}
	}
	for _, p := range []float64{.5, .8, .95} {
		for _, trials := range []int{1, 3} {
			add(regression, world{kind: yesNo, n: 100, k: trials, p: p, spread: 1, missing: .05})
			add(regression, world{kind: yesNo, n: 100, k: trials, p: p, spread: 1, missing: .3, notRandom: true})
		}
	}
	return all
}

// drops are designs in which the app got worse.
func drops() (all []cell) {
	for _, drop := range []float64{.01, .02, .05, .1} {
		for _, n := range []int{50, 100, 200, 500} {
			for _, trials := range []int{1, 3, 5} {
				all = append(all, cell{check: regression, world: world{kind: yesNo, n: n, k: trials, p: .8, spread: 1, drop: drop}})
			}
		}
		for _, kind := range []string{ordinal, bounded} {
			all = append(all, cell{check: regression, world: world{kind: kind, n: 100, k: 1, p: .8, spread: 3, drop: drop}})
		}
		all = append(all, cell{check: slower, world: world{kind: latency, n: 100, k: 1, p: 1, drop: drop}})
	}
	return all
}

// smallests are designs of which the smallest drop is tried.
func smallests() (all []cell) {
	add := func(within float64, w world) {
		all = append(all, cell{world: w, check: regression, within: within})
	}
	for _, n := range sizes() {
		for _, p := range []float64{.5, .8, .95} {
			for _, trials := range []int{1, 3, 5} {
				add(.03, world{kind: yesNo, n: n, k: trials, p: p, spread: 1})
			}
			add(.03, world{kind: yesNo, n: n, k: 1, p: p})
		}
		within := .03
		if n < 50 {
			within = .07
		}
		add(within, world{kind: ordinal, n: n, k: 1, p: .8, spread: 3})
		add(within, world{kind: bounded, n: n, k: 1, p: .8, spread: 3})
	}
	for _, groups := range []int{5, 10, 20, 50} {
		within := .03
		if groups < 20 { // little is known of how clusters differ
			within = .07
		}
		add(within, world{kind: yesNo, n: 500, k: 1, p: .8, spread: 3, clusters: groups, icc: .2})
	}
	add(.03, world{kind: yesNo, n: 100, k: 1, p: .8, spread: 1, metrics: 5, rho: .5})
	return all
}

// proofs are designs in which what has to be shown is not so.
func proofs() (all []cell) {
	for _, n := range sizes() {
		for _, p := range []float64{.8, .95} {
			for _, trials := range []int{1, 3} {
				w := world{kind: yesNo, n: n, k: trials, p: p, spread: 1}
				all = append(all,
					cell{world: w, check: fmt.Sprintf("m0.pass_rate >= %g proven", p)})
				w.drop = .05
				all = append(all, cell{world: w, check: "no_regression: {mode: prove, margin: 0.05}"})
				w.missing, w.notRandom = .3, true
				all = append(all, cell{world: w, check: "no_regression: {mode: prove, margin: 0.05}"})
			}
		}
		w := world{kind: ordinal, n: n, k: 1, p: .8, spread: 3}
		all = append(all, cell{world: w, check: "m0.mean >= 0.8 proven"})
		w.drop = .05
		all = append(all, cell{world: w, check: "no_regression: {mode: prove, margin: 0.05}"})
		w = world{kind: yesNo, n: n, k: 1, p: .8, clusters: 10, icc: .2}
		all = append(all, cell{world: w, check: "m0.pass_rate >= 0.8 proven"})
	}
	return all
}
