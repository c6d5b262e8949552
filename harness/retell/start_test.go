package retell_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
)

var errCut = errors.New("the connection was cut")

// bubble runs a test in which time passes at once.
func bubble(t *testing.T, test func(t *testing.T, p *platform, c *retell.Client)) {
	loadContracts() // outside, since all tests share them
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		test(t, p, p.clientThat(nil))
	})
}

// cut loses the answer to each POST of a batch that lost names, from 0, taken or
// not.
func (p *platform) cut(taken bool, lost func(n int) bool) {
	n := -1
	p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return serve(), nil
		}
		if n++; !lost(n) {
			return serve(), nil
		}
		if taken {
			serve()
		}
		return nil, errCut
	}
}

func always(int) bool { return true }

func (p *platform) posts() int { return p.count("POST /create-batch-test") }

func intend(t *testing.T, c *retell.Client, ids ...string) retell.Intent {
	t.Helper()
	in, err := c.Intend(t.Context(), request(ids...))
	require.NoError(t, err)
	data, err := json.Marshal(in)
	require.NoError(t, err)
	var kept retell.Intent
	require.NoError(t, json.Unmarshal(data, &kept))
	require.Equal(t, in, kept, "it can be kept")
	return kept
}

func doubt(t *testing.T, err error) *retell.DoubtError {
	t.Helper()
	var d *retell.DoubtError
	require.ErrorAs(t, err, &d)
	return d
}

func TestStartWithoutTrouble(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a", "tc_b")
		b, err := c.Start(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, p.batches, []retell.BatchTest{b})
		assert.Len(t, p.requests, 2, "one list, one batch")
	})
}

// What the platform refused is not looked for.
func TestRefusedBatch(t *testing.T) {
	for _, status := range []int{400, 401, 402, 404, 422, 429} {
		bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
			in := intend(t, c, "tc_a")
			p.fault = func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
				return p.refusal(r, status, "no"), nil
			}
			_, err := c.Start(t.Context(), in)
			var e *retell.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, status, e.Status)
			assert.Equal(t, 1, p.count("GET"))
		})
	}
}

// The answer is lost, whatever the platform's clock shows: the batch is adopted,
// and sent once.
func TestAdoptsTheOnlyOneThatFits(t *testing.T) {
	for _, ahead := range []time.Duration{0, 5 * time.Hour, -48 * time.Hour, 9 * time.Minute} {
		bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
			p.ahead, p.paged = ahead, 2
			p.add(request("tc_a", "tc_b")) // equal ones of before, known or not
			time.Sleep(24 * time.Hour)
			p.add(request("tc_a", "tc_b"))
			p.add(request("tc_a", "tc_b"))
			in := intend(t, c, "tc_a", "tc_b")
			known := p.add(request("tc_a", "tc_b")) // by another run
			p.add(request("tc_a"))
			p.add(request("tc_a", "tc_c"))
			p.add(request("tc_a", "tc_a"))
			other := request("tc_a", "tc_b")
			other.ResponseEngine.Version = new(4)
			p.add(other)
			p.cut(true, always)
			b, err := c.Start(t.Context(), in, known.ID)
			require.NoError(t, err)
			assert.Equal(t, p.batches[len(p.batches)-1], b)
			assert.Equal(t, 1, p.posts())
		})
	}
}

// A restarted process has the intent alone.
func TestAdoptAfterARestart(t *testing.T) {
	for _, later := range []time.Duration{0, time.Minute, 30 * 24 * time.Hour} {
		bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
			in := intend(t, c, "tc_a")
			p.add(in.Request)
			time.Sleep(later)
			b, err := p.clientThat(nil).Adopt(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, p.batches[0], b)
			_, err = p.clientThat(nil).Adopt(t.Context(), in, b.ID)
			assert.Empty(t, doubt(t, err).Fit, "another batch has it already")
			assert.Zero(t, p.posts())
		})
	}
}

func TestAdoptsABatchThatShowsLate(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a")
		p.cut(false, always)
		go func() {
			time.Sleep(100 * time.Second)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.add(in.Request)
		}()
		b, err := c.Start(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, p.batches[0], b)
		assert.Equal(t, 1, p.posts())
		assert.Less(t, p.count("GET"), 12, "with growing pauses")
	})
}

