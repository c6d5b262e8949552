package gate

import (
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/stat"
)

// A check that fails fast has two chances to do so, each with half of its level: a
// sequential test while the run goes on, case by case, and the usual test at its end.
// The first is an e-process over the cases that went either way, for each metric with
// its part of the half (Bonferroni). Together they are wrong with probability alpha at
// most.
//
// A case counts as worse or better once, by its reduced score; a trial that could not
// be scored counts as right. Of cases in clusters, which depend on each other, it says
// nothing.

// Sequential is the first of these tests. It has to be given the cases in the order of
// the run, which is random.
type Sequential struct {
	collector compare.Collector
	metrics   []string
	need      float64 // the evidence that ends the run
	clustered bool
	cases     int64
	stop      *Stop
}

// Stop is when a regression became certain.
type Stop struct {
	Metric string
	// Cases is how many had been compared; Worse and Better how many of them went
	// either way.
	Cases, Worse, Better int64
	// Evidence is the value of the e-process, and Needed what ends the run.
	Evidence, Needed float64
}

// NewSequential begins the test of a check; nil when it does not fail fast, or the
// runs can't be compared.
func (c Check) NewSequential(base, now compare.About, allowUnlike bool, reduce func([]float64) float64) *Sequential {
	if !c.FailsFast() || len(compare.Unlike(base, now)) > 0 && !allowUnlike {
		return nil
	}
	metrics := c.Compare.Metrics
	shared := compare.Shared(base, now)
	if len(metrics) == 0 {
		metrics = shared
	}
	slice := c.Compare.Slice
	return &Sequential{
		metrics: metrics, need: float64(len(metrics)) / c.Compare.level(),
		collector: compare.Collector{Reduce: reduce, Names: shared, Keep: func(c compare.Case) bool { return slice.has(c.Metadata) }},
	}
}

// FailsFast tells whether the check may end a run early.
func (c Check) FailsFast() bool { return c.Compare != nil && c.Compare.FailFast }

// level is that of each of the check's tests.
func (o *Compare) level() float64 {
	if o.FailFast {
		return o.Alpha / 2
	}
	return o.Alpha
}

// Add takes the next pair of cases, and tells whether a regression is certain.
func (s *Sequential) Add(base, now compare.Case) (certain bool) {
	if s.stop != nil || s.clustered {
		return s.stop != nil
	}
	if s.clustered = now.Cluster != ""; s.clustered {
		return false
	}
	s.collector.Add(base, now)
	s.cases++
	for _, name := range s.metrics {
		m := s.collector.Metric(name)
		if m == nil || m.Boundless() || m.Mixed { // what is missing could be anything
			continue
		}
		worse, better := m.High.Changed()
		if worse <= better {
			continue
		}
		if e := stat.EValue(worse, better); e >= s.need {
			s.stop = &Stop{Metric: name, Cases: s.cases, Worse: worse, Better: better, Evidence: e, Needed: s.need}
			return true
		}
	}
	return false
}

// Stop is when a regression became certain; nil as long as none is.
func (s *Sequential) Stop() *Stop {
	if s == nil {
		return nil
	}
	return s.stop
}

// String says it in words.
func (s Stop) String() string {
	return fmt.Sprintf("%s is certainly worse: of the first %s %s got worse and %s better, evidence %s of %s needed",
		s.Metric, count(s.Cases, "case"), thousands(s.Worse), thousands(s.Better), fixed(s.Evidence, 0), fixed(s.Needed, 0))
}

// failedFast makes a check that was decided early fail.
func failedFast(s Stop, r *harness.Report, out *harness.CheckResult) {
	out.Verdict = harness.Fail
	reason := s.String()
	if r.FailedFast {
		reason += "; the run stopped there, and says nothing of the cases that were left"
	}
	out.Reason = reason + "; so far " + out.Reason
	for i := range out.Comparisons {
		if out.Comparisons[i].Metric == s.Metric {
			out.Comparisons[i].Verdict = harness.Fail
		}
	}
}
