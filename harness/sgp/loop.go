package sgp

import (
	"context"
	"fmt"
	"time"

	"github.com/evalrun/evalrun/harness"
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

// claim takes results for a batch, dry when no more are pending. Results may be
// large, so they are taken a few at a time and no more once there are enough
// bytes for two batches.
func (r *posting) claim() (items []item, dry bool, err error) {
	const few = 10
	size := 0
	for n := 0; n < r.items && size < 2*r.bytes; {
		want := min(few, r.items-n)
		claimed, err := r.Outbox.Claim(r.ctx, want)
		if err != nil {
			r.release(keys(items))
			return nil, false, err
		}
		n += len(claimed)
		for _, it := range r.encode(claimed) {
			items = append(items, it)
			size += len(it.data)
		}
		if len(claimed) < want {
			return items, true, nil
		}
	}
	return items, false, nil
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

// encode makes items of results. One that JSON can't carry is rejected.
func (r *posting) encode(claimed []harness.Result) []item {
	items := make([]item, 0, len(claimed))
	var receipts []harness.Receipt
	for _, result := range claimed {
		it, err := r.item(result)
		if err != nil {
			receipts = append(receipts, harness.Receipt{Key: it.key, State: harness.PostRejected, Message: err.Error()})
			continue
		}
		items = append(items, it)
	}
	r.settle(receipts)
	return items
}

// dispatch cuts items into batches and sends each when a slot is free. What it
// can't send any more goes back to pending.
func (r *posting) dispatch(ctx context.Context, items []item) error {
	for len(items) > 0 {
		n := r.fit(items)
		select {
		case r.slots <- struct{}{}:
		case <-r.halt:
			r.release(keys(items))
			return nil
		case <-ctx.Done():
			r.release(keys(items))
			return context.Cause(ctx)
		}
		if ctx.Err() != nil || !r.leave() {
			<-r.slots
			r.release(keys(items))
			return nil
		}
		batch := items[:n]
		items = items[n:]
		r.group.Go(func() {
			r.post(batch)
			<-r.slots
			r.end()
		})
	}
	return nil
}

// end notes that a batch is dealt with.
func (r *posting) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active--
	signal(r.ended)
}

// fit is how many of the items make up the next batch: one at least. What was in
// doubt goes in smaller ones, since an item may be what breaks the platform.
func (r *posting) fit(items []item) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	size, most := 2, r.items
	for i, it := range items {
		size += len(it.data) + 1
		limit := r.items
		for range r.again[it.key] {
			limit = max(limit/10, 1)
		}
		most = min(most, limit)
		if i > 0 && (i >= most || size > r.bytes) {
			return i
		}
	}
	return len(items)
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

// settle records receipts; if it can't, the results stay marked as posting.
func (r *posting) settle(receipts []harness.Receipt) {
	if len(receipts) == 0 {
		return
	}
	if err := r.Outbox.Settle(context.WithoutCancel(r.ctx), receipts); err != nil {
		r.stop(fmt.Errorf("record what became of %d results: %w", len(receipts), err))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, receipt := range receipts {
		if receipt.State == harness.PostPending {
			r.released = true
			signal(r.wake)
		}
	}
}

// release makes results pending again.
func (r *posting) release(keys []harness.Key) {
	receipts := make([]harness.Receipt, len(keys))
	for i, k := range keys {
		receipts[i] = harness.Receipt{Key: k, State: harness.PostPending}
	}
	r.settle(receipts)
}

func keys(items []item) []harness.Key {
	out := make([]harness.Key, len(items))
	for i, it := range items {
		out[i] = it.key
	}
	return out
}
