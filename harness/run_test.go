package harness_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cases makes n cases that expect their own input.
func cases(n int) harness.Cases {
	cs := make(harness.Cases, n)
	for i := range cs {
		cs[i] = harness.Case{ID: fmt.Sprint("c", i), Input: strconv.Itoa(i), Expected: strconv.Itoa(i)}
	}
	return cs
}

// echo answers with the input.
var echo = harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil })

type evalFunc func(ctx context.Context, t harness.Trial) ([]harness.Score, error)

func (evalFunc) Name() string { return "equals" }
func (f evalFunc) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	return f(ctx, t)
}

var equals = evalFunc(func(_ context.Context, t harness.Trial) ([]harness.Score, error) {
	return []harness.Score{harness.PassIf(t.Output.Text() == t.Case.Expected, "differs")}, nil
})

// memory is a Journal in memory.
type memory struct {
	mu      sync.Mutex
	plans   int
	planned []harness.Case
	done    []harness.Result
	ahead   map[harness.Key]harness.Result
	fail    error
}

func (m *memory) Plan(_ context.Context, page []harness.Case) (harness.Planned, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plans++
	m.planned = append(m.planned, page...)
	var there harness.Planned
	for _, r := range m.done {
		if slices.ContainsFunc(page, func(c harness.Case) bool { return c.ID == r.Case.ID }) {
			there.Finished = append(there.Finished, r.Key())
		}
	}
	for key, r := range m.ahead {
		if !slices.Contains(there.Finished, key) && slices.ContainsFunc(page, func(c harness.Case) bool { return c.ID == key.Case }) {
			there.Answered = append(there.Answered, r)
		}
	}
	return there, nil
}

func (m *memory) Write(_ context.Context, batch []harness.Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, r := range batch {
		if !r.Pending {
			m.done = append(m.done, r)
			continue
		}
		if m.ahead == nil {
			m.ahead = map[harness.Key]harness.Result{}
		}
		m.ahead[r.Key()] = r
	}
	return nil
}

func config(n int) harness.Config {
	return harness.Config{Source: cases(n), App: echo, Evaluators: []harness.Evaluator{equals}}
}

func TestRunScoresEveryTrialOnce(t *testing.T) {
	j := &memory{}
	c := config(1234)
	c.Trials, c.Journal = 3, j
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, harness.Complete, r.Status)
	assert.Equal(t, harness.Counts{Planned: 1234, Completed: 1234}, r.Cases)
	assert.Equal(t, harness.Counts{Planned: 3702, Completed: 3702}, r.Trials)
	assert.Equal(t, 1.0, *r.Metric("equals").PassRate)
	seen := map[harness.Key]int{}
	for _, r := range j.done {
		seen[r.Key()]++
	}
	assert.Len(t, seen, 3702)
}

func TestRunRefusesAConfigBeforeAnythingRuns(t *testing.T) {
	_, err := harness.Run(t.Context(), harness.Config{Trials: -1})
	require.Error(t, err)
	for _, want := range []string{"no Source", "no App", "no Evaluators", "Trials is negative"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestAppSeesTheInputOnly(t *testing.T) {
	c := config(1)
	c.Source = harness.Cases{{ID: "a", Input: map[string]any{"q": "x"}, Expected: "secret", Extra: "secret",
		Metadata: map[string]any{"lang": "en"}, History: []any{"before"}}}
	var got harness.Input
	c.App = harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
		got = in
		return harness.Output{Value: "y"}, nil
	})
	_, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v", got), "secret")
	assert.Equal(t, `{"q":"x"}`, got.Text())
	assert.Equal(t, []any{"before"}, got.History)
	assert.Equal(t, 1, got.Trial)
	assert.Positive(t, got.Seed)
}

