package pace

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a model of a host: it takes a call or refuses it at once.
type server interface {
	begin(now time.Time) (ok bool, retryAfter time.Duration)
	end()
}

// bucket takes so many calls per second, from a bucket of tokens.
type bucket struct {
	rate, burst float64
	asks        time.Duration

	tokens float64
	last   time.Time
}

func (b *bucket) begin(now time.Time) (bool, time.Duration) {
	if b.last.IsZero() {
		b.tokens = b.burst
	} else {
		b.tokens = min(b.tokens+now.Sub(b.last).Seconds()*b.rate, b.burst)
	}
	b.last = now
	if b.tokens < 1-1e-9 {
		return false, b.asks
	}
	b.tokens--
	return true, 0
}
func (b *bucket) end() {}

// narrow takes so many calls at once.
type narrow struct{ most, now int }

func (n *narrow) begin(time.Time) (bool, time.Duration) {
	if n.now >= n.most {
		return false, 0
	}
	n.now++
	return true, 0
}
func (n *narrow) end() { n.now-- }

// storm refuses everything between two times.
type storm struct {
	server
	from, to time.Time
}

func (s storm) begin(now time.Time) (bool, time.Duration) {
	if !now.Before(s.from) && now.Before(s.to) {
		return false, 0
	}
	return s.server.begin(now)
}

type free struct{}

func (free) begin(time.Time) (bool, time.Duration) { return true, 0 }
func (free) end()                                  {}

// heavyTail is a latency as language models have it: log-normal, with p99 at six
// times the median.
func heavyTail(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(0.77*r.NormFloat64()))
}

// load is what callers did for some time.
type load struct {
	calls, taken, refused int
	lastTaken             time.Time
	err                   error
}

func (l load) extra() float64 { return float64(l.refused) / float64(max(l.taken, 1)) }

// pacer is what a caller asks before each call; done tells it the outcome.
type pacer func(ctx context.Context) (done func(ok bool, retryAfter time.Duration), err error)

func hostPacer(h *Host) pacer {
	return func(ctx context.Context) (func(bool, time.Duration), error) {
		c, err := h.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		return func(ok bool, retryAfter time.Duration) {
			if ok {
				c.Done(Result{Outcome: Taken})
			} else {
				c.Done(Result{Outcome: Refused, Status: http.StatusTooManyRequests, RetryAfter: retryAfter})
			}
		}, nil
	}
}

// drive has so many callers call a server for some time, each again at once.
func drive(ctx context.Context, p pacer, s server, callers int, latency, refusal time.Duration) load {
	var mu sync.Mutex
	var l load
	var wg sync.WaitGroup
	r := rand.New(rand.NewPCG(1, 2))
	for range callers {
		wg.Go(func() {
			for {
				done, err := p(ctx)
				if err != nil {
					mu.Lock()
					if ctx.Err() == nil {
						l.err = err
					}
					mu.Unlock()
					return
				}
				mu.Lock()
				l.calls++
				ok, after := s.begin(time.Now())
				takes := heavyTail(r, latency)
				mu.Unlock()
				if !ok {
					time.Sleep(refusal)
				} else {
					time.Sleep(takes)
				}
				mu.Lock()
				if ok {
					s.end()
					l.taken++
					l.lastTaken = time.Now()
				} else {
					l.refused++
				}
				mu.Unlock()
				done(ok, after)
			}
		})
	}
	wg.Wait()
	return l
}

const refusalTakes = 5 * time.Millisecond

