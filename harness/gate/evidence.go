package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/evalrun/evalrun/harness/compare"
)

// Sources are what checks about single cases read.
type Sources struct {
	// Now is the run that is judged.
	Now compare.Side
	// Baseline finds a baseline by name; "" is the default one. ErrNoBaseline says
	// that there is none, which makes checks inconclusive.
	Baseline func(ctx context.Context, name string) (compare.Side, error)
	// Reduce makes one number of a case's trials; nil is the mean.
	Reduce func(scores []float64) float64
	// AllowUnlike compares also with a baseline of other evaluators.
	AllowUnlike bool
	// OnNew and OnRemoved say what cases mean that only one of the runs has.
	OnNew, OnRemoved Policy
	// Started is when the run began: quarantines that had ended by then do nothing.
	Started time.Time
	// Partial: the run takes a part of the suite's cases.
	Partial bool
}

// ErrNoBaseline is the cause of an error of a baseline that does not exist.
var ErrNoBaseline = errors.New("there is no such baseline")

// Policy is what to do about cases that are in one run only.
type Policy string

// The policies. The zero value is PolicyWarn.
const (
	PolicyIgnore       Policy = "ignore"
	PolicyWarn         Policy = "warn"
	PolicyInconclusive Policy = "inconclusive"
	PolicyFail         Policy = "fail"
)

// Policies are their names.
func Policies() []string {
	return []string{string(PolicyIgnore), string(PolicyWarn), string(PolicyInconclusive), string(PolicyFail)}
}

// Evidence is what checks found in the cases. Its memory does not depend on how
// many there are, beyond clusters and different scores.
type Evidence struct {
	sources Sources
	slices  map[Slice]*part
	pairs   map[string]*paired // by the name of the baseline
	must    map[int]*musts     // by the place of the check
	quick   map[int]*share     // trials within the limit of a latency, likewise

	quarantine *quarantine
}

// part is what is known of a slice of the run.
type part struct {
	ends    [2]scored // trials without an answer count 0, and 1
	errored share
}

// scored are the verdicts and the values of metrics.
type scored struct{ passes, values compare.Collector }

// share is that of the trials of which something is true. The trials of a case
// depend on each other, and so do the cases of a cluster.
type share struct {
	n, trials int64
	cases     compare.Collector
}

func (s *share) add(c compare.Case, is func(compare.Trial) bool) {
	yesNo := compare.Case{ID: c.ID, Cluster: c.Cluster}
	for _, t := range c.Trials {
		yes, value := is(t), 0.0
		if s.trials++; yes {
			s.n++
			value = 1
		}
		yesNo.Trials = append(yesNo.Trials, compare.Trial{Scores: map[string]compare.Score{"": {Value: value, Pass: &yes}}})
	}
	s.cases.AddAlone(yesNo)
}

// evidence is that the share is above the limit, or below it.
func (s *share) evidence(limit float64, above bool) compare.Evidence {
	m := s.cases.Metric("")
	switch {
	case m == nil:
		return compare.Evidence{P: 1}
	case above:
		return m.Low.Above(limit)
	}
	return m.Low.Below(limit)
}

// paired is the comparison with one baseline.
type paired struct {
	base    compare.About
	pairing compare.Pairing
	slices  map[Slice]*compare.Collector
	unlike  []string
	was, is []string // metrics of one of the runs only
	missing error

	sequential map[string]*Sequential // by the text of the check
}

// Needed tells whether any check looks at single cases.
func Needed(checks []Check) bool {
	return slices.ContainsFunc(checks, func(c Check) bool { return c.needsCases() || c.Compares() })
}

