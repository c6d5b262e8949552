package harness_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

var errFull = errors.New("disk is full")

// failing is a journal whose writes, pages included, fail from the nth on, so many
// times.
type failing struct {
	memory
	writes, from, times int64
}

func (f *failing) fails() bool {
	n := atomic.AddInt64(&f.writes, 1)
	return n >= f.from && n < f.from+f.times
}

func (f *failing) Plan(ctx context.Context, page []harness.Case) (harness.Planned, error) {
	if f.fails() {
		return harness.Planned{}, errFull
	}
	return f.memory.Plan(ctx, page)
}

func (f *failing) Write(ctx context.Context, batch []harness.Result) error {
	if f.fails() {
		return errFull
	}
	return f.memory.Write(ctx, batch)
}

// TestAJournalThatFailsAtEveryWrite: wherever the journal fails, once or for good,
// the run says so, begins nothing more, loses nothing when the journal works again
// before the running trials have ended, and can be resumed.
func TestAJournalThatFailsAtEveryWrite(t *testing.T) {
	const n = 60
	for _, times := range []int64{1, 1 << 40} {
		for from := int64(1); ; from++ {
			whole := false
			synctest.Test(t, func(t *testing.T) {
				var asked, late atomic.Int64
				j := &failing{from: from, times: times}
				c := config(n)
				c.Source = endless{n}
				c.Journal, c.Concurrency = j, 4
				c.App = harness.TextApp(func(_ context.Context, in string) (string, error) {
					asked.Add(1)
					if atomic.LoadInt64(&j.writes) > j.from+1 {
						late.Add(1)
					}
					time.Sleep(20 * time.Millisecond)
					return in, nil
				})
				r, err := harness.Run(t.Context(), c)
				if err == nil {
					whole = true
					require.Less(t, atomic.LoadInt64(&j.writes), from, "a write failed and nobody noticed")
					require.Equal(t, harness.Complete, r.Status)
					return
				}
				require.ErrorIs(t, err, errFull)
				assert.Equal(t, harness.Incomplete, r.Status)
				assert.Equal(t, int64(len(j.done)), r.Trials.Completed, "what is counted is stored")
				assert.LessOrEqual(t, late.Load(), int64(8), "calls after it had failed")
				before := asked.Load()
				if times == 1 {
					assert.Len(t, j.done, int(before), "the running trials are kept")
				}
				j.times = 0
				_, err = harness.Run(t.Context(), c)
				require.NoError(t, err)
				assert.Len(t, j.done, n)
				if times == 1 {
					assert.Equal(t, int64(n), asked.Load(), "nothing is asked twice")
				}
			})
			if whole {
				t.Logf("failing %d times: %d places", times, from-1)
				break
			}
			require.Less(t, from, int64(1000))
		}
	}
}
