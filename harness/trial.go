package harness

import (
	"context"
	"fmt"
	"math"
	"time"
)

// trial is one trial of one case on its way through the pool.
type trial struct {
	r     Result
	begun time.Time // when the last call of the app began
	next  int       // the evaluator whose turn it is

	paced    func(err error) (again bool) // of the call under way; nil without a Pacer
	refusals int                          // calls of this trial that were refused
	since    int64                        // how many answers there were at the first of them
}

// runTrial asks the app and scores the answer. It is not alive when a call was
// left behind.
func (p *pool) runTrial(w *worker, t *trial) (alive bool) {
	if t.r.Output != nil { // it has an answer already
		p.begins(w, t)
		p.Progress.Running.Add(1)
		return p.finish(w, t, true)
	}
	p.slots <- struct{}{}
	if p.room != nil {
		p.room() // large answers must not pile up when the journal is slower than the app
	}
	if p.feeding.Err() != nil {
		<-p.slots
		p.deliver(t, false)
		return true
	}
	p.begins(w, t)
	p.Progress.Running.Add(1)
	ok, alive := p.answer(w, t)
	if !alive {
		return false // the slot is the other worker's
	}
	<-p.slots
	return p.finish(w, t, ok)
}

func (p *pool) begins(w *worker, t *trial) {
	if p.witness != nil {
		p.witness.Begin(w.place, t.r.Case, t.r.Trial)
	}
}

// carryOn takes a trial over whose last call had that outcome.
func (p *pool) carryOn(w *worker, t *trial, outcome error) (alive bool) {
	if t.r.Output == nil { // the call was the app's
		pause, again, ok := p.settle(t, Output{}, outcome)
		if again {
			if ok = p.rest(pause); ok {
				if ok, alive = p.answer(w, t); !alive {
					return false
				}
			}
		}
		<-p.slots
		return p.finish(w, t, ok)
	}
	ok := p.scored(t, nil, outcome)
	return p.finish(w, t, ok)
}

// finish scores what the app has answered and delivers the trial.
func (p *pool) finish(w *worker, t *trial, ok bool) (alive bool) {
	if ok && t.r.Output != nil {
		begin := time.Now()
		if t.next == 0 && p.ahead != nil {
			w.keepAnswer(t.r)
		}
		if ok, alive = p.score(w, t); !alive {
			return false
		}
		if time.Since(begin) > slowScoring {
			p.grow()
		}
	}
	if r := w.dropAnswer(); r != nil && !ok {
		p.ahead(*r) // the app need not be asked again
	}
	p.Progress.Running.Add(-1)
	p.deliver(t, ok)
	return true
}

// answer asks the app, again after failures as far as Retry allows. It is not ok
// when the run was stopped before there was an outcome: nothing is recorded then.
func (p *pool) answer(w *worker, t *trial) (ok, alive bool) {
	in := t.r.Case.forApp(t.r.Trial, p.Seed)
	for {
		if !p.mayCall(t) {
			return false, true
		}
		t.begun = time.Now()
		if t.r.Attempts++; t.r.Started.IsZero() {
			t.r.Started = t.begun
		}
		var out Output
		err, alive := p.call(w, t, "app", p.Timeout, func(ctx context.Context) (err error) {
			out, err = p.App.Respond(ctx, in)
			return err
		})
		if !alive {
			return false, false
		}
		pause, again, ok := p.settle(t, out, err)
		if !again {
			return ok, true
		}
		if !p.rest(pause) {
			return false, true
		}
	}
}

// mayCall waits until the app may be called. It is false when the run has ended,
// or when the Pacer ends it.
func (p *pool) mayCall(t *trial) bool {
	if p.Pacer == nil {
		return true
	}
	err := recovered(p.waiting, "pacer", func(ctx context.Context) (err error) {
		t.paced, err = p.Pacer.Acquire(ctx)
		return err
	})
	if err != nil && p.waiting.Err() == nil {
		p.stop(pacerError{err})
	}
	return err == nil
}

// refused tells the Pacer what a call came to.
func (p *pool) refused(t *trial, outcome error) (again bool) {
	if t.paced == nil {
		return false
	}
	done := t.paced
	t.paced = nil
	err := recovered(p.waiting, "pacer", func(context.Context) error {
		again = done(outcome)
		return nil
	})
	if err != nil {
		p.stop(pacerError{err})
	}
	return again
}

// After manyRefusals of one trial, with otherAnswers of others meanwhile, its
// refusals count as failures: they are about its case, such as one that is too long
// for the server's limits, and not about the pace.
const (
	manyRefusals = 5
	otherAnswers = 10
)

