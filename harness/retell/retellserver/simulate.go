package retellserver

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/evalrun/evalrun/harness/retell"
)

// Odds are the chances of one run, from 0 to 1.
type Odds struct {
	// Pass is the chance that a run which has no error passes.
	Pass float64
	// Error is the chance that it ends as an error.
	Error float64
}

// DefaultPass is the chance that a run of a definition which says nothing passes;
// it has no error.
const DefaultPass = 0.8

// The dynamic variables that set the odds of a definition. PassRateVariable may
// end in _v and a version of the engine, as simulated_pass_rate_v3, for that one.
const (
	PassRateVariable  = "simulated_pass_rate"
	ErrorRateVariable = "simulated_error_rate"
)

// How long a run is, in simulated seconds: in the queue at least, and then.
const (
	minQueue, maxQueue = 1, 3
	minRun, maxRun     = 20, 60
)

// simulator decides what becomes of runs. The Server's lock guards it.
type simulator struct {
	config  Config
	entropy *rand.ChaCha8  // of IDs
	free    []time.Time    // when each of the places for a run is free
	trials  map[string]int // runs of a definition against an engine, so far
	names   map[string]int // definitions with a name, ever
}

func newSimulator(c Config) *simulator {
	s := &simulator{config: c, free: make([]time.Time, max(c.Concurrency, 1)), trials: map[string]int{}, names: map[string]int{}}
	s.entropy = rand.NewChaCha8(s.digest("ids"))
	return s
}

// digest is a seed for one purpose.
func (s *simulator) digest(parts ...string) [32]byte {
	text := strconv.FormatUint(s.config.Seed, 10)
	for _, p := range parts {
		text += "\x00" + p
	}
	return sha256.Sum256([]byte(text))
}

// definitionID follows from the seed and the name, so that results of a server
// that was started again compare with those from before.
func (s *simulator) definitionID(name string) string {
	s.names[name]++
	d := s.digest("definition", name, strconv.Itoa(s.names[name]))
	return "test_case_" + hex.EncodeToString(d[:12])
}

// id is one that no server had at another time.
func (s *simulator) id(prefix string, now time.Time) string {
	return prefix + strings.ToLower(ulid.MustNew(ulid.Timestamp(now), s.entropy).String())
}

// start plans the next run of a definition against an engine.
func (s *simulator) start(d *retell.TestCaseDefinition, e retell.ResponseEngine, now time.Time) *run {
	version := "latest"
	if e.Version != nil {
		version = strconv.Itoa(*e.Version)
	}
	key := strings.Join([]string{d.ID, e.Type, e.ID(), version}, "\x00")
	s.trials[key]++
	r := &run{
		id: s.id("test_case_job_", now), definition: d, engine: e, created: now,
		seed: s.digest("run", key, strconv.Itoa(s.trials[key])),
	}
	random := rand.New(rand.NewChaCha8(r.seed))
	r.verdict = verdict(random, s.odds(d, e))
	r.start, r.end = s.place(random, now)
	return r
}

func verdict(random *rand.Rand, odds Odds) string {
	trouble, good := random.Float64() < odds.Error, random.Float64() < odds.Pass
	switch {
	case trouble:
		return retell.StatusError
	case good:
		return retell.StatusPass
	}
	return retell.StatusFail
}

// place finds the place for a run that is free first, and takes it.
func (s *simulator) place(random *rand.Rand, now time.Time) (start, end time.Time) {
	first := 0
	for i, t := range s.free {
		if t.Before(s.free[first]) {
			first = i
		}
	}
	start = now.Add(s.between(random, minQueue, maxQueue))
	if s.free[first].After(start) {
		start = s.free[first]
	}
	end = start.Add(s.between(random, minRun, maxRun))
	s.free[first] = end
	return start, end
}

// between is a duration between two numbers of simulated seconds.
func (s *simulator) between(random *rand.Rand, least, most float64) time.Duration {
	seconds := least + random.Float64()*(most-least)
	return time.Duration(seconds / s.config.Speed * float64(time.Second))
}

func (s *simulator) odds(d *retell.TestCaseDefinition, e retell.ResponseEngine) Odds {
	if s.config.Odds != nil {
		return s.config.Odds(*d, e)
	}
	odds := Odds{Pass: DefaultPass}
	read := func(name string, into *float64) {
		if text, ok := d.DynamicVariables[name]; ok {
			*into, _ = strconv.ParseFloat(text, 64) // checked when the definition came
		}
	}
	read(PassRateVariable, &odds.Pass)
	read(ErrorRateVariable, &odds.Error)
	if e.Version != nil {
		read(PassRateVariable+"_v"+strconv.Itoa(*e.Version), &odds.Pass)
	}
	return odds
}

// checkOdds refuses variables that set odds to what is no chance. The error begins
// with the variable's place.
func checkOdds(variables map[string]string) error {
	for name, text := range variables {
		if name != PassRateVariable && name != ErrorRateVariable && !strings.HasPrefix(name, PassRateVariable+"_v") {
			continue
		}
		// cmp.Compare takes NaN for less than anything.
		if p, err := strconv.ParseFloat(text, 64); err != nil || cmp.Compare(p, 0) < 0 || p > 1 {
			return fmt.Errorf("/%s: got %q, want the chance that the simulation takes, from 0 to 1", name, text)
		}
	}
	return nil
}
