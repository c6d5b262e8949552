package runner

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// faultKind is what goes wrong with one request.
type faultKind int

const (
	noFault     faultKind = iota
	refusedDial           // no connection
	dropBefore            // read, and the connection reset; not taken
	dropAfter             // taken, and the connection reset
	lateReset             // the connection reset, and taken after that
	lateTimeout           // no answer until the client gives up, and taken after that
	lateGateway           // 504, and taken after that
	errorBefore           // 5xx, not taken
	errorAfter            // 5xx, taken
	tooMany               // 429 with Retry-After, not taken
	unavailable           // 503 with Retry-After, not taken
	truncated             // taken, and the answer's body breaks off
	stalled               // taken, and the answer's body does not end
	pageBefore            // 200 with an HTML page, not taken
	pageAfter             // 200 with an HTML page, taken
	numFaultKinds
)

func (k faultKind) String() string {
	return [...]string{
		"none", "refused connection", "reset before commit", "reset after commit", "reset, then commit", "time-out, then commit",
		"504, then commit", "5xx before commit", "5xx after commit", "429", "503 with Retry-After", "truncated answer", "stalled answer",
		"HTML page before commit", "HTML page after commit",
	}[k]
}

// fault is one of them with its numbers.
type fault struct {
	kind   faultKind
	status int           // of a 5xx
	wait   time.Duration // of an ordinary answer; asked for by a refusal
	late   time.Duration // from the client's giving up to the commit
}

// faults draws the faults of one start.
type faults struct {
	rng   *rand.Rand
	share float64       // of the requests go wrong
	quiet time.Duration // commits come earlier than this after the client has left
	late  bool          // but not all of them
	real  bool          // time is real: nothing takes long
}

func newFaults(s *scenario, start int) *faults {
	return &faults{
		rng: rand.New(rand.NewPCG(uint64(cmp.Or(s.faultSeed, s.seed)), uint64(100+start))), share: s.start(start).faulty,
		quiet: simQuiet, late: s.late,
	}
}

// next draws one.
func (f *faults) next() fault {
	out := fault{status: []int{500, 502, 503, 504}[f.rng.IntN(4)]}
	if !f.real {
		out.wait = time.Duration(f.rng.IntN(200)) * time.Millisecond
		if f.rng.IntN(20) == 0 {
			out.wait = time.Duration(f.rng.IntN(30)) * time.Second // slow, and within the time limit
		}
	}
	if f.rng.Float64() >= f.share {
		return out
	}
	out.kind = 1 + faultKind(f.rng.IntN(int(numFaultKinds)-1))
	switch out.kind {
	case tooMany, unavailable:
		out.wait = time.Duration(1+f.rng.IntN(20)) * time.Second
		if f.real {
			out.wait = 0
		}
	case refusedDial, lateTimeout, stalled:
		if f.real { // they take a minute, or can't be had from here
			out.kind = lateReset
		}
	}
	out.late = time.Duration(f.rng.Int64N(int64(f.quiet * 9 / 10)))
	if f.late && f.rng.IntN(2) == 0 {
		out.late = f.quiet + time.Duration(f.rng.Int64N(int64(3*f.quiet)))
	}
	return out
}
