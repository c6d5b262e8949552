package compare

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/stat"
)

// Collector adds pairs of cases up.
type Collector struct {
	// Reduce makes one number of a case's trials; nil is the mean.
	Reduce func(scores []float64) float64
	// Keep chooses the cases of a slice; nil takes all.
	Keep func(Case) bool
	// Values takes the scores of metrics that give verdicts too; without it their
	// verdicts count, as 0 and 1.
	Values bool
	// MostFlips is how many flipped cases are kept, each with all its metrics; 0 keeps
	// none.
	MostFlips int
	// Unanswered is the score of a trial that the app did not answer: 0, or 1 where
	// that is the worst.
	Unanswered float64
	// Names are the metrics that are looked at, see [Shared]: they count as 0 in a
	// case without any answer. nil is those that scores have.
	Names []string

	metrics       map[string]*Metric
	flips         []Flip
	flipped       int // cases in flips
	latency, cost Ratio
	cases         int64
}

// Metric is one metric over the pairs.
type Metric struct {
	Name string
	// Low takes the trials of the new run that could not be scored as 0, High as 1.
	// They are the same when all were.
	Low, High Differences
	// Unknown counts those trials.
	Unknown int64
	// Lost counts the pairs that are left out because the base, or what its trials
	// are reduced to, says nothing of them.
	Lost int64

	// Silent counts the pairs in which the base has no answer, in any trial.
	Silent int64
	// Mixed: some scores give a verdict and some do not, so that they can't be
	// compared.
	Mixed bool

	passes, decided bool
	errored         bool // some trial got no answer
	below, above    bool // some score is below 0, or above 1
	unanswered      float64
	values          bool // scores count also where there are verdicts
}

// Boundless tells that scores are missing which could be anything, since others go
// beyond 0 to 1: neither Low nor High is an end then.
func (m *Metric) Boundless() bool {
	worst := m.below
	if m.unanswered > 0 {
		worst = m.above
	}
	return m.errored && worst || m.Unknown > 0 && (m.below || m.above)
}

// Flip is a case that has another verdict than in the base: more than half of its
// trials pass in one and not in the other.
type Flip struct {
	ID, Metric string
	Base, New  float64 // reduced scores
}

// Ratio compares positive numbers, such as latencies, by the logarithm of their
// ratio.
type Ratio struct {
	logarithms moments
}

func (r *Ratio) add(base, now float64) {
	if !(base > 0 && now > 0) || math.IsInf(base, 1) || math.IsInf(now, 1) {
		return
	}
	r.logarithms.add(math.Log(now) - math.Log(base))
}

// Estimate is of the mean logarithm.
func (r *Ratio) Estimate() stat.Estimate { return r.logarithms.estimate() }

// Ratio is that of the geometric means, new to base, with its interval.
func (r *Ratio) Ratio(level float64) (ratio, low, high float64) {
	e := r.Estimate()
	low, high = e.Interval(level)
	return math.Exp(e.Value), math.Exp(low), math.Exp(high)
}

// Run pairs two runs and adds the pairs up in each of the collectors.
func Run(ctx context.Context, base, now Side, collectors ...*Collector) (Pairing, error) {
	return Pair(ctx, base, now, func(b, n Case) {
		for _, c := range collectors {
			c.Add(b, n)
		}
	})
}

// Add takes one pair.
func (c *Collector) Add(base, now Case) { c.add(&base, now) }

func (c *Collector) add(base *Case, now Case) {
	if c.Keep != nil && !c.Keep(now) {
		return
	}
	if c.metrics == nil {
		c.metrics = map[string]*Metric{}
	}
	c.cases++
	for _, name := range c.names(base, now) {
		m := c.metrics[name]
		if m == nil {
			m = &Metric{Name: name, decided: c.Values, values: c.Values, unanswered: c.Unanswered}
			c.metrics[name] = m
		}
		c.addMetric(m, base, now)
	}
	if base == nil {
		return
	}
	c.latency.add(meanLatency(*base), meanLatency(now))
	if b, ok := meanCost(*base); ok {
		if n, ok := meanCost(now); ok {
			c.cost.add(b, n)
		}
	}
}

// AddAlone takes a case of one run as if each score of its base were 0: the means
// and estimates of the differences are then those of the run.
func (c *Collector) AddAlone(now Case) { c.add(nil, now) }

// Cases is how many pairs were added.
func (c *Collector) Cases() int64 { return c.cases }

// Metrics are sorted by name.
func (c *Collector) Metrics() []*Metric {
	var out []*Metric
	for _, name := range slices.Sorted(maps.Keys(c.metrics)) {
		out = append(out, c.metrics[name])
	}
	return out
}

// Verdicts tells whether the metric gives them.
func (m *Metric) Verdicts() bool { return m.passes }

