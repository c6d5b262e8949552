package harness

import (
	"context"
	"fmt"
	"math"
	"time"
)

// answer asks the app, again after failures as far as Retry allows. It is false
// when the run was stopped before there was an outcome: nothing is recorded then.
func (e *engine) answer(by *caller, t task) (Result, bool) {
	in := t.c.forApp(t.trial, e.Seed)
	r := Result{Case: t.c, Trial: t.trial}
	for {
		if e.Limiter != nil {
			if err := e.Limiter.Wait(e.feeding); err != nil {
				if e.feeding.Err() != nil {
					return r, false
				}
				r.Error = asError(fmt.Errorf("rate limit: %w", err), KindApp)
				return r, true
			}
		}
		if r.Attempts == 0 {
			r.Started = time.Now()
		}
		r.Attempts++
		var out Output
		begin := time.Now()
		err := e.guard(by, "app", func(ctx context.Context) (err error) {
			out, err = e.App.Respond(ctx, in)
			return err
		})
		r.Latency = time.Since(begin)
		if err == nil {
			r.Output = &out
			return r, true
		}
		if e.running.Err() != nil {
			return r, false
		}
		trouble := asError(err, KindApp)
		pause, again := e.pause(trouble, r)
		if !again {
			r.Error = trouble
			return r, true
		}
		e.Progress.Retries.Add(1)
		if !sleep(e.feeding, pause) {
			return r, false
		}
	}
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

// score calls every evaluator on an answer. It is false when the run was stopped
// meanwhile: the answer is then not recorded either, so that a resumed run
// scores it.
func (e *engine) score(by *caller, r *Result) bool {
	t := Trial{Case: r.Case, Number: r.Trial, Output: *r.Output, Latency: r.Latency}
	for _, ev := range e.Evaluators {
		var scores []Score
		err := e.guard(by, "evaluator "+ev.Name(), func(ctx context.Context) (err error) {
			scores, err = ev.Evaluate(ctx, t)
			return err
		})
		if err != nil {
			if e.running.Err() != nil {
				return false
			}
			trouble := asError(err, KindEvaluator)
			if trouble.Kind == KindApp {
				trouble.Kind = KindEvaluator
			}
			r.Scores = append(r.Scores, Score{Name: ev.Name(), Error: trouble})
			continue
		}
		if len(scores) == 0 {
			err := &Error{Kind: KindEvaluator, Message: "the evaluator gave no score"}
			r.Scores = append(r.Scores, Score{Name: ev.Name(), Error: err})
		}
		for _, s := range scores {
			r.Scores = append(r.Scores, checked(s, ev.Name()))
		}
	}
	return true
}

// checked gives a score its name, and makes trouble of a value that is no number.
func checked(s Score, name string) Score {
	if s.Name == "" {
		s.Name = name
	}
	if s.Error == nil && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0)) {
		s.Error = &Error{Kind: KindEvaluator, Message: fmt.Sprintf("the score is %v, which is not a number", s.Value)}
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
