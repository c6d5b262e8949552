package harness_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/evalrun/evalrun/harness"
)

// A judge that takes long: the answer is written ahead, and when the process is
// gone before the score is there, the next run scores it without asking the app.
func TestAnswersAreWrittenAheadOfSlowScores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		j := &memory{}
		c := config(10)
		c.Journal = j
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) { asked.Add(1); return in, nil })
		c.Evaluators = []harness.Evaluator{evalFunc(func(ctx context.Context, tr harness.Trial) ([]harness.Score, error) {
			time.Sleep(30 * time.Second)
			j.mu.Lock()
			defer j.mu.Unlock()
			assert.Contains(t, j.ahead, harness.Key{Case: tr.Case.ID, Trial: 1})
			return equals(ctx, tr)
		})}
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(10), r.Trials.Completed, "what is written ahead is not counted")
		assert.Equal(t, int64(10), asked.Load())
		for _, ahead := range j.ahead {
			assert.True(t, ahead.Pending)
			assert.Empty(t, ahead.Scores)
			assert.NotNil(t, ahead.Output)
		}

		j.done = j.done[:4] // as if the process had died
		r, err = harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(10), asked.Load(), "the app is not asked again")
		assert.Equal(t, int64(6), r.Metric("equals").Passed)
		assert.Len(t, j.done, 10)
	})
}

func TestAnswersSurviveAStopWhileScoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		j := &memory{}
		c := config(4)
		c.Journal, c.Grace = j, time.Second
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			if asked.Add(1) == 4 {
				cancel()
			}
			return in, nil
		})
		judge := evalFunc(func(ctx context.Context, tr harness.Trial) ([]harness.Score, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		c.Evaluators = []harness.Evaluator{judge}
		_, err := harness.Run(ctx, c)
		require.Error(t, err)
		assert.Empty(t, j.done)
		assert.Len(t, j.ahead, 4)

		c.Evaluators = []harness.Evaluator{equals}
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(4), asked.Load())
		assert.Equal(t, int64(4), r.Metric("equals").Passed)
	})
}

// An evaluator that ends its goroutine hands the trial on to another one, which
// still has the answer to keep.
func TestAnswersSurviveAnEvaluatorThatGoexits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		j := &memory{}
		c := config(1)
		c.Journal, c.Grace = j, time.Millisecond
		goexit := namedEval{"goexit", func(context.Context, harness.Trial) ([]harness.Score, error) { runtime.Goexit(); return nil, nil }}
		judge := namedEval{"judge", func(ctx context.Context, _ harness.Trial) ([]harness.Score, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		c.Evaluators = []harness.Evaluator{goexit, judge}
		_, err := harness.Run(ctx, c)
		require.Error(t, err)
		assert.Empty(t, j.done)
		assert.Len(t, j.ahead, 1)
	})
}

type namedEval struct {
	name string
	evalFunc
}

func (n namedEval) Name() string { return n.name }

func TestGoexitAndPanicAtTheTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(400)
		c.Timeout, c.Concurrency = time.Second, 64
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			time.Sleep(time.Second)
			if i, _ := strconv.Atoi(in); i%2 == 0 {
				runtime.Goexit()
			}
			panic("late")
		})
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(400), r.AppErrors())
		assert.Equal(t, int64(200), r.Errors[harness.KindPanic])
		assert.Zero(t, r.Abandoned)
	})
}

func TestLimiterDoesNotLookAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		defer cancel()
		c := config(50)
		c.Pacer = harness.Limited(rate.NewLimiter(5, 1))
		r, err := harness.Run(ctx, c)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, r.AppErrors(), "a trial that was not run has no error")
		assert.Equal(t, harness.Incomplete, r.Status)
		assert.Equal(t, int64(6), r.Trials.Completed)
	})
}

func TestSinksEndAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := config(1)
		c.Grace = time.Second
		c.Sinks = []harness.Sink{harness.SinkFunc(func(ctx context.Context, _ []harness.Result) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})}
		begin := time.Now()
		_, err := harness.Run(ctx, c)
		require.Error(t, err)
		assert.LessOrEqual(t, time.Since(begin), 4*time.Second)
	})
}

func TestLimitNeedsNoFurtherPage(t *testing.T) {
	for range 50 {
		c := config(0)
		c.Limit = 5
		c.Source = sourceFunc(func(_ context.Context, cursor string) (harness.Page, error) {
			if cursor != "" {
				return harness.Page{}, errors.New("broken")
			}
			return harness.Page{Cases: cases(5), Next: "2"}, nil
		})
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, harness.Complete, r.Status)
	}
}