// Gather reads the run, once for each baseline and once for the checks that need
// none, and those baselines.
func Gather(ctx context.Context, checks []Check, s Sources) (*Evidence, error) {
	e := &Evidence{sources: s, slices: map[Slice]*part{}, pairs: map[string]*paired{}, must: map[int]*musts{}, quick: map[int]*share{},
		quarantine: newQuarantine(checks, s.Started)}
	for i, c := range checks {
		if c.MustPass != nil {
			e.must[i] = newMusts(*c.MustPass, e.quarantine.active)
		}
		if c.MustPass == nil && c.Quarantine == nil && c.needsCases() && e.slices[c.Slice] == nil {
			names := s.Now.About().Metrics
			p := &part{}
			for i := range p.ends {
				worst := float64(i)
				p.ends[i] = scored{
					passes: compare.Collector{Reduce: s.Reduce, Names: names, Unanswered: worst},
					values: compare.Collector{Reduce: s.Reduce, Names: names, Unanswered: worst, Values: true},
				}
			}
			e.slices[c.Slice] = p
		}
		if c.needsCases() && c.kind() == kindLatency {
			e.quick[i] = &share{}
		}
	}
	listed := slices.ContainsFunc(checks, func(c Check) bool { return c.Quarantine != nil })
	if len(e.slices)+len(e.must) > 0 || listed {
		if err := e.read(ctx, checks); err != nil {
			return nil, err
		}
	}
	for _, c := range checks {
		for _, name := range c.Baselines() {
			if err := e.pair(ctx, name, checks); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// read looks at each case of the run.
func (e *Evidence) read(ctx context.Context, checks []Check) error {
	for c, err := range e.sources.Now.Cases(ctx) {
		if err != nil {
			return fmt.Errorf("gate: read the run: %w", err)
		}
		e.quarantine.add(c.ID)
		for slice, p := range e.slices {
			if slice.has(c.Metadata) {
				p.add(c)
			}
		}
		for i, check := range checks {
			switch {
			case check.MustPass != nil:
				e.must[i].add(c)
			case e.quick[i] != nil && check.Slice.has(c.Metadata):
				e.quick[i].add(c, check.within)
			}
		}
	}
	return nil
}

func (p *part) add(c compare.Case) {
	for i := range p.ends {
		p.ends[i].passes.AddAlone(c)
		p.ends[i].values.AddAlone(c)
	}
	p.errored.add(c, func(t compare.Trial) bool { return t.Error != "" || unscored(t) })
}

func unscored(t compare.Trial) bool {
	for _, s := range t.Scores {
		if s.Missing {
			return true
		}
	}
	return false
}

// within tells whether there is an answer that keeps the limit of a latency.
func (c Check) within(t compare.Trial) bool { return t.Error == "" && c.holds(t.LatencyMS) }

// pair compares with one baseline, in all the slices that any check asks for.
func (e *Evidence) pair(ctx context.Context, name string, checks []Check) error {
	if e.pairs[name] != nil {
		return nil
	}
	p := &paired{slices: map[Slice]*compare.Collector{}}
	e.pairs[name] = p
	if e.sources.Baseline == nil {
		p.missing = ErrNoBaseline
		return nil
	}
	base, err := e.sources.Baseline(ctx, name)
	switch {
	case errors.Is(err, ErrNoBaseline):
		p.missing = err
		return nil
	case err != nil:
		return fmt.Errorf("gate: %w", err)
	}
	p.base = base.About()
	p.unlike = compare.Unlike(p.base, e.sources.Now.About())
	names := compare.Shared(p.base, e.sources.Now.About())
	p.was, p.is = compare.Alone(p.base, e.sources.Now.About())
	for _, c := range checks {
		slice := c.Slice
		if c.Compare != nil {
			slice = c.Compare.Slice
		}
		if slices.Contains(c.Baselines(), name) && p.slices[slice] == nil {
			p.slices[slice] = &compare.Collector{
				Reduce: e.sources.Reduce, Names: names,
				Keep: func(c compare.Case) bool { return slice.has(c.Metadata) },
			}
		}
	}
	p.sequential = map[string]*Sequential{}
	for _, c := range checks {
		if !slices.Contains(c.Baselines(), name) {
			continue
		}
		if s := c.NewSequential(p.base, e.sources.Now.About(), e.sources.AllowUnlike, e.sources.Reduce); s != nil {
			p.sequential[c.Text] = s
		}
	}
	p.pairing, err = compare.Pair(ctx, base, e.sources.Now, p.add)
	if err != nil {
		return fmt.Errorf("gate: compare with baseline %s: %w", name, err)
	}
	return nil
}

// add takes a pair of cases.
func (p *paired) add(base, now compare.Case) {
	for _, collector := range p.slices {
		collector.Add(base, now)
	}
	for _, s := range p.sequential {
		s.Add(base, now)
	}
}
