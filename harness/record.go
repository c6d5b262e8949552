package harness

import (
	"context"
	"fmt"
	"time"
)

// commitWait is how long a result waits for others, so that a fast app's share
// one commit of the journal.
const commitWait = 5 * time.Millisecond

// batchItems is the most results of a commit; as many wait meanwhile.
const batchItems = 1000

// record takes the results as they come, in batches: the journal first, then
// they count as done, then the other sinks. While the journal syncs one batch
// the next one grows.
//
// When the journal fails no further trial begins. What the running ones come to is
// kept until all have ended and then offered once more: the disk may have room
// again.
func (e *engine) record(ctx context.Context, results *queue, queues []*queue, stop func()) error {
	defer func() {
		for _, q := range queues {
			q.close()
		}
	}()
	ctx = context.WithoutCancel(ctx)
	var failed error
	var left [][]Result
	for {
		batch := results.take(Batch{Items: batchItems, Bytes: 4 << 20, Wait: commitWait})
		if batch == nil {
			break
		}
		if failed == nil {
			failed = e.store(ctx, batch, queues)
		}
		if failed != nil {
			stop()
			left = append(left, batch)
		}
	}
	for _, batch := range left {
		if e.store(ctx, batch, queues) != nil {
			break
		}
	}
	return failed
}

// store hands a batch to the journal, counts it and hands it on.
func (e *engine) store(ctx context.Context, batch []Result, queues []*queue) error {
	if e.Journal != nil {
		if err := guarded("journal", func() error { return e.Journal.Write(ctx, batch) }); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	for _, r := range batch {
		if r.Pending {
			continue
		}
		e.count(r)
		for _, q := range queues {
			q.put(r) // a failed sink has said so itself
		}
	}
	return nil
}

// count makes a result that is stored part of the report.
func (e *engine) count(r Result) {
	e.recorded++
	e.fold.Add(r)
	p := e.Progress
	p.Done.Add(1)
	if r.Errored() {
		p.Errored.Add(1)
	}
	if r.Failed() {
		p.Failed.Add(1)
	}
	if r.Output != nil && r.Output.CostUSD != nil {
		p.MicroUSD.Add(int64(*r.Output.CostUSD * 1e6))
	}
}

// drain writes a sink's batches until its queue is closed and empty.
func drain(ctx context.Context, q *queue, sink Sink, b Batch) error {
	for {
		batch := q.take(b)
		if batch == nil {
			return nil
		}
		if err := guarded("sink", func() error { return sink.Write(ctx, batch) }); err != nil {
			q.fail()
			return fmt.Errorf("sink: %w", err)
		}
	}
}
