package harness

import "context"

// Sink takes finished results in batches.
//
// Write is called by one goroutine at a time. It owns nothing of the batch after
// it returns. It is idempotent on (case, trial): a batch may come twice. After
// an error the sink gets no more batches and the run is incomplete.
type Sink interface {
	Write(ctx context.Context, batch []Result) error
}

// SinkFunc makes a Sink of a function.
type SinkFunc func(ctx context.Context, batch []Result) error

// Write calls f.
func (f SinkFunc) Write(ctx context.Context, batch []Result) error { return f(ctx, batch) }

// Journal is the Sink that makes a run resumable: harness/store has one. A
// result counts as done when Write has returned; by then it must survive a
// power cut.
type Journal interface {
	Sink
	// Plan is told of each page before any of its cases runs, once a page and in
	// order. It refuses a case ID that an earlier page or the page itself holds
	// already, and returns the trials that need not run again because their
	// results are there.
	Plan(ctx context.Context, page []Case) (finished []Key, err error)
}
