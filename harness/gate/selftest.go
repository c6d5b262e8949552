package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// SelfTest is what the gate says of runs that do not differ: the trials of one run
// were split at random into two halves, again and again, and each time the one half
// was judged against the other. Every failure is a false alarm.
type SelfTest struct {
	// Splits is how many there were.
	Splits int64
	// Cases is how many were split, TooFew how many have too few trials for that.
	// Half is how many trials of a case one half has: the fewest and the most.
	Cases, TooFew int64
	Half          [2]int
	Checks        []CheckAlarms
}

// CheckAlarms is what one comparison came to.
type CheckAlarms struct {
	Check string
	Alarms
	Metrics []MetricAlarms
}

// MetricAlarms is what one metric of it came to, as one of all its metrics.
type MetricAlarms struct {
	Metric string
	Alarms
}

// Alarms counts splits.
type Alarms struct {
	// Failed is how often the gate failed, Inconclusive how often it was that.
	Failed, Inconclusive int64
	// Dropped is how often any mean was lower at all: the false alarms of a gate
	// that fails on any drop.
	Dropped int64
}

// SelfTestOptions say how the trials are split.
type SelfTestOptions struct {
	// Splits is how many there are, Seed what they follow from.
	Splits int
	Seed   int64
	// Reduce makes one number of a case's trials; nil is the mean. It needs at least
	// so many trials: 0 is 1.
	Reduce func(scores []float64) float64
	Least  int
}

// ErrTooFewTrials: no case has enough trials to be split.
var ErrTooFewTrials = errors.New("no case has enough trials to be split")

// RunSelfTest splits the trials of a run and judges by those of the checks that are
// no_regression, or by no_regression as it is when none is. Of an odd number of
// trials one is left out each time.
//
// The scores of the run are kept in memory: about 100 bytes for a case and 50 for a
// trial, and 500 for each trial whose scores are like no other's.
func RunSelfTest(ctx context.Context, run compare.Side, checks []Check, o SelfTestOptions) (SelfTest, error) {
	checks, err := regressions(checks)
	if err != nil {
		return SelfTest{}, err
	}
	t := &selfTester{checks: checks, options: o, about: run.About()}
	out := SelfTest{Splits: int64(o.Splits)}
	if err := t.read(ctx, run, &out); err != nil {
		return out, err
	}
	if out.Cases == 0 {
		return out, ErrTooFewTrials
	}
	if err := t.all(ctx); err != nil {
		return out, err
	}
	for i, c := range checks {
		out.Checks = append(out.Checks, t.counts[i].of(c))
	}
	return out, nil
}

// regressions are the checks that a self-test is about.
func regressions(checks []Check) ([]Check, error) {
	var out []Check
	for _, c := range checks {
		if c.Compare != nil && !c.Compare.Improve {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	c, err := Parse(nameRegression)
	return []Check{c}, err
}

// selfTester has what the splits share.
type selfTester struct {
	checks  []Check
	options SelfTestOptions
	about   compare.About
	cases   []compare.Case
	seen    map[string]compare.Trial // trials with the same scores are the same

	mu     sync.Mutex
	counts []*alarmCounts // of each check
}

// read keeps the scores of the run.
func (t *selfTester) read(ctx context.Context, run compare.Side, out *SelfTest) error {
	t.seen = map[string]compare.Trial{}
	sliced := slices.ContainsFunc(t.checks, func(c Check) bool { return c.Compare.Slice != (Slice{}) })
	least := max(t.options.Least, 1)
	for c, err := range run.Cases(ctx) {
		if err != nil {
			return fmt.Errorf("self-test: read the run: %w", err)
		}
		half := len(c.Trials) / 2
		if half < least {
			out.TooFew++
			continue
		}
		kept := compare.Case{Cluster: c.Cluster, Trials: make([]compare.Trial, len(c.Trials))}
		if sliced {
			kept.Metadata = c.Metadata
		}
		for i, trial := range c.Trials {
			kept.Trials[i] = t.shared(trial)
		}
		if out.Cases == 0 {
			out.Half[0] = half
		}
		out.Half = [2]int{min(out.Half[0], half), max(out.Half[1], half)}
		out.Cases++
		t.cases = append(t.cases, kept)
	}
	t.seen = nil
	return nil
}

// mostSeen is how many different trials are looked up.
const mostSeen = 10_000

// shared is a trial with the same scores that was there before, or this one without
// what no test looks at.
func (t *selfTester) shared(trial compare.Trial) compare.Trial {
	key := []byte(trial.Error)
	for _, name := range slices.Sorted(maps.Keys(trial.Scores)) {
		s := trial.Scores[name]
		key = fmt.Appendf(key, "\x00%q %x %t %t", name, math.Float64bits(s.Value), s.Missing, s.Pass != nil)
		if s.Pass != nil {
			key = fmt.Append(key, *s.Pass)
		}
	}
	if known, ok := t.seen[string(key)]; ok {
		return known
	}
	trial.LatencyMS, trial.CostUSD = 0, nil
	if len(t.seen) < mostSeen {
		t.seen[string(key)] = trial
	}
	return trial
}

// all makes the splits, as many at once as there are processors.
func (t *selfTester) all(ctx context.Context) error {
	for range t.checks {
		t.counts = append(t.counts, &alarmCounts{metrics: map[string]*Alarms{}})
	}
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for n := w; n < t.options.Splits; n += workers {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				t.split(n)
			}
			return nil
		})
	}
	return g.Wait()
}

