package harness

import (
	"sync/atomic"
	"time"
)

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
	Refused   atomic.Int64 // calls that the Pacer has made again
	Abandoned atomic.Int64
	// MicroUSD is the cost so far in millionths of a US dollar.
	MicroUSD atomic.Int64
	// Waiting is set by whoever makes the run wait, such as a Pacer; nil, or over
	// once Until has passed.
	Waiting atomic.Pointer[Waiting]
}

// Waiting says what a run waits for.
type Waiting struct {
	Until time.Time
	// Why is a few words: "api.example asks to slow down (status 429)".
	Why string
}