// A host with R calls per second is met at 90 % of R or more, with at most 10 %
// extra calls, whether it says how long to wait or not.
func TestAHostWithARateIsMet(t *testing.T) {
	const span = 10 * time.Minute
	for _, tc := range []struct {
		name        string
		rate, burst float64
		asks        time.Duration
		callers     int
		latency     time.Duration
	}{
		{"10/s", 10, 1, 0, 16, 100 * time.Millisecond},
		{"10/s, Retry-After 1s", 10, 1, time.Second, 16, 100 * time.Millisecond},
		{"10/s, Retry-After 1s, slow", 10, 1, time.Second, 64, 2 * time.Second},
		{"10/s, slow", 10, 10, 0, 64, 2 * time.Second},
		{"100/s", 100, 1, 0, 64, 100 * time.Millisecond},
		{"100/s, burst 100, Retry-After 1s", 100, 100, time.Second, 64, 100 * time.Millisecond},
		{"100/s, burst 100", 100, 100, 0, 256, time.Second},
		{"1/s", 1, 1, 0, 16, 500 * time.Millisecond},
		{"1/s, burst 60", 1, 60, 0, 16, time.Second},
		{"1/s, burst 60, Retry-After 1s", 1, 60, time.Second, 16, time.Second},
		{"500/s, Retry-After 1s", 500, 50, time.Second, 512, 500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), span)
				defer cancel()
				b := &bucket{rate: tc.rate, burst: tc.burst, asks: tc.asks}
				l := drive(ctx, hostPacer(New(Config{})), b, tc.callers, tc.latency, refusalTakes)
				require.NoError(t, l.err)
				goodput := float64(l.taken) / (tc.rate*span.Seconds() + tc.burst)
				t.Logf("goodput %.3f of R, extra %.3f of the calls (%d refused, %d taken)", goodput, l.extra(), l.refused, l.taken)
				assert.GreaterOrEqual(t, goodput, 0.9)
				assert.LessOrEqual(t, l.extra(), 0.1)
				withinBudget(t, l, tc.callers)
			})
		})
	}
}

// A speed that was guessed too high comes down to the host's, and not far below it
// for minutes.
func TestAGuessThatWasTooHigh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const span = 3 * time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), span)
		defer cancel()
		now, h := time.Now(), New(Config{})
		h.learned = learned{limited: true, top: 1.26, most: 3, depth: firstDepth, period: 48 * time.Second, opened: now, free: now,
			trust: patienceMost, paused: time.Second, patience: shortestPause, budget: 20, since: now}
		l := drive(ctx, hostPacer(h), &bucket{rate: 1, burst: 1}, 16, 500*time.Millisecond, refusalTakes)
		require.NoError(t, l.err)
		goodput := float64(l.taken) / span.Seconds()
		t.Logf("goodput %.3f of R, %d refused", goodput, l.refused)
		assert.GreaterOrEqual(t, goodput, 0.83)
	})
}

// A host that takes N calls at once is kept busy at 90 % or more.
func TestAHostWithNCallsAtOnceIsMet(t *testing.T) {
	const span = 10 * time.Minute
	for _, tc := range []struct {
		name    string
		n       int
		latency time.Duration
	}{{"1", 1, 300 * time.Millisecond}, {"2", 2, time.Second}, {"8", 8, 100 * time.Millisecond}, {"8, slow", 8, 3 * time.Second}, {"50", 50, time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), span)
				defer cancel()
				l := drive(ctx, hostPacer(New(Config{})), &narrow{most: tc.n}, 64, tc.latency, refusalTakes)
				require.NoError(t, l.err)
				mean := tc.latency.Seconds() * math.Exp(0.77*0.77/2)
				goodput := float64(l.taken) * mean / (float64(tc.n) * span.Seconds())
				t.Logf("goodput %.3f of N, extra %.3f of the calls (%d refused, %d taken)", goodput, l.extra(), l.refused, l.taken)
				assert.GreaterOrEqual(t, goodput, 0.9)
				withinBudget(t, l, 64)
			})
		})
	}
}

// withinBudget: what a run may cost in calls that were refused: 10 % of those that
// were taken, those that were under way at the first refusal, and ten.
func withinBudget(t *testing.T, l load, callers int) {
	t.Helper()
	assert.LessOrEqual(t, float64(l.refused), 0.1*float64(l.taken)+float64(callers)+budgetStart)
}