func TestTroubleStaysWithItsTrial(t *testing.T) {
	c := config(9)
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
		switch in {
		case "1":
			panic("boom")
		case "2":
			runtime.Goexit()
		case "3":
			return "", errors.New("no answer")
		case "4":
			var c *harness.Case
			return c.ID, nil // nil dereference
		}
		return in, nil
	})
	c.Evaluators = []harness.Evaluator{evalFunc(func(ctx context.Context, tr harness.Trial) ([]harness.Score, error) {
		switch tr.Output.Text() {
		case "5":
			panic("judge")
		case "6":
			return nil, errors.New("no verdict")
		case "7":
			return []harness.Score{{Value: math.NaN()}}, nil
		case "8":
			return nil, nil
		}
		return equals(ctx, tr)
	})}
	j := &memory{}
	c.Journal = j
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, map[harness.ErrorKind]int64{harness.KindPanic: 2, harness.KindApp: 2}, r.Errors)
	m := r.Metric("equals")
	assert.Equal(t, int64(1), m.Scored)
	assert.Equal(t, int64(4), m.Unscored)
	assert.Equal(t, int64(8), r.Trials.Errored)
	assert.Equal(t, [2]float64{1. / 9, 5. / 9}, m.PassBounds)
	byID := map[string]harness.Result{}
	for _, r := range j.done {
		byID[r.Case.ID] = r
	}
	assert.Contains(t, byID["c1"].Error.Stack, "run_test.go")
	assert.Equal(t, "app panicked: boom", byID["c1"].Error.Message)
	assert.Contains(t, byID["c2"].Error.Message, "Goexit")
	assert.Equal(t, harness.KindPanic, byID["c5"].Scores[0].Error.Kind)
	assert.Equal(t, harness.KindEvaluator, byID["c6"].Scores[0].Error.Kind)
	assert.Contains(t, byID["c7"].Scores[0].Error.Message, "NaN")
	assert.Contains(t, byID["c8"].Scores[0].Error.Message, "no score")
}

func TestTimeoutsFreeTheSlotAndAreCounted(t *testing.T) {
	release := make(chan struct{})
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		c := config(20)
		c.Concurrency, c.Timeout, c.Retry.Max = 2, 3*time.Second, 5
		c.App = harness.TextApp(func(ctx context.Context, in string) (string, error) {
			switch in {
			case "0", "7": // ignores its context
				<-release
			case "3": // heeds it
				<-ctx.Done()
				return "", ctx.Err()
			}
			return in, nil
		})
		begin := time.Now()
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, map[harness.ErrorKind]int64{harness.KindTimeout: 3}, r.Errors)
		assert.Equal(t, int64(2), r.Abandoned)
		assert.Equal(t, int64(0), r.Retries, "a timeout is not tried again")
		assert.Equal(t, int64(17), r.Metric("equals").Passed)
		assert.LessOrEqual(t, time.Since(begin), 12*time.Second)
		assert.Len(t, r.Warnings, 1)
		close(release)
	})
}

func TestRetriesFailedCallsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [5]atomic.Int64
		c := config(5)
		c.Retry.Max = 3
		var waited time.Duration
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			i, _ := strconv.Atoi(in)
			n := calls[i].Add(1)
			switch {
			case i == 0 && n < 3:
				return "", errors.New("busy")
			case i == 1:
				return "", &harness.Error{Message: "no such model", Permanent: true}
			case i == 2:
				return "wrong", nil
			case i == 3 && n == 1:
				waited = -time.Duration(time.Now().UnixNano())
				return "", &harness.Error{Message: "429", RetryAfter: 42 * time.Second}
			case i == 3:
				waited += time.Duration(time.Now().UnixNano())
			case i == 4:
				return "", &harness.Error{Message: "429", RetryAfter: time.Hour}
			}
			return in, nil
		})
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		for i, want := range []int64{3, 1, 1, 2, 1} {
			assert.Equal(t, want, calls[i].Load(), "calls of case %d", i)
		}
		assert.Equal(t, int64(3), r.Retries)
		assert.Equal(t, int64(2), r.AppErrors())
		assert.Equal(t, 42*time.Second, waited)
	})
}

func TestPipelineOverlapsStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, conc, latency = 1000, 10, 100 * time.Millisecond
		c := config(n)
		c.Concurrency = conc
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			time.Sleep(latency)
			return in, nil
		})
		slowJudge := evalFunc(func(ctx context.Context, tr harness.Trial) ([]harness.Score, error) {
			time.Sleep(latency)
			return equals(ctx, tr)
		})
		c.Evaluators = []harness.Evaluator{slowJudge}
		c.Sinks = []harness.Sink{harness.SinkFunc(func(context.Context, []harness.Result) error {
			time.Sleep(latency)
			return nil
		})}
		begin := time.Now()
		_, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.InEpsilon(t, float64(n*latency/conc), float64(time.Since(begin)), 0.05)
	})
}

func TestCancelKeepsWhatFinishesWithinTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		j := &memory{}
		c := config(100)
		c.Journal, c.Concurrency, c.Grace = j, 4, 5*time.Second
		var started atomic.Int64
		c.App = harness.TextApp(func(ctx context.Context, in string) (string, error) {
			if started.Add(1) == 4 {
				cancel()
			}
			wait := 2 * time.Second
			if in == "3" {
				wait = time.Minute
			}
			select {
			case <-time.After(wait):
				return in, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		})
		begin := time.Now()
		r, err := harness.Run(ctx, c)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, harness.Incomplete, r.Status)
		assert.Equal(t, 5*time.Second, time.Since(begin))
		assert.Len(t, j.done, 3)
		assert.Equal(t, int64(4), started.Load())
		assert.Zero(t, r.AppErrors(), "a trial that was cut off has no result")

		c.Source, c.App = cases(100), echo
		_, err = harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Len(t, j.done, 100, "the rest, each once")
	})
}

func TestAbortEndsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		abort := make(chan struct{})
		c := config(3)
		c.Abort, c.Grace = abort, time.Hour
		c.App = harness.TextApp(func(ctx context.Context, in string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		go func() {
			time.Sleep(time.Second)
			cancel()
			time.Sleep(time.Second)
			close(abort)
		}()
		c.Timeout = 2 * time.Hour
		begin := time.Now()
		_, err := harness.Run(ctx, c)
		require.Error(t, err)
		assert.Equal(t, 2*time.Second, time.Since(begin))
	})
}

func TestFailingJournalAndSinkStopTheRun(t *testing.T) {
	var calls atomic.Int64
	c := config(100_000)
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) { calls.Add(1); return in, nil })
	c.Journal = &memory{fail: errors.New("disk full")}
	r, err := harness.Run(t.Context(), c)
	require.ErrorContains(t, err, "disk full")
	assert.Equal(t, harness.Incomplete, r.Status)
	assert.Less(t, calls.Load(), int64(100_000))
	assert.Zero(t, r.Trials.Completed, "not stored is not done")

	calls.Store(0)
	j := &memory{}
	c.Journal = j
	c.Sinks = []harness.Sink{harness.SinkFunc(func(context.Context, []harness.Result) error { return errors.New("posting refused") })}
	r, err = harness.Run(t.Context(), c)
	require.ErrorContains(t, err, "posting refused")
	assert.Equal(t, harness.Incomplete, r.Status)
	assert.Equal(t, calls.Load(), int64(len(j.done)), "the journal keeps what was answered")
}

func TestSinkBatches(t *testing.T) {
	var sizes []int
	c := config(1050)
	c.Batch = harness.Batch{Items: 100, Wait: time.Minute}
	c.Sinks = []harness.Sink{harness.SinkFunc(func(_ context.Context, b []harness.Result) error {
		sizes = append(sizes, len(b))
		return nil
	})}
	_, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	total := 0
	for i, n := range sizes {
		total += n
		if i < len(sizes)-1 {
			assert.Equal(t, 100, n)
		}
	}
	assert.Equal(t, 1050, total)
}

func TestSourceTrouble(t *testing.T) {
	page := func(next string, ids ...string) harness.Page {
		p := harness.Page{Next: next}
		for _, id := range ids {
			p.Cases = append(p.Cases, harness.Case{ID: id, Input: "x"})
		}
		return p
	}
	for name, tc := range map[string]struct {
		page func(n int) (harness.Page, error)
		want string
		done int64
	}{
		"fails later":        {func(n int) (harness.Page, error) { return page(fmt.Sprint(n), fmt.Sprint(n)), errAfter(n, 3) }, "page 3: down", 2},
		"same page for ever": {func(n int) (harness.Page, error) { return page(fmt.Sprint(n), "a", "b"), nil }, "same 2 cases", 2},
		"same cursor":        {func(n int) (harness.Page, error) { return page("b", fmt.Sprint(n)), nil }, "names an earlier page", 2},
		"empty for ever":     {func(n int) (harness.Page, error) { return page(fmt.Sprint(n)), nil }, "empty pages in a row", 0},
		"no ID":              {func(n int) (harness.Page, error) { return page("", ""), nil }, "without an ID", 0},
		"ID twice":           {func(n int) (harness.Page, error) { return page("", "a", "a"), nil }, `"a" is used twice`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			c := config(0)
			c.Source = sourceFunc(func(context.Context, string) (harness.Page, error) { n++; return tc.page(n) })
			r, err := harness.Run(t.Context(), c)
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, harness.Incomplete, r.Status)
			assert.Equal(t, tc.done, r.Cases.Completed, "what came before is run")
		})
	}
}

