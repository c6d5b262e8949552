package runner

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// scenario is one run with everything that happens to it. All of it follows from
// the seed, but for the order in which goroutines come to run.
type scenario struct {
	seed                                int64
	cases, trials, concurrency, retries int
	batch, inFlight, bytes              int // of the publisher; bytes 0: the default
	maxBody                             int // bytes that the platform takes at once; 0: any number
	bad                                 map[int]bool
	named                               bool // the platform says which item is bad
	parted                              bool // it takes what comes before a bad item
	late                                bool // some commits come later than the quiet time
	starts                              []startPlan
	faultSeed                           int64 // 0: the seed
}

// startPlan is what happens to one start of the process. The zero value is
// nothing.
type startPlan struct {
	faulty float64       // share of the requests that go wrong
	kill   int           // the boundary at which it is killed; 0: it is not
	pause  time.Duration // before it
}

const (
	simQuiet    = 2 * time.Minute  // the default of the publisher
	simTimeout  = 20 * time.Second // of the app
	simStarts   = 14               // in all; those without a plan have no faults
	simLongest  = 12 * time.Hour   // of one start
	simMostCase = 60
)

func newScenario(seed int64) *scenario {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	one := func(in int) bool { return r.IntN(in) == 0 }
	s := &scenario{
		seed: seed, cases: 1 + r.IntN(12), trials: 1 + r.IntN(3), concurrency: 1 + r.IntN(8), retries: r.IntN(3),
		batch: 1 + r.IntN(20), inFlight: 1 + r.IntN(4), bad: map[int]bool{}, named: !one(3), parted: one(5), late: one(10),
	}
	if one(5) {
		s.cases = 1 + r.IntN(simMostCase)
	}
	if one(4) {
		s.bytes = 500 + r.IntN(5000)
	}
	if one(4) {
		s.maxBody = 2000 + r.IntN(5000) // more than one result has
	}
	if s.cases > 3 && one(3) { // some are good
		for range 1 + r.IntN(3) {
			s.bad[r.IntN(s.cases)] = true
		}
	}
	calls := s.cases * s.trials
	for range 1 + r.IntN(5) {
		p := startPlan{faulty: []float64{0, 0.1, 0.3, 0.6}[r.IntN(4)]}
		if !one(4) {
			p.kill = 1 + r.IntN(20+4*calls)
		}
		if one(2) {
			p.pause = time.Duration(r.Int64N(int64(5 * time.Minute)))
		}
		s.starts = append(s.starts, p)
	}
	return s
}

func (s *scenario) start(n int) startPlan {
	if n < len(s.starts) {
		return s.starts[n]
	}
	return startPlan{}
}

// yaml is the suite; the texts are YAML.
func (s *scenario) yaml(dataset, app string, quiet time.Duration) string {
	return fmt.Sprintf(`name: sim
dataset: {sgp: {dataset_id: %s, version: 1}}
app: %s
evaluators: [right, judge]
trials: %d
concurrency: %d
retries: %d
timeout: %s
gate: [errors.rate <= 100%%]
publish: {sgp: {evaluation: {name: sim}, quiet_time: %s}}
`, dataset, app, s.trials, s.concurrency, s.retries, simTimeout, quiet)
}

// String is the plan in lines.
func (s *scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases × %d trials, concurrency %d, retries %d; batches of %d results", s.cases, s.trials, s.concurrency, s.retries, s.batch)
	if s.bytes > 0 {
		fmt.Fprintf(&b, " or %d bytes", s.bytes)
	}
	fmt.Fprintf(&b, ", %d in flight\n", s.inFlight)
	if s.maxBody > 0 {
		fmt.Fprintf(&b, "the platform takes %d bytes at once\n", s.maxBody)
	}
	if len(s.bad) > 0 {
		fmt.Fprintf(&b, "it refuses the cases %v, names them: %v, keeps what comes before them: %v\n", s.bad, s.named, s.parted)
	}
	if s.late {
		b.WriteString("some commits come later than the quiet time\n")
	}
	for i, p := range s.starts {
		fmt.Fprintf(&b, "start %d: %.0f%% of the requests go wrong", i+1, 100*p.faulty)
		if p.kill > 0 {
			fmt.Fprintf(&b, ", killed at boundary %d", p.kill)
		}
		if p.pause > 0 {
			fmt.Fprintf(&b, ", %s after the one before", p.pause.Round(time.Second))
		}
		b.WriteString("\n")
	}
	return b.String()
}
