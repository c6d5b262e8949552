package sgp

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// Sink posts results as they come, for runs without a store. It remembers which
// ones it has posted, but not longer than the process lives: with a store, a
// Publisher can go on after a crash.
type Sink struct {
	publisher Publisher
	box       memoryOutbox
}

var _ harness.Sink = (*Sink)(nil)

// NewSink makes a sink that posts as the publisher says; its Outbox is not used.
func NewSink(p Publisher) *Sink {
	s := &Sink{publisher: p}
	s.publisher.Outbox = &s.box
	return s
}

// Write posts a batch and returns when all of it is on the platform. Results
// that the platform rejects are an error too. A result that was posted before is
// left out.
func (s *Sink) Write(ctx context.Context, batch []harness.Result) error {
	s.box.add(batch)
	if _, err := s.publisher.run(ctx, nil, false); err != nil {
		return err
	}
	return s.box.rejected()
}

// Audit compares what the platform has with what was posted, once everything was:
// see Publisher.Run.
func (s *Sink) Audit(ctx context.Context) (harness.Audit, error) {
	return s.publisher.run(ctx, nil, true)
}

// memoryOutbox keeps results until they are posted, and their keys for ever.
type memoryOutbox struct {
	mu      sync.Mutex
	order   []harness.Key // of the pending ones
	results map[harness.Key]harness.Result
	books   map[harness.Key]harness.Receipt
	refused []harness.Receipt
}

var _ harness.Outbox = (*memoryOutbox)(nil)

func (b *memoryOutbox) add(batch []harness.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.books == nil {
		b.books, b.results = map[harness.Key]harness.Receipt{}, map[harness.Key]harness.Result{}
	}
	for _, r := range batch {
		if k := r.Key(); b.books[k].State == "" {
			b.books[k], b.results[k] = harness.Receipt{Key: k, State: harness.PostPending}, r
			b.order = append(b.order, k)
		}
	}
}

func (b *memoryOutbox) rejected() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refused) == 0 {
		return nil
	}
	first := b.refused[0]
	n := len(b.refused)
	b.refused = nil
	return fmt.Errorf("sgp: %d results were rejected, the first of case %q: %s", n, first.Key.Case, first.Message)
}

func (b *memoryOutbox) Claim(_ context.Context, n int) ([]harness.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, len(b.order))
	out := make([]harness.Result, n)
	for i, k := range b.order[:n] {
		out[i], b.books[k] = b.results[k], harness.Receipt{Key: k, State: harness.PostPosting}
	}
	b.order = b.order[n:]
	return out, nil
}

func (b *memoryOutbox) Settle(_ context.Context, receipts []harness.Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range receipts {
		b.books[r.Key] = r
		switch r.State {
		case harness.PostPending:
			b.order = append(b.order, r.Key)
			continue
		case harness.PostRejected:
			b.refused = append(b.refused, r)
		}
		delete(b.results, r.Key)
	}
	return nil
}

func (b *memoryOutbox) Unsettled(context.Context) ([]harness.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []harness.Key
	for k := range b.results {
		if b.books[k].State == harness.PostPosting {
			out = append(out, k)
		}
	}
	return out, nil
}

func (b *memoryOutbox) Audit(_ context.Context, list iter.Seq2[[]harness.Listed, error]) (harness.Audit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := map[harness.Listed]bool{}
	copies := map[harness.Key]int64{}
	for listed, err := range list {
		if err != nil {
			return harness.Audit{}, err
		}
		for _, l := range listed {
			if !seen[l] {
				copies[l.Key]++
			}
			seen[l] = true
		}
	}
	delete(copies, harness.Key{})
	audit := harness.Audit{At: time.Now()}
	for k, r := range b.books {
		if r.State != harness.PostPosted {
			continue
		}
		n := copies[k]
		if seen[harness.Listed{RemoteID: r.RemoteID}] {
			n++
		}
		if n == 0 {
			audit.Lost++
		} else {
			audit.Found++
			audit.Duplicated += n - 1
		}
		delete(copies, k)
	}
	for _, n := range copies {
		audit.Unexpected += n
	}
	return audit, nil
}
