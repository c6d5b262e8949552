package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &engine{Config: c, fold: NewFold(c.Trials, c.evaluatorNames()...)}
	begin := time.Now()
	err = e.run(ctx)
	report := e.report(err)
	report.StartedAt, report.FinishedAt = begin, begin.Add(time.Since(begin))
	return report, err
}

// RunTrial runs one trial of one case, with Config's App, Evaluators, Timeout
// and Retry. It is false when ctx ended before there was an outcome.
func RunTrial(ctx context.Context, c Config, tc Case, trial int) (Result, bool, error) {
	if c.Source == nil {
		c.Source = Cases{tc}
	}
	c, err := c.withDefaults()
	if err != nil {
		return Result{}, false, err
	}
	e := &engine{Config: c, feeding: ctx, running: ctx}
	var by caller
	defer by.close()
	r, ok := e.answer(&by, task{tc, trial})
	if ok && r.Output != nil {
		ok = e.score(&by, &r)
	}
	return r, ok, nil
}

// ScoreResult scores the answer of a stored result again, with Config's
// Evaluators and Timeout; a result without an answer comes back as it is. It is
// false when ctx ended before every evaluator had answered.
func ScoreResult(ctx context.Context, c Config, r Result) (Result, bool, error) {
	if c.Source == nil {
		c.Source = Cases{r.Case}
	}
	if c.App == nil {
		c.App = AppFunc(func(context.Context, Input) (Output, error) { return *r.Output, nil })
	}
	c, err := c.withDefaults()
	if err != nil || r.Output == nil {
		return r, err == nil, err
	}
	e := &engine{Config: c, feeding: ctx, running: ctx}
	again := r
	again.Scores = nil
	var by caller
	defer by.close()
	if !e.score(&by, &again) {
		return r, false, nil
	}
	return again, true, nil
}

// engine is the state of one run.
type engine struct {
	Config
	fold *Fold

	feeding context.Context // ends when no further trial may start
	running context.Context // ends when running trials must stop

	// Owned by plan until it ends.
	seq, planned     int64
	handed, finished int64
	// fetchedAll is set by fetch, plannedAll by plan, when they reach the end.
	fetchedAll, plannedAll bool
	// Owned by record until it ends.
	recorded int64
}

// run starts the stages and waits for them:
//
//	fetch → plan → Concurrency × answer → Concurrency × score → record → sinks
func (e *engine) run(ctx context.Context) error {
	g, feeding := errgroup.WithContext(ctx)
	fetching, cancelFetch := context.WithCancel(feeding)
	defer cancelFetch()
	e.feeding = feeding
	stopWatch := e.watchGrace(ctx)
	defer stopWatch()

	pages := make(chan Page, 1)
	tasks := make(chan task)
	answered := make(chan Result)
	results := newQueue(max(4*e.Concurrency, 256), 16<<20)

	// A source that fails stops nothing: what it gave before is still run.
	var fetchErr error
	g.Go(func() error {
		if err := e.fetch(fetching, pages); !stopped(fetching, err) {
			fetchErr = err
		}
		return nil
	})
	g.Go(func() error {
		err := e.plan(feeding, pages, tasks)
		cancelFetch()
		for range pages { // lets fetch end
		}
		if stopped(feeding, err) {
			return nil
		}
		return err
	})
	e.spread(g, func(by *caller) {
		for t := range tasks {
			e.runTask(by, t, answered, results)
		}
	}, func() { close(answered) })
	e.spread(g, func(by *caller) {
		for r := range answered {
			if e.score(by, &r) {
				results.put(r)
			}
			e.Progress.Running.Add(-1)
		}
	}, results.close)
	queues := make([]*queue, len(e.Sinks))
	for i, sink := range e.Sinks {
		q := newQueue(2*e.Batch.Items, 2*e.Batch.Bytes)
		queues[i] = q
		g.Go(func() error { return drain(ctx, q, sink, e.Batch) })
	}
	g.Go(func() error { return e.record(ctx, results, queues) })

	err := errors.Join(g.Wait(), fetchErr)
	if err == nil && ctx.Err() != nil && !(e.plannedAll && e.recorded == e.handed) {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	return err
}

// spread runs work in Concurrency goroutines, and last when all have ended.
func (e *engine) spread(g *errgroup.Group, work func(by *caller), last func()) {
	var wg sync.WaitGroup
	for range e.Concurrency {
		wg.Add(1)
		g.Go(func() error {
			defer wg.Done()
			var by caller
			defer by.close()
			work(&by)
			return nil
		})
	}
	g.Go(func() error {
		wg.Wait()
		last()
		return nil
	})
}

func (e *engine) runTask(by *caller, t task, answered chan<- Result, results *queue) {
	if e.feeding.Err() != nil {
		return
	}
	e.Progress.Running.Add(1)
	r, ok := e.answer(by, t)
	if ok && r.Output != nil {
		answered <- r // Running goes down after scoring
		return
	}
	e.Progress.Running.Add(-1)
	if ok {
		results.put(r)
	}
}

// watchGrace derives the context of running trials: it outlives the feeding by
// the grace period.
func (e *engine) watchGrace(ctx context.Context) (stop func()) {
	running, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	e.running = running
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-e.feeding.Done():
		case <-ended:
			return
		}
		grace := time.NewTimer(e.Grace)
		defer grace.Stop()
		select {
		case <-grace.C:
			cancel(errors.New("the grace period is over"))
		case <-e.Abort:
			cancel(errors.New("aborted"))
		case <-ended:
		}
	})
	return func() {
		close(ended)
		wg.Wait()
		cancel(nil)
	}
}

