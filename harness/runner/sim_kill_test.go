package runner

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

var simKills = flag.Int("kills", 0, "how many times TestSimKills kills a process at a random instant, beside each boundary once; 0: 20, or 2 with -short")

// killQuiet is the quiet time where time is real.
const killQuiet = 250 * time.Millisecond

// killLongest bounds one start.
const killLongest = time.Minute

// TestSimKills kills a real process at each boundary of its run, and at random
// instants, and starts it again until nothing is left to do.
func TestSimKills(t *testing.T) {
	random, every := 20, 1
	if testing.Short() {
		random, every = 2, 10
	}
	if *simKills > 0 {
		random = *simKills
	}
	whole := newKillScenario(0)
	w := newKillWorld(t, whole)
	var boundaries atomic.Int64
	w.once = func() ended { return w.startChild(0, 0, &boundaries) }
	w.unbroken = w.overHTTP
	total := w.run(t.Context())
	length := w.longest
	require.Positive(t, boundaries.Load())
	b, err := readBooks(t.Context(), w.dir)
	require.NoError(t, err)
	unbroken := func(context.Context) (*harness.Report, error) { return b.report, nil }
	var mu sync.Mutex
	count := func(f figures) {
		mu.Lock()
		defer mu.Unlock()
		total.add(f)
	}
	began := time.Now()
	t.Run("kill", func(t *testing.T) {
		for k := 1; k <= int(boundaries.Load()); k += every {
			t.Run(fmt.Sprint("boundary", k), func(t *testing.T) {
				t.Parallel()
				count(killed(t, newKillScenario(int64(k)), k, 0, unbroken))
			})
		}
		for n := range random {
			t.Run(fmt.Sprint("instant", n), func(t *testing.T) {
				t.Parallel()
				s := newKillScenario(int64(10000 + n))
				count(killed(t, s, 0, time.Duration(draw(int(length), s.faultSeed)), unbroken))
			})
		}
	})
	t.Logf("%d boundaries; %s; %.1f kills/s", boundaries.Load(), total, float64(total.kills)/time.Since(began).Seconds())
}

// newKillScenario is always the same run; what the platform does differs.
func newKillScenario(seed int64) *scenario {
	s := &scenario{
		seed: 1, cases: 5, trials: 2, concurrency: 2, retries: 1, batch: 4, inFlight: 2,
		bad: map[int]bool{3: true}, named: seed%2 == 0,
	}
	r := rand.New(rand.NewPCG(uint64(seed), 2))
	if seed == 0 {
		return s
	}
	s.starts = make([]startPlan, 2+r.IntN(3))
	for i := range s.starts {
		s.starts[i].faulty = []float64{0, 0.1, 0.3}[r.IntN(3)]
		if i > 0 {
			s.starts[i].kill = r.IntN(60)
		}
	}
	s.faultSeed = seed
	return s
}

// killed runs one scenario whose first start ends at a boundary or after a time.
func killed(t *testing.T, s *scenario, at int, after time.Duration, unbroken func(context.Context) (*harness.Report, error)) figures {
	w := newKillWorld(t, s)
	w.unbroken = unbroken
	s.starts[0].kill = at
	w.once = func() ended {
		n := w.starts
		if n > 0 {
			after = 0
		}
		return w.startChild(s.start(n).kill, after, nil)
	}
	return w.run(t.Context())
}
