package evaltest

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
)

// driver runs the trials as subtests.
type driver struct {
	*eval
	demand   harness.Demand
	trials   int
	failfast bool
	cases    []harness.Case // that there are
	tape     *tape          // nil without a recording
	anew     bool           // the recording that there is has other settings
	allStale int            // cases that can't be replayed
	stales   int            // of them, those that go test has chosen
	chosen   *chosen        // by -run
	refused  error          // why nothing is run though cases are chosen
	started  bool           // the engine; false when there is nothing to run
	failed   atomic.Bool    // some strict case

	mu    sync.Mutex
	wrong []string       // failure texts of the first cases that were wrong and did not fail by themselves
	noted map[string]int // how many of their trials were
	begun int            // subtests of trials
	left  int            // of them, those whose trial was not run
}

// drive makes a subtest of each case and lets the engine run those that go test
// has chosen, each when its turn comes.
func (d *driver) drive(ctx context.Context, c harness.Config) (report *harness.Report, err error) {
	d.t.Helper()
	if d.cases, err = harness.Choose(ctx, c); err != nil {
		return nil, err
	}
	c.Filter, c.Sample, c.Limit = nil, 0, 0
	d.trials = c.Trials
	d.failfast, _ = flagValue("test.failfast").(bool)
	if c, err = d.record(c); err != nil {
		return nil, err
	}
	d.chosen = newChosen(len(d.cases))
	c.Source, c.Demand = d.chosen, &d.demand
	d.refused = d.noBaseline
	ended := make(chan struct{})
	start := func() {
		d.started = true
		go func() {
			defer close(ended)
			report, err = harness.Run(ctx, c)
		}()
	}
	defer func() { // also when a subtest ends this goroutine
		if d.started {
			<-ended
		}
	}()
	defer d.demand.Close()
	d.parent.Run("case", func(t *testing.T) {
		t.Helper()
		defer d.chosen.close()
		name := subtestNames(d.cases)
		for i := range d.cases {
			t.Run(name(d.cases[i].ID), func(t *testing.T) {
				if d.trials > 1 {
					t.Helper() // for the subtests below
				}
				if o := d.subtest(t, &d.cases[i]); o.text != "" {
					t.Helper()
					o.tell(t)
				}
			})
			if !d.started && d.refused == nil && !d.anew && d.chosen.n() > 0 {
				start() // it plans the first cases while further subtests begin
			}
		}
		d.chosen.close()
		switch {
		case d.started || d.chosen.n() == 0:
		case d.anew && d.partial():
			d.refused = d.needsAll("not asked")
		case d.refused == nil || d.partial():
			start()
		}
	})
	if !d.started {
		return nil, runner.ErrNothing
	}
	d.demand.Close()
	<-ended
	return report, err
}

// subtest is that of one case.
func (d *driver) subtest(t *testing.T, tc *harness.Case) outcome {
	if why := d.stale(*tc); why != "" {
		d.stales++
		return outcome{failed, d.tellStale(t.Name(), tc.ID, why)}
	}
	d.chosen.add(*tc) // subtests begin one after the other
	t.Parallel()
	if d.trials == 1 {
		return d.trial(t, tc.ID, 1)
	}
	t.Helper()
	for n := 1; n <= d.trials; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Helper()
			t.Parallel()
			d.trial(t, tc.ID, n).tell(t)
		})
	}
	return outcome{}
}

// outcome is what a subtest has to say. The zero value says nothing.
type outcome struct {
	verdict verdict
	text    string
}

type verdict int

const (
	passed verdict = iota // or judged by the gate
	failed
	skipped
)

// tell is the last that a subtest does. Its callers are helpers, so that messages
// have the line of the test: of those with nothing to say that would be a waste.
func (o outcome) tell(t *testing.T) {
	t.Helper()
	switch {
	case o.text == "":
	case o.verdict == failed:
		t.Error(o.text)
	case o.verdict == skipped:
		t.Skip(o.text)
	default:
		t.Log(o.text)
	}
}

// trial is the subtest of one trial.
func (d *driver) trial(t *testing.T, id string, n int) outcome {
	d.begins()
	if d.failfast && d.failed.Load() {
		d.unasked()
		return outcome{skipped, "not asked: another case has failed, and -failfast is set"}
	}
	if !d.started {
		return outcome{skipped, "not run: the subtest gate says why"}
	}
	// A subtest's own context ends after it, so there is nothing to listen to.
	r, ok := d.demand.Ask(context.Background(), harness.Key{Case: id, Trial: n})
	if !ok {
		d.unasked()
		return outcome{skipped, "not run: the run has ended before; the subtest gate says why"}
	}
	return d.judgeTrial(t.Name(), &r)
}

// judgeTrial says what there is to say of the outcome of a trial.
func (d *driver) judgeTrial(test string, r *harness.Result) outcome {
	switch wrong := r.Failed() || r.Errored(); {
	case wrong && d.failsAlone(r.Case.ID):
		d.failed.Store(true)
		return outcome{failed, d.failure(test, *r)}
	case wrong:
		return outcome{passed, d.note(test, *r)}
	case testing.Verbose():
		return outcome{passed, d.redact.Text(scoreLine(*r))}
	}
	return outcome{}
}

// failsAlone tells whether a wrong case fails by itself.
func (d *driver) failsAlone(id string) bool { return d.strict && !d.quarantined[id] }

// note keeps what is wrong with a case that does not fail by itself, and gives it.
func (d *driver) note(test string, r harness.Result) string {
	text := d.failure(test, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noted == nil {
		d.noted = map[string]int{}
	}
	if d.noted[r.Case.ID]++; d.noted[r.Case.ID] == 1 && len(d.wrong) < mostShown {
		d.wrong = append(d.wrong, text)
	}
	return text
}
