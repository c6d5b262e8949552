package harness_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// gate is a Pacer for tests: a call that fails with errBusy was refused.
type gate struct {
	acquired, done atomic.Int64
	acquire        func(n int64) error
}

var errBusy = errors.New("busy")

func (g *gate) Acquire(context.Context) (func(error) bool, error) {
	n := g.acquired.Add(1)
	if g.acquire != nil {
		if err := g.acquire(n); err != nil {
			g.done.Add(1)
			return nil, err
		}
	}
	return func(err error) bool {
		g.done.Add(1)
		return errors.Is(err, errBusy)
	}, nil
}

func TestRefusedCallsAreNoRetries(t *testing.T) {
	var calls atomic.Int64
	c, g := config(100), &gate{}
	c.Pacer, c.Retry.Max = g, 0
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
		if calls.Add(1)%3 == 0 {
			return "", errBusy
		}
		return in, nil
	})
	p := &harness.Progress{}
	c.Progress = p
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Zero(t, r.AppErrors())
	assert.Zero(t, r.Retries)
	assert.Equal(t, int64(100), r.Trials.Completed)
	assert.Equal(t, calls.Load()-100, p.Refused.Load())
	assert.Equal(t, calls.Load(), g.acquired.Load())
	assert.Equal(t, calls.Load(), g.done.Load(), "each call is accounted for once")
}

func TestAPacerEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("the server has had enough")
		j := &memory{}
		c, g := config(1000), &gate{acquire: func(n int64) error {
			if n > 40 {
				return enough
			}
			return nil
		}}
		c.Pacer, c.Journal, c.Concurrency = g, j, 8
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
			time.Sleep(time.Second)
			return in, nil
		})
		begin := time.Now()
		r, err := harness.Run(t.Context(), c)
		require.ErrorIs(t, err, enough)
		assert.Equal(t, []string{"the server has had enough"}, r.Reasons)
		assert.Equal(t, harness.Incomplete, r.Status)
		assert.Zero(t, r.AppErrors(), "what was not asked has no error")
		assert.Len(t, j.done, 40)
		assert.Less(t, time.Since(begin), 7*time.Second)

		_, ok, err := harness.RunTrial(t.Context(), c, cases(1)[0], 1)
		assert.False(t, ok)
		require.ErrorIs(t, err, enough)
	})
}

// A call that hangs, panics or ends its goroutine gives its place back.
func TestEveryCallIsAccountedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var calls atomic.Int64
		c, g := config(20), &gate{}
		c.Pacer, c.Timeout, c.Retry.Max = g, time.Second, 1
		c.App = harness.TextApp(func(context.Context, string) (string, error) {
			switch calls.Add(1) % 3 {
			case 0:
				<-hang
			case 1:
				panic("no")
			}
			runtime.Goexit()
			return "", nil
		})
		r, err := harness.Run(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, int64(20), r.AppErrors(), "a trial without an answer has an error")
		assert.Equal(t, g.acquired.Load(), g.done.Load())
		close(hang)
	})
}

func TestAPacerThatPanicsEndsTheRun(t *testing.T) {
	for name, g := range map[string]harness.Pacer{
		"Acquire": &gate{acquire: func(int64) error { panic("lost count") }},
		"done":    lostCount{},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(10)
			c.Pacer = g
			_, err := harness.Run(t.Context(), c)
			assert.ErrorContains(t, err, "pacer panicked: lost count")
		})
	}
}

type lostCount struct{}

func (lostCount) Acquire(context.Context) (func(error) bool, error) {
	return func(error) bool { panic("lost count") }, nil
}

// A case that is refused again and again while others are answered does not keep
// the run from its end.
func TestACaseThatIsAlwaysRefusedFails(t *testing.T) {
	var calls atomic.Int64
	c := config(1000)
	c.Pacer, c.Retry.Max, c.Retry.Wait, c.Concurrency = &gate{}, 2, time.Microsecond, 2
	c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
		if in == "7" {
			calls.Add(1)
			runtime.Gosched()
			return "", errBusy
		}
		return in, nil
	})
	r, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, int64(1), r.AppErrors())
	assert.Equal(t, harness.Complete, r.Status)
	assert.GreaterOrEqual(t, calls.Load(), int64(8), "five refusals, and the retries of a failure")
}
