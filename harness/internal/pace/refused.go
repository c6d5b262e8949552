package pace

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	shortestPause = 200 * time.Millisecond
	longestPause  = 30 * time.Second // of those that the host did not ask for
)

// GaveUp is the error when a host is not to be called any more.
type GaveUp struct {
	Host   string
	Status int // of the last refusal
	// For is how long the host took no call; 0 when it asked for a pause that is
	// too long.
	For time.Duration
	// Until is the end of the pause that it asked for.
	Until time.Time
	// Limit is Config.MaxElapsed.
	Limit time.Duration
}

// Error says what the host did, or wants.
func (e *GaveUp) Error() string {
	if e.For > 0 {
		return fmt.Sprintf("%s has taken no call for %s (status %d)", e.Host, e.For.Round(time.Second), e.Status)
	}
	return fmt.Sprintf("%s asks to wait until %s (status %d), which is longer than max_retry_elapsed (%s)",
		e.Host, e.Until.UTC().Format("2006-01-02 15:04:05 MST"), e.Status, e.Limit)
}

// refused takes a refusal. It gives the pause that it leads to, if a human should
// know of it.
func (h *Host) refused(c *Call, r Result, now time.Time) *Pause {
	h.stats.Refused++
	if h.silent.IsZero() {
		h.silent = now
	}
	if h.stopped != nil {
		return nil
	}
	deadline := h.silent.Add(h.MaxElapsed)
	switch {
	case !now.Before(deadline):
		h.stopped = &GaveUp{Host: h.Name, Status: r.Status, For: now.Sub(h.silent), Limit: h.MaxElapsed}
		return nil
	case r.RetryAfter > deadline.Sub(now):
		h.stopped = &GaveUp{Host: h.Name, Status: r.Status, Until: now.Add(r.RetryAfter), Limit: h.MaxElapsed}
		return nil
	}
	if c.epoch < h.epoch { // it was on its way when others were refused
		h.unbegan(c.begun)
		return h.pause(now, r.RetryAfter, r.Status)
	}
	if h.shut { // the probe
		h.failed++
	} else {
		h.cut(now, c.among, h.under+1)
	}
	h.unbegan(c.begun)
	pause := max(r.RetryAfter, h.ownPause())
	if h.failed == 0 {
		h.paused = pause
	}
	if h.budget <= 0 {
		pause = max(pause, longestPause)
	}
	h.patience = max(4*now.Sub(c.begun), shortestPause)
	h.shut, h.probe = true, nil
	h.epoch++
	return h.pause(now, min(pause, deadline.Sub(now)), r.Status)
}

// pause makes everybody wait.
func (h *Host) pause(now time.Time, pause time.Duration, status int) *Pause {
	if end := now.Add(pause); end.After(h.until) {
		h.until = end
	}
	h.stats.Longest = max(h.stats.Longest, pause)
	if pause < time.Second {
		return nil
	}
	return &Pause{Host: h.Name, Status: status, Until: h.until}
}

// ownPause is how long to wait when the host does not say: at least as long as
// one call takes its turn, twice as long after each probe that is refused.
func (h *Host) ownPause() time.Duration {
	base := max(shortestPause, min(h.gapAt(h.opened.Add(h.period)), longestPause))
	pause := min(base<<min(h.failed, 10), longestPause)
	return pause - time.Duration(rand.Int64N(int64(pause)/4+1))
}
