package runner

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeed  = flag.Int64("seed", 0, "the one seed that TestSimFaults runs, and tells everything of; 0: -seeds of them")
	simSeeds = flag.Int("seeds", 0, "how many seeds TestSimFaults runs, from 1; 0: 200, or 25 with -short")
)

// TestSimFaults runs the engine, the store and the client against the local
// platform, with random faults between them and with random ends of the process:
// nothing is lost, nothing is there twice, and no finished call is made again. It
// waits for the disk most of the time: with TMPDIR in memory it is several times
// as fast.
func TestSimFaults(t *testing.T) {
	first, last := int64(1), int64(200)
	switch {
	case *simSeed != 0:
		first, last = *simSeed, *simSeed
	case *simSeeds > 0:
		last = int64(*simSeeds)
	case testing.Short():
		last = 25
	}
	var mu sync.Mutex
	var total figures
	began := time.Now()
	t.Run("seed", func(t *testing.T) {
		for seed := first; seed <= last; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					f := simulate(t, newScenario(seed), dir)
					mu.Lock()
					defer mu.Unlock()
					total.add(f)
				})
			})
		}
	})
	t.Logf("%s; %.1f seeds/s", total, float64(total.seeds)/time.Since(began).Seconds())
}

// simulate runs one scenario in this process, in a time of its own.
func simulate(t *testing.T, s *scenario, dir string) figures {
	w := newWorld(t, s, dir)
	w.once, w.unbroken = w.runOnce, w.inMemory
	w.replay = fmt.Sprint("-run Sim -seed ", s.seed)
	return w.run(t.Context())
}
