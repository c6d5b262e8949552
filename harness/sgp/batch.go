package sgp

import (
	"context"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

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
