package retell

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
)

// maxPause is the longest pause between two looks at the batches.
const maxPause = 30 * time.Second

// manyLooks is how often a complete batch is looked at whose runs don't fit
// together, before that is taken for what there is: lists may be late.
const manyLooks = 4

// job is a batch that is waited for.
type job struct {
	record *record
	began  time.Time // with a reading of the monotonic clock
	looks  int       // at its runs, since it was complete
	done   chan struct{}

	last BatchTest // guarded by App.mu

	// Set before done is closed, and not changed after that.
	outcomes map[string]outcome // by definition
	gaveUp   error              // why there is none for a definition
}

// watch waits for a batch, on behalf of these test cases.
func (a *App) watch(r *record, ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	j := &job{record: r, began: time.Now(), done: make(chan struct{}), last: BatchTest{ID: r.Job, TotalCount: len(r.Intent.Request.DefinitionIDs)}}
	for _, id := range ids {
		a.byTrial[harness.Key{Case: id, Trial: r.Trial}] = j
	}
	if a.fatal != nil {
		j.end(nil, a.fatal)
		return
	}
	a.jobs, a.pause = append(a.jobs, j), a.Poll
	if a.polling {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.polling = stop, true
	a.group.Go(func() {
		defer stop()
		a.poll(ctx)
	})
}

// end gives what there is; the caller has the lock.
func (j *job) end(outcomes map[string]outcome, gaveUp error) {
	j.outcomes, j.gaveUp = outcomes, gaveUp
	close(j.done)
}

// poll looks at the batches until each has come to its end.
func (a *App) poll(ctx context.Context) {
	for {
		open, pause := a.open()
		if len(open) == 0 {
			return
		}
		err := a.Client.wait(ctx, pause)
		for _, j := range open {
			if err == nil {
				err = a.unlessItPasses(ctx, j, a.look(ctx, j))
			}
		}
		if err != nil {
			a.giveUp(err)
			return
		}
	}
}

// open are the batches that are waited for, and how long to wait before the next
// look. With none the goroutine has to end.
func (a *App) open() ([]*job, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var open []*job
	var passed, failed, errored, total int
	for _, j := range a.jobs {
		select {
		case <-j.done:
		default:
			open = append(open, j)
		}
		passed, failed, errored, total = passed+j.last.PassCount, failed+j.last.FailCount, errored+j.last.ErrorCount, total+j.last.TotalCount
	}
	a.polling = len(open) > 0
	pause := a.pause
	a.pause = min(pause+pause/2, max(maxPause, a.Poll))
	if a.polling && a.session.Waiting != nil {
		a.session.Waiting(harness.Waiting{Until: time.Now().Add(pause), Why: fmt.Sprintf("%d of %d runs in %d batches have ended, %d passed, %d failed, %d errors",
			passed+failed+errored, total, len(a.jobs), passed, failed, errored)})
	}
	return open, pause
}

// giveUp ends the waiting for all batches.
func (a *App) giveUp(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fatal, a.polling = err, false
	for _, j := range a.jobs {
		select {
		case <-j.done:
		default:
			j.end(nil, err)
		}
	}
}

// unlessItPasses is the trouble of a look, or nil when the next look may be without
// it. With trouble at the deadline the waiting for the batch ends.
func (a *App) unlessItPasses(ctx context.Context, j *job, err error) error {
	var e *Error
	switch {
	case gone(err):
		return fmt.Errorf("%w: batch %s was started, and the platform does not have it any more; --retry-errors plays its test cases once more, in a new batch",
			err, j.record.Job)
	case ctx.Err() != nil || !errors.As(err, &e) || !e.Passes():
		return err
	case a.late(j):
		a.mu.Lock()
		defer a.mu.Unlock()
		j.end(nil, fmt.Errorf("retell: what became of batch %s can't be found out after %s: %w; --resume goes on waiting for it", j.record.Job, a.Deadline, err))
	}
	return nil
}

// gone tells whether the platform does not have what it was asked for.
func gone(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

func (a *App) late(j *job) bool { return time.Since(j.began) >= a.Deadline }

// look asks what has become of a batch.
func (a *App) look(ctx context.Context, j *job) error {
	b, err := a.Client.GetBatchTest(ctx, j.record.Job)
	if err != nil {
		return err
	}
	a.mu.Lock()
	j.last = b
	a.mu.Unlock()
	late := a.late(j)
	if !b.Finished() && !late {
		return nil
	}
	runs, err := whole(a.Client.AllTestRuns(ctx, j.record.Job))
	if err != nil {
		return err
	}
	l := examine(j.record, b, runs)
	j.looks++
	if !late && (l.open > 0 || l.doubtful && j.looks < manyLooks) {
		return nil
	}
	if !b.Finished() && l.open == 0 {
		l.warn("batch %s is %s after %s, although all of its runs have ended", b.ID, quoted(b.Status), a.Deadline)
	}
	for _, w := range l.warnings {
		a.warn(w)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	j.end(l.outcomes, fmt.Errorf("retell: batch %s had not come to its end after %s: it is %s, and %s; --resume goes on waiting for it",
		b.ID, a.Deadline, quoted(b.Status), l.tally))
	return nil
}

// answer is a finished run as an Output.
func answer(r TestRun, batch string) (harness.Output, error) {
	value := map[string]any{keyResult: r.Status, keyExplanation: nil, keyTranscript: nil}
	if r.Explanation != nil {
		value[keyExplanation] = *r.Explanation
	}
	var err error
	if len(r.Transcript) > 0 {
		if value[keyTranscript], err = wire.DecodeValue(r.Transcript); err != nil {
			return harness.Output{}, fmt.Errorf("retell: transcript of test run %s: %w", r.ID, err)
		}
	}
	data, err := r.Definition.MarshalJSON()
	if err != nil {
		return harness.Output{}, fmt.Errorf("retell: definition of test run %s: %w", r.ID, err)
	}
	definition, err := wire.DecodeValue(data)
	return harness.Output{Value: value, Metadata: map[string]any{keyBatch: batch, keyRun: r.ID, keyDefinition: definition}}, err
}
