package sgp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/pace"
)

const (
	// maxSends is how often a result is sent when its batches end in doubt: with
	// the batch, then with a tenth of it, then alone or nearly so.
	maxSends = 3
	// inTrouble is how many batches in a row end in doubt before no more is sent
	// until a look works. After each look that does one batch goes out.
	inTrouble = 3
	// patience is how long posting goes on in trouble without any progress, beyond
	// the quiet time.
	patience = 10 * time.Minute
	// The pauses between looks that fail, and between batches in trouble, double
	// from the first to the longest.
	firstPause, longestPause = time.Second, time.Minute
)

// doubt is a batch of which it is not known whether the platform took it.
type doubt struct {
	keys  []harness.Key
	since time.Time // no request for them is under way since then
	due   time.Time // of the next look
}

// doubts are what a posting knows of its batches in doubt; posting.mu guards it.
type doubts struct {
	open  []*doubt
	again map[harness.Key]int // how often a result that was in doubt was sent, by us
	// absent were sent as often as may be and are not on the platform; unknown
	// can't be told from results without a run key. Both stay marked as posting
	// while the posting lasts.
	absent, unknown []harness.Key
	cause           error // of the last one

	row    int       // batches in a row that ended in doubt
	probe  bool      // though there is trouble, one batch may be sent
	failed int       // looks in a row that failed
	stuck  time.Time // since when there is no progress; zero: there is, or no trouble
	resent time.Time // when something that was in doubt was last sent again
}

// park keeps a batch whose fate is open for a look. Posting goes on.
func (r *posting) park(keys []harness.Key, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, k := range keys {
		r.again[k]++
	}
	r.cause = cause
	r.setback(now)
	r.row++
	d := &doubt{keys: keys, since: now, due: now}
	if r.row >= inTrouble {
		d.due = now.Add(pauseAfter(r.row - inTrouble))
	}
	r.open = append(r.open, d)
	signal(r.wake)
}

// left parks what an earlier process left in doubt.
func (r *posting) left(ctx context.Context) error {
	keys, err := r.Outbox.Unsettled(ctx)
	if err != nil {
		return fmt.Errorf("read what is not settled: %w", err)
	}
	if len(keys) == 0 {
		return nil
	}
	now := time.Now()
	for _, k := range keys {
		r.again[k] = 0 // by us
	}
	r.cause = errors.New("an earlier process was cut off")
	r.open = append(r.open, &doubt{keys: keys, since: now, due: now})
	return nil
}

func pauseAfter(n int) time.Duration {
	return min(firstPause<<min(n, 10), longestPause)
}

// setback and progress tell how it goes; r.mu is held.
func (r *posting) setback(now time.Time) {
	if r.stuck.IsZero() {
		r.stuck = now
	}
}

func (r *posting) progress() {
	if r.row >= inTrouble {
		signal(r.wake) // what waited for the end of the trouble can go
	}
	r.row, r.stuck = 0, time.Time{}
}

// answered notes that the platform decided on a batch.
func (r *posting) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress()
}

// mayPost tells whether batches may be sent.
func (r *posting) mayPost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.row < inTrouble || r.probe
}

// leave asks to send one batch.
func (r *posting) leave() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row >= inTrouble && !r.probe {
		return false
	}
	r.probe = false
	r.active++
	return true
}

// nextLook is when the next look is due, false when none is.
func (r *posting) nextLook() (at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.open {
		if !ok || d.due.Before(at) {
			at, ok = d.due, true
		}
	}
	return at, ok
}

// resolve makes the look that is due, if one is. A look is for all that is in
// doubt.
func (r *posting) resolve(ctx context.Context) error {
	began := time.Now()
	if at, ok := r.nextLook(); !ok || at.After(began) {
		return nil
	}
	r.mu.Lock()
	open, cause, stuck := r.open, r.cause, r.stuck
	r.mu.Unlock()
	var wanted []harness.Key
	for _, d := range open {
		wanted = append(wanted, d.keys...)
	}
	if limit := patience + r.quiet; !stuck.IsZero() && began.Sub(stuck) >= limit {
		return fmt.Errorf("nothing was posted for %s, and whether %d results arrived is not known: %w", limit, len(wanted), cause)
	}
	f, err := r.find(ctx, wanted)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && permanent(err):
		return fmt.Errorf("look up what became of %d results: %w", len(wanted), err)
	}
	r.judge(began, open, f, err == nil)
	if err != nil {
		r.putOff(fmt.Errorf("look up what became of %d results: %w", len(wanted), err))
	}
	return nil
}

// putOff has a look that failed made again later.
func (r *posting) putOff(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.setback(now)
	r.cause = err
	next := now.Add(pauseAfter(r.failed))
	r.failed++
	for _, d := range r.open {
		if d.due.Before(next) {
			d.due = next
		}
	}
}

// permanent tells whether a read that failed fails again: it is refused, or the
// host is not called any more.
func permanent(err error) bool {
	var gaveUp *pace.GaveUp
	if errors.As(err, &gaveUp) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 &&
		e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests && e.Status != 499
}