// The host's rate changes under way; what it allows is found again.
func TestAHostThatChangesItsRate(t *testing.T) {
	for name, rates := range map[string][2]float64{"ten times less": {100, 10}, "ten times more": {10, 100}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const span = 10 * time.Minute
				h, b := New(Config{}), &bucket{rate: rates[0], burst: 10}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				drive(ctx, hostPacer(h), b, 64, 100*time.Millisecond, refusalTakes)
				b.rate = rates[1]
				ctx, cancel = context.WithTimeout(t.Context(), span)
				defer cancel()
				l := drive(ctx, hostPacer(h), b, 64, 100*time.Millisecond, refusalTakes)
				goodput := float64(l.taken) / (b.rate * span.Seconds())
				t.Logf("after the change: goodput %.3f of R, extra %.3f of the calls (%d refused)", goodput, l.extra(), l.refused)
				assert.GreaterOrEqual(t, goodput, 0.9)
				withinBudget(t, l, 64)
			})
		})
	}
}

// Thirty seconds in which everything is refused cost little more than that time,
// and nobody falls upon the host when they are over.
func TestAStormPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, lasts = 64, 30 * time.Second
		begin := time.Now()
		s := storm{free{}, begin.Add(20 * time.Second), begin.Add(50 * time.Second)}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var stats Stats
		h := New(Config{})
		l := drive(ctx, hostPacer(h), s, callers, 200*time.Millisecond, refusalTakes)
		stats = h.Stats()
		require.NoError(t, l.err)
		mean := 0.2 * math.Exp(0.77*0.77/2)
		goodput := float64(l.taken) / ((300 - lasts.Seconds()) * callers / mean)
		t.Logf("goodput %.3f of the time without the storm, %d refused of %d calls, longest pause %s", goodput, l.refused, l.calls, stats.Longest)
		assert.GreaterOrEqual(t, goodput, 0.85)
		assert.LessOrEqual(t, l.refused, callers+budgetStart)
		assert.Equal(t, int64(l.refused), stats.Refused)
		assert.Equal(t, int64(l.calls), stats.Calls)
	})
}

// A host that refuses for ever is given up after MaxElapsed, with hardly a call
// made for nothing.
func TestAHostThatRefusesForEverIsGivenUp(t *testing.T) {
	for name, asks := range map[string]time.Duration{"": 0, "Retry-After 1s": time.Second, "Retry-After 10ms": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var mu sync.Mutex
				var pauses []Pause
				h := New(Config{Name: "api.example", Notice: func(p Pause) {
					mu.Lock()
					defer mu.Unlock()
					pauses = append(pauses, p)
				}})
				l := drive(t.Context(), hostPacer(h), &bucket{rate: 0, burst: 0, asks: asks}, 64, time.Second, refusalTakes)
				took := time.Since(begin)
				t.Logf("given up after %s and %d calls: %v", took, l.calls, l.err)
				var gaveUp *GaveUp
				require.ErrorAs(t, l.err, &gaveUp)
				assert.Equal(t, "api.example has taken no call for 5m0s (status 429)", l.err.Error())
				assert.InDelta(t, (5 * time.Minute).Seconds(), took.Seconds(), 1)
				assert.LessOrEqual(t, l.calls, 64+20)
				require.NotEmpty(t, pauses)
				for i, p := range pauses {
					assert.LessOrEqual(t, time.Until(p.Until), time.Duration(0), "pause %d", i)
					assert.Equal(t, 429, p.Status)
				}
			})
		})
	}
}

// Whatever share of the calls is refused for no reason that we can find, calls go
// on, few of them, and the budget holds.
func TestAHostThatRefusesAtRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r := rand.New(rand.NewPCG(3, 4))
		l := drive(ctx, hostPacer(New(Config{})), chance{r, 0.3}, 16, time.Second, refusalTakes)
		t.Logf("%d taken, %d refused in an hour", l.taken, l.refused)
		require.NoError(t, l.err)
		assert.Positive(t, l.taken)
		assert.LessOrEqual(t, float64(l.refused), 0.1*float64(l.taken)+16+budgetStart+time.Hour.Seconds()/longestPause.Seconds())
	})
}