func TestPanicsOutsideTheAppAreErrorsOfTheRun(t *testing.T) {
	bug := func() error { panic("a bug") }
	for who, change := range map[string]func(*harness.Config){
		"source": func(c *harness.Config) {
			c.Source = sourceFunc(func(context.Context, string) (harness.Page, error) { return harness.Page{}, bug() })
		},
		"plan":    func(c *harness.Config) { c.Filter = func(harness.Case) bool { return bug() == nil } },
		"journal": func(c *harness.Config) { c.Journal = panicking{} },
		"sink": func(c *harness.Config) {
			c.Sinks = []harness.Sink{harness.SinkFunc(func(context.Context, []harness.Result) error { return bug() })}
		},
	} {
		t.Run(who, func(t *testing.T) {
			c := config(1000)
			change(&c)
			_, err := harness.Run(t.Context(), c)
			var p *harness.PanicError
			require.ErrorAs(t, err, &p)
			assert.Equal(t, who, p.Who)
			assert.Contains(t, p.Stack, "trouble_test.go")
		})
	}
}

type panicking struct{}

func (panicking) Plan(context.Context, []harness.Case) (harness.Planned, error) {
	return harness.Planned{}, nil
}
func (panicking) Write(context.Context, []harness.Result) error { panic("a bug") }

type badError struct{}

func (badError) Error() string { panic("no text") }

var shared = &harness.Error{Message: "no kind"}

func TestOddErrorsOfAnApp(t *testing.T) {
	c := config(40)
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
		switch i, _ := strconv.Atoi(in); i % 4 {
		case 0:
			var none *harness.Error
			return "", none
		case 1:
			return "", badError{}
		case 2:
			return "", shared
		}
		return "", errors.New("plain")
	})
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, int64(40), r.AppErrors())
	assert.Empty(t, shared.Kind, "the app's variable is left alone")
}

func TestNumbersThatCantBeAddedUp(t *testing.T) {
	prices := []float64{math.NaN(), math.Inf(1), -1, 1e200, 0.25}
	c := config(5)
	c.App = harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
		i, _ := strconv.Atoi(in.Text())
		return harness.Output{Value: "x", CostUSD: &prices[i]}, nil
	})
	c.Evaluators = []harness.Evaluator{evalFunc(func(_ context.Context, tr harness.Trial) ([]harness.Score, error) {
		i, _ := strconv.Atoi(tr.Case.ID[1:])
		return []harness.Score{{Value: prices[i]}}, nil
	})}
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, 0.25, *r.CostUSD)
	assert.Equal(t, int64(4), r.CostUnknown)
	assert.Equal(t, int64(3), r.Metric("equals").Unscored, "NaN, infinity and 1e200; -1 is a number")
	assert.False(t, math.IsNaN(r.Metric("equals").StdDev))
}

func TestRefusesEqualNames(t *testing.T) {
	c := config(1)
	c.Evaluators = append(c.Evaluators, equals)
	_, err := harness.Run(t.Context(), c)
	require.ErrorContains(t, err, `two Evaluators are called "equals"`)
}

func TestASourceThatGoesInCircles(t *testing.T) {
	c := config(0)
	c.Filter = func(harness.Case) bool { return false }
	next := map[string]string{"": "a", "a": "b", "b": "c", "c": "a"}
	n := 0
	c.Source = sourceFunc(func(_ context.Context, cursor string) (harness.Page, error) {
		n++
		return harness.Page{Cases: []harness.Case{{ID: fmt.Sprint(n)}}, Next: next[cursor]}, nil
	})
	_, err := harness.Run(t.Context(), c)
	require.ErrorContains(t, err, "names an earlier page")
}

func TestProgressMayBeUsedAgain(t *testing.T) {
	p := &harness.Progress{}
	p.Abandoned.Store(3)
	c := config(1)
	c.Progress = p
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Zero(t, r.Abandoned)
}

func TestCaseHash(t *testing.T) {
	a := harness.Case{ID: "a", Input: map[string]any{"x": "1", "y": []any{1.0, nil}}, Expected: "e"}
	b := a
	b.ID, b.Metadata, b.Cluster = "b", map[string]any{"tag": "new"}, "c"
	assert.Equal(t, a.Hash(), b.Hash(), "ID, metadata and cluster are not content")
	seen := map[string]bool{a.Hash(): true}
	for _, in := range []any{nil, "", "1", 1.0, "\xff", "\xfe", []any{"a", "b"}, []any{"ab"}, []any{"a", []any{"b"}}, map[string]any{"a": "b"}, true} {
		h := harness.Case{Input: in}.Hash()
		assert.False(t, seen[h], "%v", in)
		seen[h] = true
	}
	assert.NotEqual(t, harness.Case{Input: "x"}.Hash(), harness.Case{Expected: "x"}.Hash())
}

