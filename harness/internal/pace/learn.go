package pace

import (
	"math"
	"time"
)

const (
	// budgetShare is how many refusals each call that is taken pays for.
	budgetShare = 0.1
	// budgetStart is how many refusals are free, beside those of the calls that
	// are under way when the first one comes.
	budgetStart = 10
	// firstDepth is by what part calls slow down after a refusal.
	firstDepth = 0.06
	// mostDepth is the most of that, after refusals early on the curve.
	mostDepth = 0.25
	// patienceMost is how many pauses, and minCalls how many calls, the time has
	// before more than what is known to work is tried again: what that costs is
	// a few percent of the time and of the calls, whatever the host's limits.
	patienceMost = 48
	minCalls     = 25
	// slowest is the fewest calls per second that a host is thought to take.
	slowest = 1. / 60
	// timerLag is how late a call may begin without the next one waiting as long:
	// short times can't be waited for exactly.
	timerLag = 10 * time.Millisecond
	// meterFor is the time over which the speed is measured.
	meterFor = 8 * time.Second
)

// learned is what is known of a host's limits. Nothing is, and no call waits,
// until the first refusal. From then on there are two limits: calls per second,
// and calls at once. Each follows a curve (as TCP CUBIC's window does): less than
// what was refused at first, then long about the same, then more and more.
type learned struct {
	limited  bool
	top      float64       // calls per second at which the host refused; 0: not known yet
	most     int           // calls at once that it took
	depth    float64       // how far below top the curve begins
	period   time.Duration // the time until the curve is back at top
	opened   time.Time     // when the curve began
	free     time.Time     // when the next call may begin
	trust    float64       // how many pauses the period is: grows while top proves right
	paused   time.Duration // the last pause
	patience time.Duration // the longest that a probe is waited for
	budget   float64       // refusals that may still come
	speed    float64       // what was measured when the host refused
	early    bool          // it refused before the curve was back at top

	count  float64 // calls begun since, less the refused ones
	since  time.Time
	peak   int // the most at once of calls taken since opened
	served int // calls taken since opened
}

// began counts a call.
func (l *learned) began(now time.Time) {
	if l.since.IsZero() {
		l.since = now
	}
	if age := now.Sub(l.since); age > meterFor { // halve both: the recent past counts most
		l.count /= 2
		l.since = now.Add(-min(age, 2*meterFor) / 2)
	}
	l.count++
	if gap := l.gapAt(now); gap > 0 {
		if late := now.Add(-max(timerLag-gap, 0)); l.free.Before(late) {
			l.free = late
		}
		l.free = l.free.Add(gap)
	}
}

// took counts a call that was taken as one of so many at once.
func (l *learned) took(among int) {
	l.peak = max(l.peak, among)
	l.served++
	l.budget += budgetShare
}

// unbegan takes a refused call out of the counts.
func (l *learned) unbegan(begun time.Time) {
	l.budget--
	if !begun.Before(l.since) {
		l.count--
	}
}

// cut notes the state when the host refused a call, the last of so many at once,
// and so many are under way now.
func (l *learned) cut(now time.Time, among, under int) {
	if l.top == 0 {
		l.limited = true
		l.budget += budgetStart + float64(under)
		l.opened = now // the meter's end
		return
	}
	l.early = now.Sub(l.opened) < l.period/2
	l.speed = l.rate(now)
	switch {
	case l.early: // only the speed can be too high
		took := float64(l.served) / max(now.Sub(l.opened), time.Second).Seconds()
		l.speed = max(l.rate(l.opened), min(0.95*took, l.rate(now)))
	case among > l.peak: // maybe these were too many at once
		l.speed *= 1.25
		l.most = l.proved()
	default:
		l.most = max(l.most, l.peak)
		l.most += 1 + l.most/10
	}
	if elapsed := now.Sub(l.since); elapsed >= time.Second {
		l.speed = min(l.speed, 2*max(l.count, 1)/elapsed.Seconds())
	}
}

// settle begins a new curve from what was learned. The last call, the probe,
// began at the time given; so many are under way.
func (l *learned) settle(now, probe time.Time, under int) {
	switch {
	case l.top == 0: // the first time: what was taken until the refusal
		l.speed = max(l.count, 1) / max(l.opened.Sub(l.since), time.Second).Seconds()
		l.depth, l.trust = firstDepth, 1
		l.most = max(l.peak, under, 1)
	case l.early:
		l.depth = min(2*l.depth, mostDepth)
	default:
		l.depth, l.trust = firstDepth, min(3*l.trust, patienceMost)
	}
	l.top = max(l.speed, slowest)
	l.period = max(time.Duration(l.trust*float64(l.paused)), time.Duration(l.needed()/l.top*float64(time.Second)))
	l.opened, l.since, l.count, l.peak, l.served = now, now, 0, 0, 0
	l.free = probe.Add(l.gapAt(now))
}

// proved is how many calls at once the host takes, as far as is known.
func (l *learned) proved() int { return max(l.peak, int(0.7*float64(l.most)), 1) }

// progress is where on the curve we are: -1 at its beginning, 0 when it is back
// at top. With an empty budget nothing is tried.
func (l *learned) progress(now time.Time) float64 {
	x := float64(now.Sub(l.opened))/float64(l.period) - 1
	if l.budget <= 0 || float64(l.served) < l.needed() {
		return min(x, 0)
	}
	return x
}

// needed is how many calls have to be taken before more is tried.
func (l *learned) needed() float64 { return min(2*l.trust, minCalls) }

// rate is how many calls per second may begin.
func (l *learned) rate(now time.Time) float64 {
	x := l.progress(now)
	depth := l.depth
	if x > 0 {
		depth = firstDepth
	}
	return l.top * (1 + depth*math.Pow(x, 3))
}

// window is how many calls may be under way.
func (l *learned) window(now time.Time) int {
	x := l.progress(now)
	if x <= 0 {
		return l.most
	}
	return l.most + int(math.Ceil(min(x*float64(l.most), 1e6)))
}

// gapAt is the time between the beginnings of two calls; 0 when that is not limited.
func (l *learned) gapAt(now time.Time) time.Duration {
	if l.top == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / l.rate(now))
}

// spacing is how long the next call has to wait.
func (l *learned) spacing(now time.Time) time.Duration { return l.free.Sub(now) }
