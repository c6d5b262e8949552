package sgp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

const quiet = 2 * time.Minute

// Each fault that leaves a batch's fate open, once: posting goes on, what the
// platform has is found at once, what it has not is posted again after the quiet
// time, and one run does it all.
func TestOneBatchInDoubt(t *testing.T) {
	strangers := `[` + strings.Repeat(`{"id": "x", "test_case_id": "y"},`, 9) + `{"id": "x", "test_case_id": "y"}]`
	for name, tt := range map[string]struct {
		fault fault
		taken bool
	}{
		"reset before":    {fails(connectionReset()), false},
		"reset after":     {after(fails(connectionReset())), true},
		"502 before":      {status(502, "<html>"), false},
		"504 after":       {after(status(504, "")), true},
		"503":             {status(503, ""), false},
		"200 truncated":   {after(status(200, `[{"id": "r_`)), true},
		"200 empty list":  {after(status(200, `[]`)), true},
		"200 HTML":        {status(200, `<html>`), false},
		"others' results": {after(status(200, strangers)), true},
		"408":             {status(408, ``), false},
		"499":             {after(status(499, ``)), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.unchecked = true
				p.fault = once(3, tt.fault)
				o := newOutbox(many(50)...)
				pub := p.publisher(o)
				pub.BatchItems, pub.InFlight = 10, 1
				var notices []string
				pub.Notice = func(text string) {
					notices = append(notices, text)
					if len(notices) == 1 {
						assert.GreaterOrEqual(t, len(o.in(harness.PostPosted)), 20)
					}
				}
				start := time.Now()
				require.NoError(t, pub.Run(t.Context(), nil))
				clean(t, p, o, 50)
				if tt.taken {
					assert.Equal(t, 5, p.posts())
					assert.Zero(t, time.Since(start))
					assert.Empty(t, notices)
				} else {
					assert.Equal(t, 5+10, p.posts(), "again in ten smaller batches")
					assert.Equal(t, 2*quiet, time.Since(start), "once before it is posted again, once before the audit")
					assert.Equal(t, []string{
						"whether 10 results arrived is not known: those that the platform does not have in 2m0s are posted again",
						"some results were posted again: in 2m0s it is checked that none is there twice",
					}, notices)
				}
			})
		})
	}
}

// A batch that the platform takes late: found within the quiet time, and counted
// by the audit when it comes later.
func TestLateCommit(t *testing.T) {
	for name, tt := range map[string]struct {
		late       time.Duration
		duplicated int64
	}{
		"at once":                {0, 0},
		"soon":                   {time.Second, 0},
		"just before the end":    {quiet - time.Second, 0},
		"just after the end":     {quiet + time.Second, 10},
		"as late as is noticed":  {2*quiet - time.Second, 10},
		"later than is promised": {2*quiet + time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.unchecked = true
				p.fault = once(2, func(_ *http.Request, serve func() *http.Response) (*http.Response, error) {
					time.AfterFunc(tt.late, func() { _ = serve().Body.Close() })
					return nil, io.ErrUnexpectedEOF
				})
				o := newOutbox(many(30)...)
				pub := p.publisher(o)
				pub.BatchItems, pub.InFlight = 10, 1
				err := pub.Run(t.Context(), nil)
				assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 30}, o.counts())
				require.Len(t, o.audits, 1)
				assert.Equal(t, [4]int64{30, 0, tt.duplicated, 0},
					[4]int64{o.audits[0].Found, o.audits[0].Lost, o.audits[0].Duplicated, o.audits[0].Unexpected})
				if tt.duplicated > 0 {
					require.ErrorIs(t, err, sgp.ErrAudit)
					require.ErrorContains(t, err, "30 results are there, 0 are lost, 10 are there once more than they should be")
				} else {
					require.NoError(t, err)
				}
				time.Sleep(time.Hour) // all that is late has come
				synctest.Wait()
				if tt.late < quiet {
					clean(t, p, o, 30)
				} else {
					assert.Len(t, p.results, 40)
					require.ErrorIs(t, pub.Run(t.Context(), nil), sgp.ErrAudit)
					assert.Equal(t, int64(10), o.audits[1].Duplicated, "an audit later finds all")
				}
			})
		})
	}
}

// interrupted posts three of six results, which the platform takes late, and ends
// there like a process that is killed.
func interrupted(t *testing.T, late time.Duration) (*platform, *outbox, *sgp.Publisher) {
	p := newPlatform(t)
	p.unchecked = true
	o := newOutbox(many(6)...)
	pub := p.publisher(o)
	pub.BatchItems, pub.InFlight = 3, 1
	ctx, cancel := context.WithCancel(t.Context())
	p.fault = func(_ *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
		cancel()
		if late == 0 {
			_ = serve().Body.Close()
		} else {
			time.AfterFunc(late, func() { _ = serve().Body.Close() })
		}
		return nil, io.ErrUnexpectedEOF
	}
	require.ErrorIs(t, pub.Run(ctx, nil), context.Canceled)
	require.Equal(t, map[harness.PostState]int{harness.PostPosting: 3, harness.PostPending: 3}, o.counts())
	p.fault = nil
	return p, o, pub
}