func TestFoldGoesByCaseID(t *testing.T) {
	pass, fail := harness.Passed(), harness.Failed("no")
	pass.Name, fail.Name = "m", "m"
	var results []harness.Result
	for _, id := range []string{"a", "b"} {
		for n := 1; n <= 2; n++ {
			s := pass
			if id == "b" {
				s = fail
			}
			results = append(results, harness.Result{Case: harness.Case{ID: id}, Trial: n, Output: &harness.Output{Value: "x"}, Scores: []harness.Score{s}})
		}
	}
	orders := [][]int{{0, 1, 2, 3}, {0, 2, 1, 3}, {3, 0, 2, 1}}
	for _, order := range orders {
		f := harness.NewFold(2)
		for _, i := range order {
			f.Add(results[i])
		}
		r := f.Report(2)
		assert.Equal(t, int64(2), r.Cases.Completed)
		assert.InDelta(t, math.Sqrt(0.5), r.Metric("m").StdDev, 1e-12)
	}
	f := harness.NewFold(2)
	f.Add(harness.Result{Case: harness.Case{ID: "a"}, Trial: 1, Error: &harness.Error{Kind: harness.KindApp}})
	r := f.Report(1)
	assert.Equal(t, harness.Counts{Planned: 1}, r.Cases, "a case with a missing trial is neither completed nor errored")
	assert.Equal(t, harness.Incomplete, r.Status)
}

// places checks that no two trials are at a place at once.
type places struct {
	memory
	begun, clash atomic.Int64
	at           [200]atomic.Int64 // the number of the case, and one more
}

func (p *places) Begin(place int, c harness.Case, _ int) {
	p.begun.Add(1)
	p.at[place].Store(c.Seq + 1)
}

// over is called as the last thing that a trial does.
func (p *places) over(id string) {
	n, _ := strconv.ParseInt(id[1:], 10, 64)
	for i := range p.at {
		if p.at[i].Load() == n+1 {
			return
		}
	}
	p.clash.Add(1) // another one is where it was
}

func TestTrialsBeginAtPlacesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &places{}
		c := config(300)
		c.Journal, c.Concurrency, c.Timeout = j, 16, time.Second
		c.App = harness.TextApp(func(ctx context.Context, in string) (string, error) {
			time.Sleep(10 * time.Millisecond)
			switch n, _ := strconv.Atoi(in); n % 10 {
			case 3:
				runtime.Goexit()
			case 5:
				panic("at the disco")
			case 7:
				time.Sleep(time.Minute) // left behind
			}
			return in, nil
		})
		c.Evaluators = []harness.Evaluator{evalFunc(func(_ context.Context, tr harness.Trial) ([]harness.Score, error) {
			j.over(tr.Case.ID)
			return []harness.Score{harness.Passed()}, nil
		})}
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(30), r.Abandoned)
		assert.Equal(t, int64(300), j.begun.Load())
		assert.Zero(t, j.clash.Load())
		used := 0
		for i := range j.at {
			if j.at[i].Load() > 0 {
				used++
			}
		}
		assert.LessOrEqual(t, used, 2*16+30, "places are used again")
		time.Sleep(2 * time.Minute) // those left behind end
	})
}

// A tenth of 10,000 calls hangs and ignores its context: each costs its time limit
// and no more, is counted, and is an error of its trial alone.
func TestAThousandHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, hangs = 10_000, 1_000
		release := make(chan struct{})
		c := config(n)
		c.Journal, c.Concurrency, c.Timeout = &memory{}, 64, time.Second
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			if i, _ := strconv.Atoi(in); i%10 == 3 {
				<-release
			}
			return in, nil
		})
		begin := time.Now()
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, harness.Complete, r.Status)
		assert.Equal(t, int64(hangs), r.Abandoned)
		assert.Equal(t, int64(hangs), r.Errors[harness.KindTimeout])
		assert.Equal(t, int64(n-hangs), r.Metric("equals").Passed, "the others are unaffected")
		assert.Less(t, time.Since(begin), time.Minute, "64 at once, each up to 2 s and a bit")
		close(release) // the goroutines that were left behind end; else synctest says so
	})
}
