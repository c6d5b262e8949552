package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// world is a design of an evaluation: how the cases, the app and the evaluators
// behave in a simulation. The base and the new run are of the same app, but for
// the drop.
type world struct {
	n, k int
	// p is the mean score of the base, and spread how much harder some cases are
	// than others: each has its own mean from Beta(p·spread, (1-p)·spread). 0: all
	// have p.
	p, spread float64
	// kind is what scores look like.
	kind string
	// Cases of a cluster go up and down together within a run: their latent normal
	// variables have the correlation icc.
	clusters int
	icc      float64
	// metrics is the number of evaluators, whose scores of a trial have the
	// correlation rho.
	metrics int
	rho     float64
	// missing is the part of the trials of the new run that can't be scored; with
	// notRandom it is that part of those that would fail.
	missing   float64
	notRandom bool
	// drop is how much the mean of the new run is lower: a part drop/p of what
	// passes is lost. For latencies it is the part by which they are longer. Of
	// several metrics, the first one drops.
	drop float64
}

// The kinds of scores.
const (
	yesNo   = "yes/no"
	ordinal = "ordinal 5" // 0, 0.25 … 1
	bounded = "bounded"   // uniform around the case's mean
	tied    = "tied"      // nine cases of ten always have the same score
	latency = "latency"   // lognormal
)

func (w world) String() string {
	s := fmt.Sprintf("%s n=%d K=%d p=%g", w.kind, w.n, w.k, w.p)
	if w.kind == latency {
		s = fmt.Sprintf("%s n=%d K=%d", w.kind, w.n, w.k)
	} else if w.spread > 0 {
		s += fmt.Sprintf(" spread %g", w.spread)
	}
	if w.clusters > 0 {
		s += fmt.Sprintf(" G=%d ICC=%g", w.clusters, w.icc)
	}
	if w.metrics > 1 {
		s += fmt.Sprintf(" m=%d rho=%g", w.metrics, w.rho)
	}
	if w.missing > 0 {
		s += fmt.Sprintf(" missing %g%%", w.missing*100)
		if w.notRandom {
			s += " of failures"
		}
	}
	return s
}

// runs are a base and a new run that are drawn again and again.
type runs struct {
	world
	random      *rand.Rand
	base, now   []compare.Case
	pass, fail  bool
	theta, mean []float64 // of the cases; their logarithmic mean latencies
}

func newRuns(w world, seed uint64) *runs {
	r := &runs{world: w, random: rand.New(rand.NewPCG(seed, 1)), pass: true}
	r.metrics = max(r.metrics, 1)
	for i := range w.n {
		for _, side := range []*[]compare.Case{&r.base, &r.now} {
			c := compare.Case{ID: strconv.Itoa(i), Hash: "h"}
			if w.clusters > 0 {
				c.Cluster = "g" + strconv.Itoa(i%w.clusters)
			}
			for range w.k {
				c.Trials = append(c.Trials, compare.Trial{Scores: map[string]compare.Score{}, LatencyMS: 1})
			}
			*side = append(*side, c)
		}
	}
	r.theta, r.mean = make([]float64, w.n), make([]float64, w.n)
	return r
}

// draw gives every case its difficulty and every trial its scores.
func (r *runs) draw() {
	for i := range r.theta {
		r.theta[i] = r.p
		if r.spread > 0 {
			r.theta[i] = r.beta(r.p*r.spread, (1-r.p)*r.spread)
		}
		r.mean[i] = r.random.NormFloat64()
	}
	r.side(r.base, 0, false)
	r.side(r.now, r.drop, true)
}

func (r *runs) side(cases []compare.Case, drop float64, now bool) {
	shared := make([]float64, max(r.clusters, 1))
	for g := range shared {
		shared[g] = r.random.NormFloat64()
	}
	for i := range cases {
		for j := range cases[i].Trials {
			theta := r.theta[i] * (1 - drop/r.p)
			t := &cases[i].Trials[j]
			if r.kind == latency {
				z := r.latent(shared[i%len(shared)], r.icc)
				t.LatencyMS = math.Exp(r.mean[i]+0.5*z) * (1 + drop)
				continue
			}
			trial := r.latent(shared[i%len(shared)], r.icc)
			for m := range r.metrics {
				if m > 0 {
					theta = r.theta[i]
				}
				t.Scores[metricName(m)] = r.score(theta, i, stat.NormalCDF(r.latent(trial, r.ofMetrics())), now)
			}
		}
	}
}

func metricName(m int) string { return "m" + strconv.Itoa(m) }

// ofMetrics is the correlation of an evaluator with what all see of a trial.
func (r *runs) ofMetrics() float64 {
	if r.metrics == 1 {
		return 1
	}
	return r.rho
}

// latent is normal, with that part of its variance shared.
func (r *runs) latent(shared, part float64) float64 {
	if part == 1 {
		return shared
	}
	return math.Sqrt(part)*shared + math.Sqrt(1-part)*r.random.NormFloat64()
}

// score is that of a trial, for u uniform in (0,1): its mean is theta.
func (r *runs) score(theta float64, at int, u float64, now bool) compare.Score {
	var s compare.Score
	width := min(theta, 1-theta)
	switch {
	case r.kind == yesNo:
		s.Pass = &r.fail
		if u < theta {
			s.Value, s.Pass = 1, &r.pass
		}
	case r.kind == ordinal:
		for k := int64(0); k < 4 && stat.BinomialAtMost(k, 4, theta) < u; k++ {
			s.Value += 0.25
		}
	case r.kind == tied && at%10 != 0:
		s.Value = theta
	default:
		s.Value = theta + width*(2*u-1)
	}
	lost := now && r.missing > 0 && r.random.Float64() < r.missing
	if lost && (!r.notRandom || s.Value < 0.5) {
		return compare.Score{Missing: true}
	}
	return s
}

// beta draws from Beta(a, b).
func (r *runs) beta(a, b float64) float64 {
	x, y := r.gamma(a), r.gamma(b)
	if x+y == 0 { // both too small for a float64
		return math.Round(r.random.Float64() - 0.5 + a/(a+b))
	}
	return x / (x + y)
}

// gamma draws by the method of G. Marsaglia and W. W. Tsang, ACM Transactions on
// Mathematical Software 26 (2000).
func (r *runs) gamma(shape float64) float64 {
	if shape < 1 {
		return r.gamma(shape+1) * math.Pow(r.random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.random.NormFloat64()
		v := math.Pow(1+c*x, 3)
		if v > 0 && math.Log(1-r.random.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