// Without a journal too, no case is asked twice because its ID comes again pages
// later.
func TestAnIDOfAnEarlierPage(t *testing.T) {
	n := 0
	var asked sync.Map
	c := config(0)
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
		_, twice := asked.LoadOrStore(in, true)
		assert.False(t, twice, in)
		return in, nil
	})
	c.Source = sourceFunc(func(context.Context, string) (harness.Page, error) {
		n++
		id := fmt.Sprint("c", n)
		if n == 40 {
			id = "c7"
		}
		return harness.Page{Cases: []harness.Case{{ID: id, Input: id, Origin: fmt.Sprint("page ", n)}}, Next: fmt.Sprint(n)}, nil
	})
	r, err := harness.Run(t.Context(), c)
	require.ErrorContains(t, err, `source: page 40: the case ID "c7" is used twice`)
	assert.Equal(t, harness.Incomplete, r.Status)
}

func TestEmptyPagesAreSkipped(t *testing.T) {
	n := 0
	c := config(0)
	c.Source = sourceFunc(func(context.Context, string) (harness.Page, error) {
		n++
		p := harness.Page{Next: fmt.Sprint(n)}
		if n%3 == 0 {
			p.Cases = cases(n)[n-1:]
		}
		if n == 9 {
			p.Next = ""
		}
		return p, nil
	})
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, int64(3), r.Cases.Completed)
}

func errAfter(n, limit int) error {
	if n >= limit {
		return errors.New("down")
	}
	return nil
}

type sourceFunc func(context.Context, string) (harness.Page, error)

func (f sourceFunc) Page(ctx context.Context, cursor string) (harness.Page, error) {
	return f(ctx, cursor)
}

func TestSelection(t *testing.T) {
	ran := func(c harness.Config) []string {
		j := &memory{}
		c.Journal = j
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, harness.Complete, r.Status)
		var ids []string
		for _, c := range j.planned {
			ids = append(ids, c.ID)
		}
		return ids
	}
	c := config(1000)
	c.Limit = 250
	assert.Len(t, ran(c), 250)
	c.Filter = func(c harness.Case) bool { return strings.HasSuffix(c.ID, "7") }
	assert.Len(t, ran(c), 100)
	c.Limit = 2
	assert.Equal(t, []string{"c7", "c17"}, ran(c))

	c = config(1000)
	c.Sample, c.Seed = 0.2, 1
	first := ran(c)
	assert.InDelta(t, 200, len(first), 60)
	c.Concurrency = 1
	assert.Equal(t, first, ran(c), "the same seed takes the same cases")
	c.Seed = 2
	assert.NotEqual(t, first, ran(c))
}

func TestReportIsTheSameInAnyOrder(t *testing.T) {
	run := func(conc int) *harness.Report {
		c := config(500)
		c.Concurrency, c.Trials = conc, 3
		c.App = harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
			if in.Seed%7 == 0 {
				return harness.Output{}, errors.New("down")
			}
			cost := 1 / float64(1+in.Seed%97)
			return harness.Output{Value: in.Text(), CostUSD: &cost}, nil
		})
		c.Evaluators = []harness.Evaluator{evalFunc(func(_ context.Context, tr harness.Trial) ([]harness.Score, error) {
			return []harness.Score{harness.Graded(1/float64(3+len(tr.Case.ID)*tr.Number), 0.1, "")}, nil
		})}
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		r.StartedAt, r.FinishedAt, r.Latency = time.Time{}, time.Time{}, harness.Latency{}
		return r
	}
	want := run(1)
	for _, conc := range []int{2, 16, 100} {
		assert.Equal(t, want, run(conc))
	}
}

func TestLimiterHoldsCallsBack(t *testing.T) {
	var waits atomic.Int64
	c := config(10)
	c.Pacer = harness.Limited(limiter(func() { waits.Add(1) }))
	_, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, int64(10), waits.Load())
}

type limiter func()

func (l limiter) Wait(context.Context) error { l(); return nil }

func TestTypedApp(t *testing.T) {
	type question struct{ A, B int }
	type answer struct{ Sum int }
	app := harness.TypedApp(func(_ context.Context, q question) (answer, error) { return answer{q.A + q.B}, nil })
	out, err := app.Respond(t.Context(), harness.Input{Value: map[string]any{"A": 2, "B": 3}})
	require.NoError(t, err)
	assert.Equal(t, `{"Sum":5}`, out.Text())
	_, err = app.Respond(t.Context(), harness.Input{Value: "two and three"})
	var e *harness.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Permanent)
}

func TestRunTrial(t *testing.T) {
	r, ok, err := harness.RunTrial(t.Context(), harness.Config{App: echo, Evaluators: []harness.Evaluator{equals}}, cases(1)[0], 1)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, "0", r.Output.Text())
	assert.True(t, *r.Scores[0].Pass)
}
