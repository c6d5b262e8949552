package tcpfaults

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness/runner"
)

// TestRunThroughFaultsThatOnlyHinder: the run is complete at once.
func TestRunThroughFaultsThatOnlyHinder(t *testing.T) {
	for name, of := range map[string]func(direction string) fault{
		"latency":     func(d string) fault { return latency(d, 20, 15) },
		"slow":        func(d string) fault { return bandwidth(d, 100) },
		"sliced":      func(d string) fault { return slices(d, 500, 10) },
		"closed late": func(d string) fault { return slowClose(d, 100) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, true)
			s.platform.link.reset(of(requests), of(answers))
			s.app.link.reset(of(requests), of(answers))
			assert.Equal(t, runner.CodePass, s.start())
			assert.Equal(t, questions, sum(s.app.ledger()))
		})
	}
}

// TestRunWhoseAppIsCutOff has the fault from the 20th call on for a while.
func TestRunWhoseAppIsCutOff(t *testing.T) {
	for name, f := range map[string]fault{
		"stalls":             stall(answers, 0),
		"requests are reset": resets(requests, 0),
		"answers are reset":  resets(answers, 0),
		"answers are cut":    cut(answers, 50),
		"requests are cut":   cut(requests, 100),
		"down":               {},
	} {
		for _, publish := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, publish %t", name, publish), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, publish)
				s.app.tell(func(n int) {
					switch {
					case n != 20:
						return
					case f == fault{}:
						s.app.link.down()
					default:
						s.app.link.add(f)
					}
					time.AfterFunc(2*time.Second, func() { s.app.link.reset() })
				})
				s.start()
				s.finish()
			})
		}
	}
}

// TestRunWhosePlatformIsCutOff has the fault while a batch of results is under
// way.
func TestRunWhosePlatformIsCutOff(t *testing.T) {
	mendAtNext := func(s *scene) {
		s.platform.tell(nil, nil)
		var once sync.Once
		s.platform.tell(func(int) { once.Do(s.platform.link.mend) }, nil)
	}
	answered := func(f fault) func(*scene) {
		return func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				if n == 1 && taken {
					s.platform.link.add(f)
					mendAtNext(s)
				}
			})
		}
	}
	for name, arrange := range map[string]func(*scene){
		"answer cut at 0":     answered(cut(answers, 0)),
		"answer cut at 10":    answered(cut(answers, 10)),
		"answer cut at 100":   answered(cut(answers, 100)),
		"answer cut at 1000":  answered(cut(answers, 1000)),
		"answer cut at 20000": answered(cut(answers, 20000)),
		"answer reset":        answered(resets(answers, 0)),
		"answer stalls":       answered(stall(answers, 0)),
		"answer stalls, cut":  answered(stall(answers, 200)),
		"request cut": func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				switch {
				case n == 1 && taken:
					s.platform.link.add(cut(requests, 3000))
				case n == 2 && taken:
					mendAtNext(s)
				}
			})
		},
		"answers reset for a while": func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				if n == 1 && taken {
					s.platform.link.add(resets(answers, 0))
					time.AfterFunc(2*time.Second, func() { s.platform.link.reset() })
				}
			})
		},
		"down before it is taken": func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				if n == 2 && !taken {
					s.platform.link.down()
					time.AfterFunc(time.Second, func() { s.platform.link.reset() })
				}
			})
		},
		"down after it is taken": func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				if n == 2 && taken {
					s.platform.link.down()
					time.AfterFunc(time.Second, func() { s.platform.link.reset() })
				}
			})
		},
		"down for long": func(s *scene) {
			s.platform.tell(nil, func(n int, taken bool) {
				if n == 2 && taken {
					s.platform.link.down()
					time.AfterFunc(10*time.Second, func() { s.platform.link.reset() })
				}
			})
		},
		"down while pages are read": func(s *scene) {
			s.platform.tell(func(n int) {
				if n == 5 {
					s.platform.link.down()
					time.AfterFunc(300*time.Millisecond, func() { s.platform.link.reset() })
				}
			}, nil)
		},
		"pages cut": func(s *scene) {
			s.platform.link.reset(cut(answers, 30000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, true)
			arrange(s)
			s.start()
			s.finish()
		})
	}
}

// TestRunsThroughRandomFaults changes the faults of both links a few times a
// second until the run has ended.
func TestRunsThroughRandomFaults(t *testing.T) {
	var mu sync.Mutex
	var all tally
	t.Run("seeds", func(t *testing.T) {
		for seed := *first; seed < *first+*seeds; seed++ {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, true)
				rng := rand.New(rand.NewPCG(uint64(seed), 0))
				stop := s.shake(rng)
				s.start()
				stop()
				s.finish()
				mu.Lock()
				defer mu.Unlock()
				all.lost, all.twice, all.again = all.lost+s.tally.lost, all.twice+s.tally.twice, all.again+s.tally.again
			})
		}
	})
	t.Logf("%d runs of %d cases through random TCP faults: %d results lost, %d on the platform twice, %d answers asked for again",
		*seeds, questions, all.lost, all.twice, all.again)
}

// shake puts faults on the links and takes them away until stop is called; mostly
// from the app's first call on, as a run that can't start shows little.
func (s *scene) shake(rng *rand.Rand) (stop func()) {
	over, begun := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	if rng.IntN(5) == 0 {
		begin()
	}
	s.app.tell(func(int) {
		begin()
		time.Sleep(20 * time.Millisecond) // an answer takes its time
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-over:
			return
		case <-begun:
		}
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(20+rng.IntN(200)) * time.Millisecond):
			}
			anyFault(rng, []*link{s.app.link, s.platform.link}[rng.IntN(2)])
		}
	})
	return func() {
		close(over)
		wg.Wait()
	}
}

func anyFault(rng *rand.Rand, l *link) {
	direction := []string{requests, answers}[rng.IntN(2)]
	switch rng.IntN(10) {
	case 0:
		l.down()
	case 1:
		l.add(cut(direction, rng.IntN(100_000)))
	case 2:
		l.reset(cut(direction, rng.IntN(100_000)))
	case 3:
		l.reset(resets(direction, rng.IntN(50)))
	case 4:
		l.add(stall(direction, rng.IntN(2)*200))
	case 5:
		l.reset(latency(direction, 20, 15), slices(direction, 500, 10))
	default:
		l.reset()
	}
}