// Metric gives the metric of that name, nil when no pair has it.
func (c *Collector) Metric(name string) *Metric { return c.metrics[name] }

// Latency and Cost compare those of the answers, case by case.
func (c *Collector) Latency() *Ratio { return &c.latency }
func (c *Collector) Cost() *Ratio    { return &c.cost }

// Flips are those of the first flipped cases, case by case.
func (c *Collector) Flips() []Flip { return c.flips }

// names are the metrics of a pair.
func (c *Collector) names(base *Case, now Case) []string {
	if c.Names != nil {
		return c.Names
	}
	var out []string
	trials := now.Trials
	if base != nil {
		trials = slices.Concat(trials, base.Trials)
	}
	for _, t := range trials {
		for name := range t.Scores {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// addMetric reduces one metric of a pair.
func (c *Collector) addMetric(m *Metric, base *Case, now Case) {
	was, grid := 0.0, int64(1)
	if base != nil {
		b, _ := m.scores(*base, math.NaN())
		b = slices.DeleteFunc(b, math.IsNaN)
		was, grid = math.NaN(), int64(len(b))
		if len(b) > 0 {
			was = c.reduce(b)
		}
		if math.IsNaN(was) { // of no trial, or of fewer than the k of a reducer
			if c.Names != nil || base.has(m.Name) {
				m.Lost++
			}
			return
		}
	}
	low, unknown := m.scores(now, 0)
	high, _ := m.scores(now, 1)
	if len(low) == 0 {
		return
	}
	is := c.reduce(low)
	if math.IsNaN(is) {
		m.Lost++
		return
	}
	if base != nil && !slices.ContainsFunc(base.Trials, func(t Trial) bool { return t.Error == "" }) {
		m.Silent++
	}
	m.Unknown += int64(unknown)
	grid = lcm(grid, int64(len(low)))
	part := 0.0
	if m.passes {
		part = 1 / float64(len(low))
	}
	m.Low.add(was, is, now.Cluster, grid, part)
	m.High.add(was, c.reduce(high), now.Cluster, grid, part)
	if base != nil && (was > 0.5) != (is > 0.5) && m.passes && unknown == 0 {
		c.flip(Flip{ID: now.ID, Metric: m.Name, Base: was, New: is})
	}
}

// flip keeps a flip, unless it is of one case too many. Those of a case come one
// after the other.
func (c *Collector) flip(f Flip) {
	if n := len(c.flips); n == 0 || c.flips[n-1].ID != f.ID {
		if c.flipped >= c.MostFlips {
			return
		}
		c.flipped++
	}
	c.flips = append(c.flips, f)
}

// scores are those of a case's trials: 1 and 0 for verdicts where the metric gives
// them, those of [Collector.Unanswered] without an answer, and missing where it could not be scored.
func (m *Metric) scores(c Case, missing float64) (scores []float64, unknown int) {
	for _, t := range c.Trials {
		s, ok := t.Scores[m.Name]
		switch {
		case t.Error != "":
			scores = append(scores, m.unanswered)
			m.errored = true
		case !ok || s.Missing:
			scores = append(scores, missing)
			unknown++
		default:
			if !m.decided {
				m.decided, m.passes = true, s.Pass != nil
			}
			m.Mixed = m.Mixed || !m.values && m.passes != (s.Pass != nil)
			v := m.value(s)
			m.below, m.above = m.below || v < 0, m.above || v > 1
			scores = append(scores, v)
		}
	}
	return scores, unknown
}

// has tells whether some trial says anything of a metric.
func (c Case) has(metric string) bool {
	return slices.ContainsFunc(c.Trials, func(t Trial) bool {
		_, ok := t.Scores[metric]
		return ok
	})
}

func (m *Metric) value(s Score) float64 {
	switch {
	case !m.passes:
		return s.Value
	case s.Pass != nil && *s.Pass:
		return 1
	}
	return 0
}

func (c *Collector) reduce(scores []float64) float64 {
	if c.Reduce == nil {
		return reduce.Reducer{}.Reduce(scores)
	}
	return c.Reduce(scores)
}

func lcm(a, b int64) int64 { return a / gcd(a, b) * b }

func meanLatency(c Case) float64 {
	var sum float64
	n := 0
	for _, t := range c.Trials {
		if t.Error == "" && t.LatencyMS > 0 {
			sum += t.LatencyMS
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// meanCost is not ok when some answer's cost is not known.
func meanCost(c Case) (mean float64, ok bool) {
	n := 0
	for _, t := range c.Trials {
		if t.Error != "" {
			continue
		}
		if t.CostUSD == nil {
			return 0, false
		}
		mean += *t.CostUSD
		n++
	}
	return mean / float64(max(n, 1)), n > 0
}