// chance refuses a share of the calls.
type chance struct {
	*rand.Rand
	share float64
}

func (c chance) begin(time.Time) (bool, time.Duration) { return c.Float64() >= c.share, 0 }
func (chance) end()                                    {}

// A host that refuses nothing is not slowed down at all.
func TestAHostThatRefusesNothingIsNotSlowedDown(t *testing.T) {
	spent := map[bool]load{}
	for _, paced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			p := func(ctx context.Context) (func(bool, time.Duration), error) {
				return func(bool, time.Duration) {}, ctx.Err()
			}
			if paced {
				p = hostPacer(New(Config{}))
			}
			spent[paced] = drive(ctx, p, free{}, 64, 100*time.Millisecond, refusalTakes)
		})
	}
	t.Logf("%d calls without, %d with", spent[false].calls, spent[true].calls)
	assert.InEpsilon(t, spent[false].calls, spent[true].calls, 0.01) // the latencies are dealt out in another order
}

// Whoever waits for his turn goes when his context ends.
func TestAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		c, err := h.Acquire(t.Context())
		require.NoError(t, err)
		c.Done(Result{Outcome: Refused, Status: 503, RetryAfter: time.Minute})
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := h.Acquire(ctx)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		wg.Wait()
		assert.Equal(t, time.Second, time.Since(begin))
	})
}

// One call alone goes first after a pause; the others follow when it was taken, or
// when it takes longer than a refusal would.
func TestOneProbeAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		c, err := h.Acquire(t.Context())
		require.NoError(t, err)
		c.Done(Result{Outcome: Refused, Status: 429, RetryAfter: 20 * time.Second})
		begin := time.Now()
		var mu sync.Mutex
		var began []time.Duration
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				c, err := h.Acquire(t.Context())
				assert.NoError(t, err)
				mu.Lock()
				began = append(began, time.Since(begin))
				mu.Unlock()
				time.Sleep(time.Hour)
				c.Done(Result{Outcome: Failed})
			})
		}
		wg.Wait()
		require.Len(t, began, 4)
		assert.Equal(t, 20*time.Second, began[0])
		for i := 1; i < 4; i++ {
			assert.GreaterOrEqual(t, began[i], began[i-1]+200*time.Millisecond)
		}
	})
}

func TestAPauseThatIsTooLongEndsItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Name: "api.example", MaxElapsed: time.Hour})
		c, err := h.Acquire(t.Context())
		require.NoError(t, err)
		c.Done(Result{Outcome: Refused, Status: 429, RetryAfter: 24 * time.Hour})
		_, err = h.Acquire(t.Context())
		require.EqualError(t, err, "api.example asks to wait until 2000-01-02 00:00:00 UTC (status 429), which is longer than max_retry_elapsed (1h0m0s)")
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for _, tc := range []struct {
			name, value string
			want        time.Duration
		}{
			{"Retry-After", "7", 7 * time.Second},
			{"Retry-After", "1.5", 1500 * time.Millisecond},
			{"Retry-After", "0", 0},
			{"Retry-After", "-3", 0},
			{"Retry-After", "soon", 0},
			{"Retry-After", "NaN", 0},
			{"Retry-After", "", 0},
			{"Retry-After", "Inf", longestAsked},
			{"Retry-After", "1e9", 1e9 * time.Second},
			{"Retry-After", "1e300", longestAsked},
			{"Retry-After", date(90 * time.Second), 90 * time.Second},
			{"Retry-After", date(-time.Hour), 0},
			{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT", longestAsked},
			{"Retry-After-Ms", "250", 250 * time.Millisecond},
			{"Retry-After-Ms", "x", 0},
		} {
			assert.Equal(t, tc.want, RetryAfter(http.Header{tc.name: {tc.value}}), "%s: %s", tc.name, tc.value)
		}
	})
}
