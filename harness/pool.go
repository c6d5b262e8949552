package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// abandonAfter is how long a call may take to notice that its context has
	// ended, before it is left behind.
	abandonAfter = time.Second
	// lookEvery is how often the pool looks for calls to leave behind, and for
	// answers to write ahead; those are at least as old.
	lookEvery = 50 * time.Millisecond
	// slowScoring is how long scoring may take before the pool grows, so that
	// evaluators that wait (for a judge) hold up no call of the app.
	slowScoring = time.Millisecond
)

var (
	errTimeout = errors.New("timeout")
	errGoexit  = errors.New("ended its goroutine (runtime.Goexit) instead of returning")
)

// pool runs trials. A worker makes the calls of its trial itself; when one does
// not come back, or ends the goroutine, another worker takes the trial over and
// goes on with the next ones.
type pool struct {
	*engine
	tasks   *taskQueue
	deliver func(t *trial, ok bool) // ok: the trial has an outcome
	ahead   func(r Result)          // takes an answer whose scores are still to come; nil: none is kept
	witness Witness                 // nil: nobody is told of trials that begin
	room    func()                  // waits until there is room for more results; nil: there always is
	slots   chan struct{}           // of calls of the app

	mu      sync.Mutex
	workers map[*worker]bool
	extra   int   // workers beyond Concurrency
	places  int   // that workers have had
	free    []int // places without a worker
	wg      sync.WaitGroup
}

// worker is one goroutine of the pool.
type worker struct {
	place int // no other one has it

	mu     sync.Mutex
	t      *trial
	who    string // whose call is under way
	limit  time.Duration
	giveUp time.Time // when the call under way is left behind; zero: there is none
	lost   bool      // the call was left behind: the goroutine has nothing more to do

	answer   *Result // of t, unless it was written ahead already
	answered time.Time
}

// run runs all the tasks and returns when every worker has ended, but those that
// were left behind.
func (p *pool) run(workers int) {
	p.slots = make(chan struct{}, p.Concurrency)
	p.workers = map[*worker]bool{}
	for range workers {
		p.wg.Add(1)
		p.start(nil, nil, nil)
	}
	ended := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() { p.look(ended) })
	p.wg.Wait()
	close(ended)
	looking.Wait()
}

// start adds a worker, which first carries on with a trial whose last call had
// that outcome. The answer is the trial's if it is still to be written ahead.
func (p *pool) start(t *trial, outcome error, answer *Result) {
	w := &worker{answer: answer, answered: time.Now()}
	p.mu.Lock()
	p.workers[w] = true
	if n := len(p.free); n > 0 {
		w.place, p.free = p.free[n-1], p.free[:n-1]
	} else {
		w.place = p.places
		p.places++
	}
	p.mu.Unlock()
	go p.work(w, t, outcome)
}

func (p *pool) work(w *worker, t *trial, outcome error) {
	ended := false
	defer func() { p.leave(w, ended) }()
	if t != nil && !p.carryOn(w, t, outcome) {
		return
	}
	for t := p.tasks.take(); t != nil; t = p.tasks.take() {
		if !p.runTrial(w, t) {
			return
		}
	}
	ended = true
}

// leave is the end of a worker. One that a call of runtime.Goexit ended is
// replaced, as one that was left behind already is.
func (p *pool) leave(w *worker, ended bool) {
	p.mu.Lock()
	delete(p.workers, w)
	p.free = append(p.free, w.place)
	p.mu.Unlock()
	if ended {
		p.wg.Done()
		return
	}
	w.mu.Lock()
	t, who, lost, answer := w.t, w.who, w.lost, w.answer
	w.mu.Unlock()
	if !lost {
		p.start(t, fmt.Errorf("%s %w", who, errGoexit), answer)
	}
}

// grow adds a worker, up to twice as many as calls of the app may run.
func (p *pool) grow() {
	p.mu.Lock()
	more := p.extra < p.Concurrency
	if more {
		p.extra++
		p.wg.Add(1)
	}
	p.mu.Unlock()
	if more {
		p.start(nil, nil, nil)
	}
}