// split makes the split of that number, the same one each time, and judges it.
func (t *selfTester) split(n int) {
	random := rand.New(rand.NewPCG(uint64(t.options.Seed), uint64(n)))
	collectors := make([]*compare.Collector, len(t.checks))
	sequential := make([]*Sequential, len(t.checks)) // nil for checks that do not fail fast
	for i, c := range t.checks {
		slice := c.Compare.Slice
		collectors[i] = &compare.Collector{Reduce: t.options.Reduce, Names: t.about.Metrics,
			Keep: func(c compare.Case) bool { return slice.has(c.Metadata) }}
		sequential[i] = c.NewSequential(t.about, t.about, true, t.options.Reduce)
	}
	var trials []compare.Trial
	for _, c := range t.cases {
		trials = append(trials[:0], c.Trials...)
		random.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		half := len(trials) / 2
		base, now := c, c
		base.Trials, now.Trials = trials[:half], trials[half:2*half]
		for _, collector := range collectors {
			collector.Add(base, now)
		}
		for _, s := range sequential {
			if s != nil {
				s.Add(base, now)
			}
		}
	}
	for i, c := range t.checks {
		out := c.decidePairs(collectors[i])
		if stop := sequential[i].Stop(); stop != nil {
			failedFast(*stop, &harness.Report{}, &out)
		}
		t.mu.Lock()
		t.counts[i].add(out)
		t.mu.Unlock()
	}
}

// alarmCounts adds up what a check said.
type alarmCounts struct {
	Alarms
	metrics map[string]*Alarms
}

func (a *alarmCounts) add(out harness.CheckResult) {
	dropped := false
	for _, x := range out.Comparisons {
		m := a.metrics[x.Metric]
		if m == nil {
			m = &Alarms{}
			a.metrics[x.Metric] = m
		}
		m.count(x.Verdict, lower(x))
		dropped = dropped || lower(x)
	}
	a.count(out.Verdict, dropped)
}

func (a *Alarms) count(v harness.Verdict, dropped bool) {
	switch v {
	case harness.Fail:
		a.Failed++
	case harness.Inconclusive:
		a.Inconclusive++
	}
	if dropped {
		a.Dropped++
	}
}

func (a *alarmCounts) of(c Check) CheckAlarms {
	out := CheckAlarms{Check: c.Text, Alarms: a.Alarms}
	for _, name := range slices.Sorted(maps.Keys(a.metrics)) {
		out.Metrics = append(out.Metrics, MetricAlarms{name, *a.metrics[name]})
	}
	return out
}

// lower tells whether a mean has dropped by more than the rounding of sums.
func lower(x harness.Comparison) bool { return x.Difference < -1e-12 }
