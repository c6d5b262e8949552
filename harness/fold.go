package harness

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Fold adds up results into a Report. It holds one entry per metric and one per
// case that still waits for some of its trials, never the results themselves.
// It is not safe for concurrent use.
type Fold struct {
	trials  int
	cases   Counts
	done    Counts
	errors  map[ErrorKind]int64
	retries int64
	metrics map[string]*metricFold
	open    map[string]*caseFold // by Case.ID, while trials are missing
	latency histogram
	tokens  Tokens
	cost    exactSum
	costs   int64
	answers int64
	// reduce makes one number of the trials of a case; nil is their mean.
	reduce func(scores []float64) float64
	silent int64 // whole cases without any answer
}

// NewFold starts a report over trials per case (0 means 1). The names are the
// evaluators': they are in the report even when nothing was scored.
func NewFold(trials int, evaluators ...string) *Fold {
	f := &Fold{
		trials: max(trials, 1), errors: map[ErrorKind]int64{},
		metrics: map[string]*metricFold{}, open: map[string]*caseFold{},
	}
	for _, name := range evaluators {
		f.metric(name)
	}
	return f
}

// Reduce says how the scores of a case's trials become one number, when that is not
// their mean. It is to be called before Add. The scores are those of the trials
// that have one, in order; verdicts are 1 and 0.
func (f *Fold) Reduce(reduce func(scores []float64) float64) { f.reduce = reduce }

// Add counts one result. Each (case, trial) must be added once.
func (f *Fold) Add(r Result) {
	f.done.Completed++
	f.retries += int64(max(r.Attempts-1, 0))
	if r.Errored() {
		f.done.Errored++
	}
	if r.Error != nil {
		f.errors[r.Error.Kind]++
	}
	if r.Output != nil {
		f.addAnswer(r)
	}
	c := f.open[r.Case.ID]
	if c == nil {
		c = &caseFold{}
		if f.trials > 1 {
			f.open[r.Case.ID] = c
		}
	}
	c.results++
	c.errored = c.errored || r.Errored()
	if r.Error != nil {
		c.unanswered++
	}
	for _, s := range r.Scores {
		c.scores = append(c.scores, trialScore{r.Trial, s})
	}
	if c.results == f.trials {
		delete(f.open, r.Case.ID)
		f.close(c)
		f.cases.Completed++
		if c.errored {
			f.cases.Errored++
		}
	}
}

func (f *Fold) addAnswer(r Result) {
	f.answers++
	f.latency.add(r.Latency)
	if u := r.Output.Usage; u != nil {
		f.tokens.Input += u.InputTokens
		f.tokens.Output += u.OutputTokens
		f.tokens.Counted++
	}
	if r.Output.CostUSD != nil {
		f.costs++
		f.cost.add(*r.Output.CostUSD)
	}
}

// close reduces the trials of one case.
func (f *Fold) close(c *caseFold) {
	slices.SortStableFunc(c.scores, func(a, b trialScore) int {
		if d := cmp.Compare(a.score.Name, b.score.Name); d != 0 {
			return d
		}
		return cmp.Compare(a.trial, b.trial)
	})
	for start := 0; start < len(c.scores); {
		end := start + 1
		for end < len(c.scores) && c.scores[end].score.Name == c.scores[start].score.Name {
			end++
		}
		m := f.metric(c.scores[start].score.Name)
		m.add(c.scores[start:end])
		if f.reduce != nil {
			m.addReduced(c.scores[start:end], c.unanswered, f.reduce)
		}
		start = end
	}
	if c.unanswered == c.results {
		f.silent++
	}
}

func (f *Fold) metric(name string) *metricFold {
	m := f.metrics[name]
	if m == nil {
		m = &metricFold{}
		f.metrics[name] = m
	}
	return m
}