// The request never arrived: after two minutes it is in doubt, and later certain.
func TestLostBatch(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a")
		p.add(request("tc_b"))
		p.cut(false, always)
		begun := time.Now()
		_, err := c.Start(t.Context(), in)
		d := doubt(t, err)
		assert.False(t, d.Lost())
		assert.Len(t, d.Different, 1)
		assert.True(t, retell.Ambiguous(err))
		assert.ErrorIs(t, err, errCut)
		assert.ErrorContains(t, err, "whether the batch of 1 test cases on retell-llm llm_1, sent at 2000-01-01T00:00:00Z, was started is not known")
		assert.ErrorContains(t, err, "with other test cases: batch_1 (in_progress, created at 2000-01-01T00:00:00Z)")
		assert.Equal(t, retell.Patience, time.Since(begun))
		assert.Equal(t, 1, p.posts())

		time.Sleep(retell.Margin)
		begun = time.Now()
		_, err = c.Adopt(t.Context(), in)
		assert.True(t, doubt(t, err).Lost())
		assert.Zero(t, time.Since(begun), "nothing is waited for")
	})
}

func TestSeveralThatFit(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a", "tc_b")
		p.add(request("tc_b", "tc_a"))
		p.cut(true, always)
		_, err := c.Start(t.Context(), in)
		assert.Len(t, doubt(t, err).Fit, 2)
		assert.ErrorContains(t, err, "several may be it: batch_4 (in_progress, created at 2000-01-01T00:00:00Z), batch_1 (")
		time.Sleep(time.Hour)
		_, err = c.Adopt(t.Context(), in)
		assert.False(t, doubt(t, err).Lost())
	})
}

// The nightly run of the next day starts an equal batch: it is not ours.
func TestLaterBatchIsNotAdopted(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a")
		time.Sleep(24 * time.Hour)
		p.add(in.Request)
		_, err := c.Adopt(t.Context(), in)
		d := doubt(t, err)
		assert.Len(t, d.Late, 1)
		assert.False(t, d.Lost(), "a clock may have jumped")
		assert.ErrorContains(t, err, "created too late to be it: batch_1")
	})
}

// A batch whose time can't be read may be ours: it is neither adopted nor taken for
// lost, unless it was there before.
func TestBatchWithoutATimeLeavesDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		p.wild = true
		add := func() {
			p.add(request("tc_a"))
			b := &p.batches[len(p.batches)-1]
			b.Created, b.Unknown = 0, retell.Unknown{"creation_timestamp": []byte(`"today"`)}
		}
		add()
		in := intend(t, c, "tc_a")
		assert.Len(t, in.There, 1)
		time.Sleep(time.Hour)
		_, err := c.Adopt(t.Context(), in)
		assert.True(t, doubt(t, err).Lost())
		add()
		_, err = c.Adopt(t.Context(), in)
		assert.False(t, doubt(t, err).Lost())
		assert.ErrorContains(t, err, "batch_3 (in_progress, created at an unknown time)")
	})
}

func TestInterruptedStartIsLeftInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a")
		ctx, cancel := context.WithCancel(t.Context())
		p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
			serve()
			cancel()
			return nil, ctx.Err()
		}
		_, err := c.Start(ctx, in)
		assert.True(t, retell.Ambiguous(err))
		assert.Equal(t, 1, p.count("GET"), "nothing is looked for after the end")
		p.fault = nil
		b, err := c.Adopt(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, p.batches[0], b)
	})
}

func TestTroubleWhileLooking(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		in := intend(t, c, "tc_a")
		p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/create") {
				serve()
			}
			return p.refusal(r, 500, "down"), nil
		}
		_, err := c.Start(t.Context(), in)
		assert.True(t, retell.Ambiguous(err))
		assert.ErrorContains(t, err, "look for a batch that may have been started")
		assert.Equal(t, 1, p.posts())
	})
}

// Equal batches, as for trials, half of whose answers are lost: each is started
// once and told from the others, in whatever order they are started.
func TestEqualBatchesInARow(t *testing.T) {
	bubble(t, func(t *testing.T, p *platform, c *retell.Client) {
		p.cut(true, func(n int) bool { return n%2 == 0 })
		const trials = 8
		intents := []retell.Intent{}
		for range trials {
			intents = append(intents, intend(t, c, "tc_a", "tc_b"))
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]bool{}
		for _, in := range intents {
			wg.Go(func() {
				b, err := c.Start(t.Context(), in)
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				seen[b.ID] = true
			})
		}
		wg.Wait()
		assert.Len(t, seen, trials)
		assert.Len(t, p.batches, trials)
		assert.Equal(t, trials, p.posts())
	})
}