// look leaves calls behind that don't end with their context.
func (p *pool) look(ended <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var stopped time.Time // when the running context was seen to have ended
	for {
		select {
		case <-tick.C:
		case <-ended:
			return
		}
		now := time.Now()
		if stopped.IsZero() && p.running.Err() != nil {
			stopped = now
		}
		late := !stopped.IsZero() && now.Sub(stopped) >= abandonAfter
		p.mu.Lock()
		var lost []*worker
		var ahead []*Result
		for w := range p.workers {
			if r := w.writeAhead(now); r != nil {
				ahead = append(ahead, r)
			}
			if w.leaveBehind(now, late) {
				lost = append(lost, w)
				delete(p.workers, w)
			}
		}
		p.mu.Unlock()
		for _, r := range ahead {
			p.ahead(*r)
		}
		for _, w := range lost {
			p.abandoned.Add(1)
			p.Progress.Abandoned.Add(1)
			outcome := context.Cause(p.running)
			if outcome == nil {
				outcome = timedOut(w.who, w.limit, nil)
			}
			p.start(w.t, outcome, w.dropAnswer())
		}
	}
}

// leaveBehind marks a worker whose call has had its time.
func (w *worker) leaveBehind(now time.Time, late bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.giveUp.IsZero() || w.lost || !late && now.Before(w.giveUp) {
		return false
	}
	w.lost = true
	return true
}

// keepAnswer has the answer of a trial written ahead if scoring takes long.
func (w *worker) keepAnswer(r Result) {
	r.Pending, r.Scores = true, nil
	w.mu.Lock()
	w.answer, w.answered = &r, time.Now()
	w.mu.Unlock()
}

func (w *worker) writeAhead(now time.Time) (r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil && now.Sub(w.answered) >= lookEvery {
		r, w.answer = w.answer, nil
	}
	return r
}

// dropAnswer gives the answer that was not written ahead, if there is one.
func (w *worker) dropAnswer() (r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, w.answer = w.answer, nil
	return r
}

// call calls f with the time limit; a panic is its error. It is not alive when
// the call was left behind meanwhile: the trial is then another worker's. What f
// sets is settled only when there is no error.
func (p *pool) call(w *worker, t *trial, who string, limit time.Duration, f func(ctx context.Context) error) (err error, alive bool) {
	ctx, cancel := context.WithTimeoutCause(p.running, limit, errTimeout)
	defer cancel()
	w.begin(t, who, limit)
	err = recovered(ctx, who, f)
	if !w.end() {
		return nil, false
	}
	if ctx.Err() == nil {
		return err, true
	}
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind == KindPanic:
		return err, true
	case context.Cause(ctx) == errTimeout:
		return timedOut(who, limit, err), true
	case err != nil:
		return context.Cause(ctx), true
	}
	return nil, true
}

func (w *worker) begin(t *trial, who string, limit time.Duration) {
	giveUp := time.Now().Add(limit + abandonAfter)
	w.mu.Lock()
	w.t, w.who, w.limit, w.giveUp = t, who, limit, giveUp
	w.mu.Unlock()
}

// end is false when the call was left behind.
func (w *worker) end() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.giveUp = time.Time{}
	return !w.lost
}

// recovered calls f. Its error is an *Error, made here because methods of the
// app's errors may panic as well.
func recovered(ctx context.Context, who string, f func(ctx context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicError(who, v, debug.Stack())
		}
	}()
	if err := f(ctx); err != nil {
		return asError(err, KindApp)
	}
	return nil
}

// timedOut is the error of a call that took too long, with what it says itself
// about that.
func timedOut(who string, limit time.Duration, own error) error {
	message := fmt.Sprintf("%s gave no answer within %s", who, limit)
	var e *Error
	if errors.As(own, &e) && (e.Kind == KindTimeout || errors.Is(own, context.DeadlineExceeded)) {
		if detail := messageOf(own); detail != context.DeadlineExceeded.Error() {
			message += ": " + detail
		}
	}
	return &Error{Kind: KindTimeout, Message: message}
}