// Report gives the report of what was added so far; planned is how many cases
// there should be. More results may be added afterwards.
func (f *Fold) Report(planned int64) *Report {
	g := *f // cases with missing trials count with the trials that they have
	if len(f.open) > 0 {
		g.metrics = map[string]*metricFold{}
		for name, m := range f.metrics {
			c := *m
			c.mean, c.squares, c.pass, c.trials = m.mean.clone(), m.squares.clone(), m.pass.clone(), m.trials.clone()
			c.scoreOf, c.passOf = m.scoreOf.clone(), m.passOf.clone()
			g.metrics[name] = &c
		}
		for _, id := range slices.Sorted(maps.Keys(f.open)) {
			g.close(f.open[id])
		}
	}
	r := &Report{
		Cases: g.cases, Trials: g.done, TrialsPerCase: f.trials,
		Errors: maps.Clone(f.errors), Retries: f.retries,
		Latency: f.latency.summary(), Tokens: f.tokens, Status: Complete,
	}
	r.Cases.Planned, r.Trials.Planned = planned, planned*int64(f.trials)
	if r.Trials.Completed < r.Trials.Planned {
		r.Status = Incomplete
	}
	if f.costs > 0 {
		cost := f.cost.value()
		r.CostUSD, r.CostUnknown = &cost, f.answers-f.costs
	}
	unanswered := r.AppErrors()
	for _, name := range slices.Sorted(maps.Keys(g.metrics)) {
		m := g.metrics[name].metric(name, unanswered)
		if f.reduce != nil {
			g.metrics[name].reduced(&m, g.silent)
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

// caseFold collects the trials of one case.
type caseFold struct {
	results    int
	unanswered int
	errored    bool
	scores     []trialScore
}

type trialScore struct {
	trial int
	score Score
}

// metricFold adds up one metric over cases.
type metricFold struct {
	n, scored, unscored   int64
	judgedN               int64
	judged, passed        int64
	min, max              float64
	mean, squares, trials exactSum // case means, their squares, trial values
	pass                  exactSum // case pass rates

	scoreOf, passOf reducedSum
}

// add takes the scores of one case, in the order of its trials.
func (m *metricFold) add(scores []trialScore) {
	var sum float64
	var n, judged, passed int64
	for _, t := range scores {
		s := t.score
		if s.Error != nil {
			m.unscored++
			continue
		}
		if m.scored == 0 || s.Value < m.min {
			m.min = s.Value
		}
		if m.scored == 0 || s.Value > m.max {
			m.max = s.Value
		}
		m.scored++
		n++
		sum += s.Value
		m.trials.add(s.Value)
		if s.Pass != nil {
			judged++
			if *s.Pass {
				passed++
			}
		}
	}
	if n > 0 {
		mean := sum / float64(n)
		m.n++
		m.mean.add(mean)
		m.squares.add(mean * mean)
	}
	if judged > 0 {
		m.judgedN++
		m.judged += judged
		m.passed += passed
		m.pass.add(float64(passed) / float64(judged))
	}
}

func (m *metricFold) metric(name string, unanswered int64) Metric {
	out := Metric{
		Name: name, N: m.n, Scored: m.scored, Unscored: m.unscored,
		Min: m.min, Max: m.max, Judged: m.judged, Passed: m.passed,
	}
	if m.n > 0 {
		out.Mean = m.mean.value() / float64(m.n)
		out.StdDev = sampleDeviation(m.n, m.mean.value(), m.squares.value())
	}
	if m.judgedN > 0 {
		rate := m.pass.value() / float64(m.judgedN)
		out.PassRate = &rate
	}
	out.MeanBounds = bounds(out.Mean, m.trials.value(), m.scored, m.unscored, unanswered)
	if out.PassRate != nil {
		out.PassBounds = bounds(*out.PassRate, float64(m.passed), m.judged, m.unscored, unanswered)
	}
	return out
}

// bounds of a mean over all trials, when some are unknown (0 or 1) and some
// unanswered (0).
func bounds(mean, sum float64, n, unknown, unanswered int64) [2]float64 {
	if unknown == 0 && unanswered == 0 {
		return [2]float64{mean, mean}
	}
	all := float64(n + unknown + unanswered)
	return [2]float64{sum / all, (sum + float64(unknown)) / all}
}

// summary gives the quantiles that a report shows.
func (h *histogram) summary() Latency {
	return Latency{
		N: h.n, Mean: h.mean(), P50: h.quantile(0.50), P95: h.quantile(0.95), Max: time.Duration(h.max),
	}
}
