package harness

import "context"

// Sink takes finished results in batches.
//
// Write is called by one goroutine at a time. It owns nothing of the batch after
// it returns. It is idempotent on (case, trial): a batch may come twice. After
// an error the sink gets no more batches and the run is incomplete. Once a run
// was stopped, ctx ends with a second period of grace; that of a Journal never
// ends.
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
//
// While an evaluator takes its time the answer is written ahead, as a Pending
// result; the whole one replaces it.
type Journal interface {
	Sink
	// Plan is told of each page before any of its cases runs, once a page and in
	// order. It refuses a case ID that an earlier page or the page itself holds
	// already, and says which trials an earlier run has been through.
	Plan(ctx context.Context, page []Case) (Planned, error)
}

// Witness is a Journal that is told of every trial that begins, so that what was
// under way can be told when the process has died.
type Witness interface {
	// Begin says that a trial begins at a place, before its first call of the app,
	// or of an evaluator when it has an answer. Places are numbers from 0, about as
	// many as trials run at once, and the trial that began there before is over. It
	// is called from many goroutines and must be fast.
	Begin(place int, c Case, trial int)
}

// Planned is what a journal has of the trials of a page.
type Planned struct {
	// Finished trials are not run again.
	Finished []Key
	// Answered are Pending results: they are scored, and the app is not asked.
	Answered []Result
}