func TestInDoubtSinceAnEarlierProcess(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"taken": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			start := time.Now()
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 6)
			assert.Equal(t, 2, p.posts())
			assert.Zero(t, time.Since(start))
		},
		"taken late": func(t *testing.T) {
			p, o, pub := interrupted(t, quiet-time.Second)
			pub.Notice = func(string) {
				go func() {
					time.Sleep(time.Second)
					assert.Len(t, o.in(harness.PostPosted), 3, "the others do not wait")
				}()
			}
			start := time.Now()
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 6)
			assert.Equal(t, 2, p.posts())
			assert.Equal(t, quiet, time.Since(start))
		},
		"never taken": func(t *testing.T) {
			p, o, pub := interrupted(t, 1000*time.Hour)
			start := time.Now()
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 6)
			assert.Equal(t, 3, p.posts())
			assert.Equal(t, 2*quiet, time.Since(start))
			p.results = nil // the late one would come some day
		},
		"a part was taken": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.results = slices.Delete(p.results, 1, 2)
			require.NoError(t, pub.Run(t.Context(), nil))
			audit(t, p, o)
			assert.Len(t, o.in(harness.PostPosted), 6)
			assert.Len(t, p.results, 6)
		},
		"archived": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.archived = map[string]bool{p.results[0].ID: true}
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 6)
		},
		"results of other runs do not count": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			for i := range p.results {
				p.results[i].TestCaseEvaluationData.Unknown["_evalrun"] = json.RawMessage(`{"run": "OTHER", "case": "` + p.results[i].TestCaseID + `", "trial": 1}`)
			}
			require.NoError(t, pub.Run(t.Context(), nil))
			assert.Len(t, o.in(harness.PostPosted), 6)
			assert.Len(t, p.results, 9)
			assert.True(t, o.audits[0].Clean())
		},
		"results without a key leave the doubt": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.results[1].TestCaseEvaluationData.Unknown = nil
			err := pub.Run(t.Context(), nil)
			require.ErrorIs(t, err, sgp.ErrUnknownFate)
			assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 5, harness.PostPosting: 1}, o.counts(), "the others are posted")
			assert.Equal(t, 2, p.posts())
			assert.Empty(t, o.audits)
		},
		"there twice": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.results = append(p.results, p.results[0])
			p.results[3].ID = "r_again"
			err := pub.Run(t.Context(), nil)
			require.ErrorIs(t, err, sgp.ErrAudit)
			assert.Len(t, o.in(harness.PostPosted), 6)
			assert.Equal(t, int64(1), o.audits[0].Duplicated)
		},
		"cancelled while it waits": func(t *testing.T) {
			p, o, pub := interrupted(t, 1000*time.Hour)
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("interrupted"))
			defer cancel()
			start := time.Now()
			require.ErrorContains(t, pub.Run(ctx, nil), "interrupted")
			assert.Equal(t, time.Minute, time.Since(start))
			assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 3, harness.PostPosting: 3}, o.counts())
			assert.Empty(t, o.audits)
			p.results = nil
		},
		"it can't be looked up for a while": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			start := time.Now()
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "GET" && time.Since(start) < 5*time.Minute {
					return nil, io.EOF
				}
				return serve(), nil
			}
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 6)
			assert.Less(t, time.Since(start), 7*time.Minute)
		},
		"it can't be looked up": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "GET" {
					return nil, io.EOF
				}
				return serve(), nil
			}
			start := time.Now()
			err := pub.Run(t.Context(), nil)
			require.ErrorContains(t, err, "nothing was posted for 12m0s, and whether 3 results arrived is not known: look up what became of 3 results")
			assert.Less(t, time.Since(start), 15*time.Minute)
			assert.Equal(t, map[harness.PostState]int{harness.PostPosting: 3, harness.PostPosted: 3}, o.counts())
		},
		"it may not be looked up": func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "GET" {
					return respond(r, 403, "{}"), nil
				}
				return serve(), nil
			}
			start := time.Now()
			require.ErrorContains(t, pub.Run(t.Context(), nil), "SGP_ACCOUNT_ID")
			assert.Zero(t, time.Since(start))
			assert.Equal(t, 3, len(o.in(harness.PostPosting)))
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// A platform whose every batch ends in doubt: after three no more is sent than
// one for each look, further and further apart, and in the end it is given up.
func TestEveryBatchInDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  fault
		posted bool
	}{
		"none is taken": {status(502, ""), false},
		"all are taken": {after(status(504, "")), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.unchecked = true
				p.fault = during(1, 1<<30, tt.fault)
				o := newOutbox(many(120)...)
				pub := p.publisher(o)
				pub.BatchItems = 2
				start := time.Now()
				err := pub.Run(t.Context(), nil)
				if tt.posted {
					require.NoError(t, err)
					clean(t, p, o, 120)
					return
				}
				require.ErrorContains(t, err, "nothing was posted for 12m0s")
				assert.True(t, sgp.Ambiguous(err))
				assert.Less(t, time.Since(start), 16*time.Minute)
				assert.Less(t, p.posts(), 60, "the platform is left alone")
				audit(t, p, o)

				p.fault = nil
				require.NoError(t, pub.Run(t.Context(), nil))
				clean(t, p, o, 120)
			})
		})
	}
}

