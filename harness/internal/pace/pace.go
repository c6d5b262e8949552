// Package pace makes calls to one host at the speed that the host allows. A host
// that has never refused a call is not slowed down. After a refusal (status 429,
// 503 or 529) everybody who calls it pauses, for as long as the host asks
// (Retry-After) or for a growing time; then one call probes, and when it is taken
// the others follow, so many at once and so many per second as the host took
// before. Now and then a little more is tried.
package pace

import (
	"context"
	"sync"
	"time"
)

// Config configures a Host.
type Config struct {
	// Name is the host's, for what a human reads.
	Name string
	// MaxElapsed is how long a host may refuse without taking a single call, and
	// the longest pause that it may ask for. Default 5m.
	MaxElapsed time.Duration
	// Notice, when given, is told of each pause of a second or more. It is
	// called from many goroutines, and must neither block nor call the Host.
	Notice func(Pause)
}

// Pause is a time in which a host is not called.
type Pause struct {
	Host   string
	Status int // what it refused with
	Until  time.Time
}

// Outcome is what became of a call.
type Outcome int

// The outcomes.
const (
	Failed  Outcome = iota // anything else; says nothing about the pace
	Taken                  // the host did what it was asked
	Refused                // the host did not even try
)

// Result is what a call came to.
type Result struct {
	Outcome Outcome
	// Status and RetryAfter are of a refusal; 0 when there is none.
	Status     int
	RetryAfter time.Duration
}

// Stats say what a host cost so far.
type Stats struct {
	Calls   int64 // all that were made
	Refused int64 // of Calls
	Longest time.Duration
}

// Host is one host as its callers know it. It is safe for concurrent use.
type Host struct {
	Config
	turn chan struct{} // held by the caller who is next
	wake chan struct{} // tells that caller to look again

	mu      sync.Mutex
	learned           // what is known of the host's limits
	under   int       // calls under way
	epoch   int       // counts the pauses
	shut    bool      // paused, or waiting for the probe
	until   time.Time // the end of the pause
	probe   *Call     // the one call after a pause
	ask     time.Time // when the probe counts as taken, for want of an answer
	failed  int       // probes refused in a row
	silent  time.Time // the first refusal since a call was taken; zero: none
	stats   Stats
	stopped error
}

// New makes a Host of which nothing is known.
func New(c Config) *Host {
	if c.MaxElapsed <= 0 {
		c.MaxElapsed = 5 * time.Minute
	}
	return &Host{Config: c, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

// Call is a call under way. Done has to be called once when it has ended.
type Call struct {
	host  *Host
	begun time.Time
	among int // calls under way when it began, itself included
	epoch int
}

// Acquire returns when one more call may be made. Its error is ctx's, or a *GaveUp
// when no call should be made to the host any more.
func (h *Host) Acquire(ctx context.Context) (*Call, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	now := time.Now()
	h.mu.Lock()
	if !h.limited && h.stopped == nil {
		defer h.mu.Unlock()
		return h.begin(now), nil
	}
	h.mu.Unlock()
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-h.turn }()
	for {
		c, wait, err := h.next(time.Now())
		if c != nil || err != nil {
			return c, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-h.wake:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		timer.Stop()
	}
}

// next begins a call, or says how long to wait before looking again.
func (h *Host) next(now time.Time) (*Call, time.Duration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped != nil:
		return nil, 0, h.stopped
	case now.Before(h.until):
		return nil, h.until.Sub(now), nil
	case h.shut && h.probe == nil && h.top > 0 && h.under >= h.proved():
		return nil, time.Minute, nil // it would be one too many
	case h.shut && h.probe == nil:
		c := h.begin(now)
		h.probe, h.ask = c, now.Add(h.patience)
		return c, 0, nil
	case h.shut && now.Before(h.ask):
		return nil, h.ask.Sub(now), nil
	case h.shut:
		h.reopen(now)
	}
	if wait := h.spacing(now); wait > 0 {
		return nil, wait, nil
	}
	if h.under >= h.window(now) {
		return nil, time.Minute, nil // whoever is done wakes us
	}
	return h.begin(now), 0, nil
}

func (h *Host) begin(now time.Time) *Call {
	h.under++
	h.stats.Calls++
	h.began(now)
	return &Call{host: h, begun: now, among: h.under, epoch: h.epoch}
}

// Done says what the call came to.
func (c *Call) Done(r Result) {
	h, now := c.host, time.Now()
	h.mu.Lock()
	h.under--
	var pause *Pause
	if r.Outcome == Refused {
		pause = h.refused(c, r, now)
	} else {
		h.answered(c, r, now)
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	if pause != nil && h.Notice != nil {
		h.Notice(*pause)
	}
}

func (h *Host) answered(c *Call, r Result, now time.Time) {
	if r.Outcome == Taken {
		h.took(c.among)
		h.silent = time.Time{}
	}
	if h.shut && c == h.probe {
		h.reopen(now)
	}
}

// reopen lets the others follow the probe.
func (h *Host) reopen(now time.Time) {
	h.settle(now, h.probe.begun, h.under)
	h.shut, h.probe, h.failed = false, nil, 0
}

// Stats gives what the host cost so far.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}