// aboutTheCase counts a refusal, and tells whether the trial has had too many.
func (p *pool) aboutTheCase(t *trial) bool {
	answers := p.answers.Load()
	if t.refusals++; t.refusals == 1 {
		t.since = answers
	}
	return t.refusals > manyRefusals && answers-t.since >= otherAnswers
}

// rest waits before the next attempt. It is false when the run ended meanwhile.
func (p *pool) rest(pause time.Duration) bool {
	return p.feeding.Err() == nil && (pause <= 0 || sleep(p.feeding, pause))
}

// settle takes what a call of the app came to.
func (p *pool) settle(t *trial, out Output, err error) (pause time.Duration, again, ok bool) {
	t.r.Latency = time.Since(t.begun)
	if p.refused(t, err) && err != nil && p.running.Err() == nil && !p.aboutTheCase(t) {
		t.r.Attempts--
		p.Progress.Refused.Add(1)
		return 0, true, false
	}
	if err == nil {
		if out.CostUSD != nil && !(*out.CostUSD >= 0 && *out.CostUSD <= maxNumber) {
			out.CostUSD = nil // no price, so it is not known
		}
		if out.Took > 0 {
			t.r.Latency = out.Took
		}
		t.r.Output = &out
		p.answers.Add(1)
		return 0, false, true
	}
	if p.running.Err() != nil {
		return 0, false, false
	}
	trouble := asError(err, KindApp)
	if pause, again = p.pause(trouble, t.r); again {
		p.Progress.Retries.Add(1)
	} else {
		t.r.Error = trouble
	}
	return pause, again, true
}

// pause says how long to wait before the next attempt, if there is to be one.
func (e *engine) pause(trouble *Error, r Result) (time.Duration, bool) {
	if r.Attempts > e.Retry.Max || trouble.Permanent || trouble.Kind == KindTimeout || trouble.Kind == KindPanic {
		return 0, false
	}
	if trouble.RetryAfter > e.Retry.RetryAfterCap {
		return 0, false
	}
	backoff := float64(e.Retry.Wait) * math.Pow(2, float64(r.Attempts-1))
	backoff = min(backoff, float64(e.Retry.MaxWait))
	spread := float64(mix(e.Seed, fmt.Sprint("retry\x00", r.Case.ID, "\x00", r.Trial, r.Attempts))>>11) / (1 << 53)
	return max(trouble.RetryAfter, time.Duration(backoff*(1-spread/4))), true
}

// score calls the evaluators whose turn is to come. It is not ok when the run was
// stopped meanwhile: the answer is then not recorded either, so that a resumed
// run has it scored.
func (p *pool) score(w *worker, t *trial) (ok, alive bool) {
	seen := Trial{Case: t.r.Case, Number: t.r.Trial, Output: *t.r.Output, Latency: t.r.Latency}
	for t.next < len(p.Evaluators) {
		ev := p.Evaluators[t.next]
		var scores []Score
		err, alive := p.call(w, t, "evaluator "+ev.Name(), p.ScoreTimeout, func(ctx context.Context) (err error) {
			scores, err = ev.Evaluate(ctx, seen)
			return err
		})
		if !alive {
			return false, false
		}
		if !p.scored(t, scores, err) {
			return false, true
		}
	}
	return true, true
}

// scored takes what a call of the evaluator whose turn it is came to.
func (p *pool) scored(t *trial, scores []Score, err error) (ok bool) {
	name := p.Evaluators[t.next].Name()
	t.next++
	if err == nil && len(scores) == 0 {
		err = &Error{Kind: KindEvaluator, Message: "the evaluator gave no score"}
	}
	if err != nil {
		if p.running.Err() != nil {
			return false
		}
		trouble := asError(err, KindEvaluator)
		if trouble.Kind == KindApp {
			trouble.Kind = KindEvaluator
		}
		t.r.Scores = append(t.r.Scores, Score{Name: name, Error: trouble})
		return true
	}
	for _, s := range scores {
		t.r.Scores = append(t.r.Scores, checked(s, name))
	}
	return true
}

// maxNumber is the largest score or cost: its square and sums are still finite.
const maxNumber = 1e100

// checked gives a score its name, and makes trouble of a value that is no number.
func checked(s Score, name string) Score {
	if s.Name == "" {
		s.Name = name
	}
	if s.Error == nil && !(math.Abs(s.Value) <= maxNumber) {
		s.Error = &Error{Kind: KindEvaluator, Message: fmt.Sprintf("the score is %v, which is no number to add up", s.Value)}
	}
	if s.Error != nil {
		s.Value, s.Pass = 0, nil
	}
	return s
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