// An item that breaks the platform: the others of its batch are posted, in
// smaller and smaller batches, and it alone stays pending.
func TestItemThatBreaksThePlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if strings.Contains(string(body), `"tc_123"`) {
				return respond(r, 500, "panic"), nil
			}
			return serve(), nil
		}
		o := newOutbox(many(500)...)
		start := time.Now()
		err := p.publisher(o).Run(t.Context(), nil)
		require.ErrorContains(t, err, "1 results were sent 3 times and did not arrive; they are pending again")
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 499, harness.PostPending: 1}, o.counts())
		assert.Equal(t, 3*quiet, time.Since(start))
		assert.Equal(t, 5+10+10, p.posts())
		audit(t, p, o)
		assert.Empty(t, o.audits, "not before all is posted")
	})
}

// Results that others add while the list is read change the pages under our
// eyes: what is there is found all the same.
func TestTheListGrowsDuringALook(t *testing.T) {
	for name, at := range map[string]func(p *platform, more []sgp.TestCaseResult){
		"at its end":   func(p *platform, more []sgp.TestCaseResult) { p.results = append(p.results, more...) },
		"at its front": func(p *platform, more []sgp.TestCaseResult) { p.results = append(more, p.results...) },
	} {
		for _, grows := range []int{1, 3} { // so many pages long
			t.Run(fmt.Sprint(name, " during ", grows), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, o, pub := interrupted(t, 0)
					p.results = slices.Insert(p.results, 0, strangers(0, 40)...)
					p.results = append(p.results, strangers(40, 10)...)
					p.largest = 25 // the platform gives no more in a page
					lists := 0
					p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
						if r.Method == "GET" {
							if lists++; lists > 1 && lists <= 1+grows {
								p.mu.Lock()
								at(p, strangers(100_000+lists*2, 2))
								p.mu.Unlock()
							}
						}
						return serve(), nil
					}
					start := time.Now()
					err := pub.Run(t.Context(), nil)
					assert.Len(t, o.in(harness.PostPosted), 6)
					assert.Equal(t, 2, p.posts(), "what is there is found")
					require.NoError(t, err)
					assert.Zero(t, time.Since(start))
					assert.True(t, o.audits[0].Clean())
				})
			})
		}
	}
}

// strangers are results of another run.
func strangers(from, n int) []sgp.TestCaseResult {
	out := make([]sgp.TestCaseResult, n)
	for i := range out {
		id := fmt.Sprint("other_", from+i)
		out[i] = sgp.TestCaseResult{ID: id, TestCaseID: id, TestCaseEvaluationData: sgp.TestCaseEvaluationData{GenerationOutput: "x"}}
	}
	return out
}

// Results that change places between two pages, without their number changing:
// a result that a pass has missed is not taken for missing.
func TestResultsChangePlacesDuringALook(t *testing.T) {
	for _, times := range []int{1, 1 << 30} {
		synctest.Test(t, func(t *testing.T) {
			p, o, pub := interrupted(t, 0)
			p.results = append(p.results, strangers(0, 150)...)
			p.largest = 100
			p.results[0], p.results[120] = p.results[120], p.results[0] // one of ours is on page 2
			swaps := 0
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "GET" && r.URL.Query().Get("page") == "2" && swaps < times {
					swaps++
					p.mu.Lock()
					p.results[5], p.results[120] = p.results[120], p.results[5]
					p.mu.Unlock()
					resp := serve()
					p.mu.Lock()
					p.results[5], p.results[120] = p.results[120], p.results[5]
					p.mu.Unlock()
					return resp, nil
				}
				return serve(), nil
			}
			err := pub.Run(t.Context(), nil)
			if times == 1 {
				require.NoError(t, err)
				assert.Len(t, o.in(harness.PostPosted), 6)
				assert.Len(t, p.results, 156)
				return
			}
			require.ErrorIs(t, err, sgp.ErrChanged)
			assert.Equal(t, 2, p.posts())
			assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 5, harness.PostPosting: 1}, o.counts())
		})
	}
}

// A page of large results is read in parts.
func TestLookAtLargeResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o, pub := interrupted(t, 0)
		large := strangers(0, 45)
		for i := range large {
			large[i].TestCaseEvaluationData.GenerationOutput = strings.Repeat("x", 300<<10)
		}
		p.results = append(p.results, large...)
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.Len(t, o.in(harness.PostPosted), 6)
		for _, r := range p.requests {
			assert.NotContains(t, r, "limit=10000")
		}
	})
}