// commitWait is how long a result waits for others, so that a fast app's share
// one commit of the journal.
const commitWait = 5 * time.Millisecond

// record takes the results as they come, in batches: the journal first, then
// they count as done, then the other sinks. While the journal syncs one batch
// the next one grows.
func (e *engine) record(ctx context.Context, results *queue, queues []*queue) error {
	defer func() {
		for _, q := range queues {
			q.close()
		}
	}()
	ctx = context.WithoutCancel(ctx)
	for {
		batch := results.take(Batch{Items: 1000, Bytes: 4 << 20, Wait: commitWait})
		if batch == nil {
			return nil
		}
		if e.Journal != nil {
			if err := e.Journal.Write(ctx, batch); err != nil {
				results.fail()
				return fmt.Errorf("journal: %w", err)
			}
		}
		for _, r := range batch {
			e.count(r)
			for _, q := range queues {
				q.put(r) // a failed sink has said so itself
			}
		}
	}
}

// count makes a result that is stored part of the report.
func (e *engine) count(r Result) {
	e.recorded++
	e.fold.Add(r)
	p := e.Progress
	p.Done.Add(1)
	if r.Errored() {
		p.Errored.Add(1)
	}
	if r.Failed() {
		p.Failed.Add(1)
	}
	if r.Output != nil && r.Output.CostUSD != nil {
		p.MicroUSD.Add(int64(*r.Output.CostUSD * 1e6))
	}
}

// drain writes a sink's batches until its queue is closed and empty.
func drain(ctx context.Context, q *queue, sink Sink, b Batch) error {
	ctx = context.WithoutCancel(ctx)
	for {
		batch := q.take(b)
		if batch == nil {
			return nil
		}
		if err := sink.Write(ctx, batch); err != nil {
			q.fail()
			return fmt.Errorf("sink: %w", err)
		}
	}
}

// report folds what this call of Run did. Trials that an earlier run finished
// are not in it: fold the journal for those.
func (e *engine) report(err error) *Report {
	r := e.fold.Report(e.planned)
	r.Trials.Planned -= e.finished
	r.Abandoned = e.Progress.Abandoned.Load()
	r.Status = Complete
	if err != nil || e.recorded < e.handed {
		r.Status = Incomplete
		if err != nil {
			r.Reasons = append(r.Reasons, err.Error())
		}
	}
	if r.Abandoned > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d calls ignored their time limit and were left behind", r.Abandoned))
	}
	return r
}
