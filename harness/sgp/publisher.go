package sgp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// Publisher posts stored results to an evaluation in batches, several at once.
//
// A batch is sent once. What the platform certainly refused is sorted out: items
// that it complains about are rejected with its message, the others are sent
// again. After a failure that leaves a batch's fate open nothing more is posted;
// its results stay marked as posting, and the next Run looks for them on the
// platform before it does anything else. That finds every result as long as the
// platform does not take a request later than the next Run's look.
type Publisher struct {
	Client *Client
	Outbox harness.Outbox
	// RunID names the run in every item (see RunKey). EvaluationID,
	// ApplicationSpecID and DatasetVersion (a version's number) say where the
	// results belong. All are required.
	RunID, EvaluationID, ApplicationSpecID, DatasetVersion string
	// Questions maps score names to the IDs of the platform's questions. A score
	// that is not in it goes under its own name.
	Questions map[string]string
	// BatchItems and BatchBytes limit a batch; defaults 100 and 1 MiB. One result
	// that is larger goes alone.
	BatchItems, BatchBytes int
	// InFlight is how many batches are sent at the same time. Default 2.
	InFlight int
	// Linger is how long to wait for more results once there are some, so that
	// batches fill. Default 500ms.
	Linger time.Duration
	// Grace is how long batches that are being sent may go on after the context
	// has ended. Default 10s.
	Grace time.Duration
	// QuietTime is how long the platform may still take a request that was given
	// up: results in doubt that it does not list are posted again no sooner.
	// Default 2m.
	QuietTime time.Duration
	// Notice, when set, is told what Run waits for: one line, fit to be shown. It
	// is called by one goroutine at a time.
	Notice func(string)
}

// ErrDuplicates is the cause of an error of Publisher.Run that tells of results
// found more than once on the platform. They can't be deleted there.
var ErrDuplicates = errors.New("results are on the platform more than once")

// Run posts what the outbox holds. It then waits for news on more, until more is
// closed and nothing is pending; a nil channel counts as closed. It returns when
// every batch that it sent has been answered or given up, and with an error at
// the first failure that is not about single items. Results that the platform
// rejected are not an error: the outbox has them with their messages.
func (p *Publisher) Run(ctx context.Context, more <-chan struct{}) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("sgp: publish: %w", err)
	}
	r := p.start(ctx)
	defer r.cancel()
	duplicates, err := r.reconcile(ctx)
	if err != nil {
		return fmt.Errorf("sgp: publish to evaluation %s: %w", p.EvaluationID, err)
	}
	err = r.loop(ctx, more)
	r.group.Wait()
	if stopped := r.stopped(); stopped != nil {
		err = stopped
	}
	if err != nil {
		err = fmt.Errorf("sgp: publish to evaluation %s: %w", p.EvaluationID, err)
	}
	if duplicates > 0 {
		err = errors.Join(err, fmt.Errorf("sgp: evaluation %s: %d %w", p.EvaluationID, duplicates, ErrDuplicates))
	}
	return err
}

func (p *Publisher) check() error {
	switch {
	case p.Client == nil || p.Outbox == nil:
		return errors.New("no client or no outbox")
	case p.RunID == "":
		return errors.New("no run ID")
	case p.EvaluationID == "":
		return errors.New("no evaluation ID")
	case p.ApplicationSpecID == "":
		return errors.New("no application spec ID")
	case p.DatasetVersion == "":
		return errors.New("no dataset version")
	}
	asked := map[string]string{}
	for name, question := range p.Questions {
		if other, ok := asked[question]; ok {
			return fmt.Errorf("evaluators %q and %q are for the same question %s", min(name, other), max(name, other), question)
		}
		asked[question] = name
	}
	return nil
}

// posting is one Run of a Publisher.
type posting struct {
	*Publisher
	items, bytes int
	slots        chan struct{}
	group        sync.WaitGroup
	ctx          context.Context // of requests and settling: outlives the caller's by Grace
	cancel       context.CancelFunc

	mu      sync.Mutex
	err     error         // why posting stopped
	halt    chan struct{} // closed when it has
	batches verdict       // whether the platform takes a batch whole or not at all
}

func (p *Publisher) start(ctx context.Context) *posting {
	r := &posting{Publisher: p, items: p.BatchItems, bytes: p.BatchBytes, halt: make(chan struct{})}
	if r.items <= 0 {
		r.items = 100
	}
	if r.bytes <= 0 {
		r.bytes = 1 << 20
	}
	inFlight := p.InFlight
	if inFlight <= 0 {
		inFlight = 2
	}
	r.slots = make(chan struct{}, inFlight)
	r.ctx, r.cancel = afterGrace(ctx, orDefault(p.Grace, 10*time.Second))
	return r
}

// afterGrace is a context that ends a while after the other one.
func afterGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	return late, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel(context.Canceled)
	}
}

// loop claims results and hands them out in batches.
func (r *posting) loop(ctx context.Context, more <-chan struct{}) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if r.stopped() != nil {
			return nil // Run says why
		}
		items, dry, err := r.claim()
		if err != nil {
			return fmt.Errorf("claim results: %w", err)
		}
		if err := r.dispatch(ctx, items); err != nil {
			return err
		}
		switch {
		case !dry: // there may be more
		case more != nil:
			if !r.await(ctx, more) {
				more = nil
			}
		default:
			return nil
		}
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

// await waits for news and lets it add up for a while; false when more is
// closed.
func (r *posting) await(ctx context.Context, more <-chan struct{}) bool {
	select {
	case _, open := <-more:
		if !open {
			return false
		}
	case <-r.halt:
		return true
	case <-ctx.Done():
		return true
	}
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
		batch := items[:n]
		items = items[n:]
		r.group.Go(func() {
			defer func() { <-r.slots }()
			r.post(batch)
		})
	}
	return nil
}

// fit is how many of the items make up the next batch: one at least.
func (r *posting) fit(items []item) int {
	size := 2
	for i, it := range items {
		size += len(it.data) + 1
		if i == r.items || i > 0 && size > r.bytes {
			return i
		}
	}
	return len(items)
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
	}
}

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

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
