package harness

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run runs an eval to its end and reports it.
//
// When ctx ends no further trial starts; those that run may finish within
// Config.Grace, and what they gave is kept. Run returns after every goroutine
// that it started has ended, except calls that ignore their context, which
// Report.Abandoned counts.
//
// The report is there whenever anything ran. The error says why the run is
// incomplete: ctx's cause, or what the source, the journal or a sink returned.
// Trouble of single trials is in the report and no error of Run's.
func Run(ctx context.Context, c Config) (*Report, error) {
	if c.Demand != nil {
		defer c.Demand.end()
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &engine{Config: c, fold: NewFold(c.Trials, c.evaluatorNames()...)}
	e.fold.Reduce(c.Reduce)
	begin := time.Now()
	err = e.run(ctx)
	report := e.report(err)
	report.StartedAt, report.FinishedAt = begin, begin.Add(time.Since(begin))
	return report, err
}

// RunTrial runs one trial of one case, with Config's App, Evaluators, Timeout
// and Retry. It is false when ctx ended before there was an outcome.
func RunTrial(ctx context.Context, c Config, tc Case, n int) (Result, bool, error) {
	return runOne(ctx, c, &trial{r: Result{Case: tc, Trial: n}})
}

// ScoreResult scores the answer of a stored result again, with Config's
// Evaluators and Timeout; a result without an answer comes back as it is. It is
// false when ctx ended before every evaluator had answered.
func ScoreResult(ctx context.Context, c Config, r Result) (Result, bool, error) {
	if r.Output == nil {
		return r, true, nil
	}
	again := r
	again.Scores = nil
	if c.App == nil { // it is not asked
		c.App = AppFunc(func(context.Context, Input) (Output, error) { return Output{}, nil })
	}
	return runOne(ctx, c, &trial{r: again})
}

// runOne runs one trial, from where it is.
func runOne(ctx context.Context, c Config, t *trial) (Result, bool, error) {
	if c.Source == nil {
		c.Source = Cases{t.r.Case}
	}
	c, err := c.withDefaults()
	if err != nil {
		return Result{}, false, err
	}
	tasks := newTaskQueue(1)
	tasks.put(context.WithoutCancel(ctx), t)
	tasks.close()
	done := false
	feeding, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p := pool{engine: &engine{Config: c, feeding: feeding, waiting: feeding, running: ctx, stop: stop},
		tasks: tasks, deliver: func(_ *trial, ok bool) { done = ok }}
	p.run(1)
	return t.r, done, pacerGaveUp(feeding)
}

// pacerError is the cause of an end that Config.Pacer brought about.
type pacerError struct{ error }

// pacerGaveUp is the Pacer's error when that ended ctx.
func pacerGaveUp(ctx context.Context) error {
	var e pacerError
	if errors.As(context.Cause(ctx), &e) {
		return e.error
	}
	return nil
}

// engine is the state of one run.
type engine struct {
	Config
	fold *Fold

	feeding context.Context         // ends when no further trial may start
	waiting context.Context         // ends with feeding, and has no deadline that a Pacer could look ahead to
	running context.Context         // ends when running trials must stop
	posting context.Context         // ends when sinks must stop
	stop    context.CancelCauseFunc // ends feeding

	abandoned atomic.Int64
	answers   atomic.Int64 // of the app

	// Owned by plan until it ends.
	seq, planned     int64
	handed, finished int64
	ids              map[uint64]struct{} // hashes of all case IDs so far; nil with a Journal
	idSeed           maphash.Seed
	// fetchedAll is set by fetch, plannedAll by plan, when they reach the end.
	fetchedAll, plannedAll bool
	// Owned by record until it ends.
	recorded int64
}

// run starts the stages and waits for them:
//
//	fetch → plan → the pool: Concurrency × answer, score → record → sinks
func (e *engine) run(ctx context.Context) error {
	g, group := errgroup.WithContext(ctx)
	feeding, stopFeeding := context.WithCancelCause(group)
	defer stopFeeding(nil)
	e.stop = stopFeeding
	fetching, cancelFetch := context.WithCancel(feeding)
	defer cancelFetch()
	e.feeding = feeding
	waiting, stopWaiting := context.WithCancel(context.WithoutCancel(feeding))
	defer stopWaiting()
	defer context.AfterFunc(feeding, stopWaiting)()
	e.waiting = waiting
	stopWatch := e.watchGrace(ctx)
	defer stopWatch()

	pages := make(chan Page, 1)
	tasks := newTaskQueue(max(2*e.Concurrency, 256))
	results := newQueue(max(4*e.Concurrency, batchItems), 16<<20)
	if e.Demand != nil {
		e.Demand.begin(feeding, tasks)
	}

	// A source that fails stops nothing: what it gave before is still run.
	var fetchErr error
	g.Go(func() error {
		if err := e.fetch(fetching, pages); !stopped(fetching, err) {
			fetchErr = err
		}
		return nil
	})
	g.Go(func() error {
		err := guarded("plan", func() error { return e.plan(feeding, pages, tasks) })
		cancelFetch()
		for range pages { // lets fetch end
		}
		if stopped(feeding, err) {
			return nil
		}
		return err
	})
	g.Go(func() error {
		defer results.close()
		p := pool{engine: e, tasks: tasks, deliver: func(t *trial, ok bool) {
			if e.Demand != nil {
				e.Demand.tell(t, ok)
			}
			if ok {
				results.put(t.r)
			}
		}}
		p.room = results.room
		if e.Journal != nil {
			p.ahead = func(r Result) { results.put(r) }
			p.witness, _ = e.Journal.(Witness)
		}
		p.run(e.Concurrency)
		return nil
	})
	queues := make([]*queue, len(e.Sinks))
	for i, sink := range e.Sinks {
		q := newQueue(2*e.Batch.Items, 2*e.Batch.Bytes)
		queues[i] = q
		g.Go(func() error { return drain(e.posting, q, sink, e.Batch) })
	}
	g.Go(func() error { return e.record(ctx, results, queues, func() { stopFeeding(nil) }) })

	err := g.Wait()
	if !e.plannedAll { // by Limit it may have all that it wants
		err = errors.Join(err, fetchErr)
	}
	if gaveUp := pacerGaveUp(feeding); gaveUp != nil {
		return errors.Join(gaveUp, err)
	}
	if err == nil && ctx.Err() != nil && !(e.plannedAll && e.recorded == e.handed) {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	return err
}

// watchGrace derives the context of running trials, which outlives the feeding
// by the grace period, and that of sinks, which has another one to finish.
func (e *engine) watchGrace(ctx context.Context) (stop func()) {
	running, stopRunning := context.WithCancelCause(context.WithoutCancel(ctx))
	posting, stopPosting := context.WithCancelCause(context.WithoutCancel(ctx))
	e.running, e.posting = running, posting
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-e.feeding.Done():
		case <-ended:
			return
		}
		for _, end := range []context.CancelCauseFunc{stopRunning, stopPosting} {
			grace := time.NewTimer(e.Grace)
			defer grace.Stop()
			select {
			case <-grace.C:
				end(errors.New("the grace period is over"))
			case <-e.Abort:
				end(errors.New("aborted"))
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		wg.Wait()
		stopRunning(nil)
		stopPosting(nil)
	}
}

// report folds what this call of Run did. Trials that an earlier run finished
// are not in it: fold the journal for those.
func (e *engine) report(err error) *Report {
	r := e.fold.Report(e.planned)
	r.Trials.Planned -= e.finished
	r.Abandoned = e.abandoned.Load()
	r.Status = Complete
	if err != nil || e.recorded < e.handed {
		r.Status = Incomplete
		if err != nil {
			r.Reasons = append(r.Reasons, err.Error())
		}
	}
	if e.Demand != nil && err == nil {
		if n := e.Demand.left(); n > 0 {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%d trials were planned and not asked for", n))
		}
	}
	if r.Abandoned > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d calls ignored their time limit and were left behind", r.Abandoned))
	}
	return r
}
