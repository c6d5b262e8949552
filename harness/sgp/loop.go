package sgp

import (
	"context"
	"fmt"
	"time"
)

// postAll posts until more is closed and nothing is pending or in doubt.
func (r *posting) postAll(ctx context.Context, more <-chan struct{}) error {
	err := r.left(ctx)
	if err == nil {
		err = r.loop(ctx, more)
	}
	r.group.Wait()
	if stopped := r.stopped(); stopped != nil {
		err = stopped
	}
	if err == nil {
		err = r.closeRefusals(ctx)
	} else {
		r.dropRefusals()
	}
	if left := r.closeDoubts(); err == nil {
		err = left
	}
	if stopped := r.stopped(); err == nil {
		err = stopped
	}
	return err
}

// loop claims results and hands them out in batches, and makes the looks that
// are due.
func (r *posting) loop(ctx context.Context, more <-chan struct{}) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.stopped() != nil {
			return nil // postAll says why
		}
		if err := r.resolve(ctx); err != nil {
			return err
		}
		dry := true
		if r.mayPost() {
			var err error
			if dry, err = r.postSome(ctx); err != nil {
				return err
			}
		}
		switch {
		case !dry: // there may be more
		case more == nil && r.idle():
			return nil
		case more == nil && r.hurried() && !r.busy():
			return ErrHurried
		case !r.await(ctx, more):
			more = nil
		}
	}
}

// postSome claims results and hands them out; dry when no more are pending.
func (r *posting) postSome(ctx context.Context) (dry bool, err error) {
	r.mu.Lock()
	r.released = false
	r.mu.Unlock()
	items, dry, err := r.claim()
	if err != nil {
		return dry, fmt.Errorf("claim results: %w", err)
	}
	return dry, r.dispatch(ctx, items)
}

// idle tells whether all that was claimed is settled or given up.
func (r *posting) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active == 0 && !r.released && len(r.open) == 0
}

// busy tells whether there is something to do without waiting for a look.
func (r *posting) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active > 0 || r.released && (r.row < inTrouble || r.probe)
}

// hurried tells whether Hurry is closed.
func (p *Publisher) hurried() bool {
	select {
	case <-p.Hurry:
		return true
	default:
		return false
	}
}

// await waits for something to do: news of results, a look that is due, results
// that are pending again, and the end of a batch once more is closed, which is
// when it gives false.
func (r *posting) await(ctx context.Context, more <-chan struct{}) (open bool) {
	var due <-chan time.Time
	if at, ok := r.nextLook(); ok {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		due = timer.C
	}
	var ended, hurry <-chan struct{}
	if more == nil {
		ended = r.ended
		if !r.hurried() {
			hurry = r.Hurry
		}
	}
	select {
	case _, open := <-more:
		return open && r.linger(ctx, more)
	case <-ended:
	case <-r.wake:
	case <-due:
	case <-hurry:
	case <-r.halt:
	case <-ctx.Done():
	}
	return more != nil
}

// linger lets news add up for a while; false when more is closed.
func (r *posting) linger(ctx context.Context, more <-chan struct{}) bool {
	timer := time.NewTimer(orDefault(r.Linger, 500*time.Millisecond))
	defer timer.Stop()
	for {
		select {
		case _, open := <-more:
			if !open {
				return false
			}
		case <-timer.C:
			return true
		case <-r.halt:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// end notes that a batch is dealt with.
func (r *posting) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active--
	signal(r.ended)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// stop ends posting with the first error that is given.
func (r *posting) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		close(r.halt)
	}
}

func (r *posting) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
