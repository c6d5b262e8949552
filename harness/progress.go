package harness

import "sync/atomic"

// Progress counts what a run does while it goes on. Give Run a pointer to one
// and read it from any goroutine.
type Progress struct {
	Total     atomic.Int64 // trials that the source announces; 0 when it does not
	Planned   atomic.Int64 // trials fed so far
	Running   atomic.Int64 // trials at the app or at an evaluator
	Done      atomic.Int64 // trials stored, those of an earlier start included
	Errored   atomic.Int64 // of Done
	Failed    atomic.Int64 // of Done: an answer that some score says is wrong
	Retries   atomic.Int64
	Abandoned atomic.Int64
	// MicroUSD is the cost so far in millionths of a US dollar.
	MicroUSD atomic.Int64
}
