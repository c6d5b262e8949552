package store

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
)

func TestOutbox(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp", EvaluationID: "e"}})
	page := testPage(0, 6)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	batch := testResults(page)
	require.NoError(t, run.Write(ctx, batch[3:])) // these are the oldest
	require.NoError(t, run.Write(ctx, batch))
	claimed, err := run.Claim(ctx, 4)
	require.NoError(t, err)
	assert.Equal(t, []harness.Result{batch[3], batch[4], batch[5], batch[0]}, claimed)
	keys, err := run.Unsettled(ctx)
	require.NoError(t, err)
	assert.Equal(t, []harness.Key{batch[3].Key(), batch[4].Key(), batch[5].Key(), batch[0].Key()}, keys)

	posted := harness.Receipt{Key: batch[3].Key(), State: harness.PostPosted, RemoteID: "r3"}
	require.NoError(t, run.Settle(ctx, []harness.Receipt{posted,
		{Key: batch[4].Key(), State: harness.PostRejected, Message: "422"},
		{Key: batch[5].Key(), State: harness.PostPending},
	}))
	require.NoError(t, run.Settle(ctx, []harness.Receipt{posted}), "saying it again changes nothing")
	for name, receipts := range map[string][]harness.Receipt{
		`case "case-0000003", trial 1: result is posted, not posting`:                   {{Key: batch[3].Key(), State: harness.PostPending}},
		`case "case-0000001", trial 1: result is pending, not posting`:                  {{Key: batch[0].Key(), State: harness.PostPosted}, {Key: batch[1].Key(), State: harness.PostPosted}},
		`case "x", trial 1: not found in the outbox`:                                    {{Key: harness.Key{Case: "x", Trial: 1}, State: harness.PostPosted}},
		`case "case-0000003", trial 2: not found in the outbox`:                         {{Key: harness.Key{Case: batch[3].Case.ID, Trial: 2}, State: harness.PostPosted}},
		`case "case-0000000", trial 1: a result can't be settled as "posting"`:          {{Key: batch[0].Key(), State: harness.PostPosting}},
		`case "case-0000000", trial 1: a result can't be settled as ""`:                 {{Key: batch[0].Key()}},
		`store: settle results of run ` + run.ID() + `: case "case-0000000", trial 0: `: {{Key: harness.Key{Case: batch[0].Case.ID}, State: harness.PostPosted}},
	} {
		assert.ErrorContains(t, run.Settle(ctx, receipts), name)
	}
	counts := func() (c PostCounts) {
		c.Pending, c.Posting, c.Posted, c.Rejected, err = run.PostCounts(ctx)
		require.NoError(t, err)
		return c
	}
	assert.Equal(t, PostCounts{Pending: 3, Posting: 1, Posted: 1, Rejected: 1}, counts(), "a refused Settle changes nothing")
	posts := collect(t, s.Posts(ctx, run.ID(), PostQuery{}))
	assert.Equal(t, []harness.Receipt{
		{Key: batch[0].Key(), State: harness.PostPosting},
		{Key: batch[1].Key(), State: harness.PostPending},
		{Key: batch[2].Key(), State: harness.PostPending},
		posted,
		{Key: batch[4].Key(), State: harness.PostRejected, Message: "422"},
		{Key: batch[5].Key(), State: harness.PostPending},
	}, posts)
	rejected := posts[4:5]
	assert.Equal(t, rejected, collect(t, s.Posts(ctx, run.ID(), PostQuery{OnlyRejected: true})))
	assert.Equal(t, rejected, collect(t, s.Posts(ctx, run.ID(), PostQuery{Case: batch[4].Case.ID})))
	for _, err := range s.Posts(ctx, run.ID(), PostQuery{Case: "x"}) {
		assert.ErrorIs(t, err, ErrNotFound)
	}

	require.NoError(t, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	claimed, err = run.Claim(ctx, 100)
	require.NoError(t, err)
	assert.Equal(t, []harness.Result{batch[5], batch[1], batch[2]}, claimed, "what is posting is not claimed again")
	none, err := run.Claim(ctx, 100)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestNoOutboxWithoutPublish(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 3)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	claimed, err := run.Claim(ctx, 5)
	require.NoError(t, err)
	assert.Empty(t, claimed)
	require.NoError(t, run.SetPublish(ctx, Publish{Platform: "sgp", EvaluationID: "e1"}))
	assert.Equal(t, &Publish{Platform: "sgp", EvaluationID: "e1"}, run.Spec().Publish)
	next := testPage(3, 1)
	_, err = run.Plan(ctx, next)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(next)))
	claimed, err = run.Claim(ctx, 3)
	require.NoError(t, err)
	assert.Equal(t, testResults(page), claimed)
}

func TestSetPublishAgain(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
	page := testPage(0, 2)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	require.NoError(t, run.SetPublish(ctx, Publish{Platform: "sgp", EvaluationID: "e1"}))
	_, err = run.Claim(ctx, 2)
	require.NoError(t, err)
	require.NoError(t, run.Settle(ctx, []harness.Receipt{
		{Key: harness.Key{Case: page[0].ID, Trial: 1}, State: harness.PostRejected, Message: "no"},
		{Key: harness.Key{Case: page[1].ID, Trial: 1}, State: harness.PostPending},
	}))
	require.NoError(t, run.SetPublish(ctx, Publish{Platform: "sgp", EvaluationID: "e2"}), "nothing was posted")
	claimed, err := run.Claim(ctx, 2)
	require.NoError(t, err)
	require.Len(t, claimed, 2, "another evaluation may take what the first one rejected")
	err = run.SetPublish(ctx, Publish{Platform: "sgp", EvaluationID: "e3"})
	require.ErrorIs(t, err, ErrPublished)
	assert.ErrorContains(t, err, `2 results went to evaluation "e2" of sgp`)
	require.NoError(t, run.SetPublish(ctx, Publish{Platform: "sgp", EvaluationID: "e2", DatasetVersion: "4"}), "the same evaluation")
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, &Publish{Platform: "sgp", EvaluationID: "e2", DatasetVersion: "4"}, info.Spec.Publish)
	assert.Equal(t, PostCounts{Posting: 2}, info.Posts)
}

// TestRejectionsAreForgotten: what was rejected for another version of the
// dataset, or another application, may be taken now, also once results were posted.
func TestRejectionsAreForgotten(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	first := Publish{Platform: "sgp", EvaluationID: "e", ApplicationSpecID: "a", DatasetVersion: "3"}
	run := createRun(t, s, Spec{Publish: &first})
	page := testPage(0, 2)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	claimed, err := run.Claim(ctx, 2)
	require.NoError(t, err)
	require.Len(t, claimed, 2)
	rejected := harness.Receipt{Key: claimed[1].Key(), State: harness.PostRejected, Message: "no"}
	require.NoError(t, run.Settle(ctx, []harness.Receipt{{Key: claimed[0].Key(), State: harness.PostPosted, RemoteID: "r"}, rejected}))

	require.NoError(t, run.SetPublish(ctx, first))
	again, err := run.Claim(ctx, 2)
	require.NoError(t, err)
	require.Empty(t, again, "nothing changed")
	version, app := first, first
	version.DatasetVersion = "4"
	app.DatasetVersion, app.ApplicationSpecID = "4", "b"
	for _, p := range []Publish{version, app} {
		require.NoError(t, run.SetPublish(ctx, p))
		again, err = run.Claim(ctx, 2)
		require.NoError(t, err)
		require.Len(t, again, 1)
		assert.Equal(t, rejected.Key, again[0].Key())
		require.NoError(t, run.Settle(ctx, []harness.Receipt{rejected}))
		_, _, posted, refused, err := run.PostCounts(ctx)
		require.NoError(t, err)
		assert.Equal(t, []int64{1, 1}, []int64{posted, refused})
	}

	for _, want := range []int64{1, 0} { // by the user's wish
		n, err := run.ForgetRejected(ctx)
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	pending, _, posted, refused, err := run.PostCounts(ctx)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 1, 0}, []int64{pending, posted, refused})
	again, err = run.Claim(ctx, 2)
	require.NoError(t, err)
	require.Len(t, again, 1)
	assert.Equal(t, rejected.Key, again[0].Key())
}

// TestClaimAtOnce claims from many goroutines: each result goes to one.
func TestClaimAtOnce(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
	page := testPage(0, 200)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	var mu sync.Mutex
	times := map[harness.Key]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				claimed, err := run.Claim(ctx, 7)
				assert.NoError(t, err)
				if len(claimed) == 0 {
					return
				}
				var receipts []harness.Receipt
				mu.Lock()
				for _, r := range claimed {
					times[r.Key()]++
					receipts = append(receipts, harness.Receipt{Key: r.Key(), State: harness.PostPosted})
				}
				mu.Unlock()
				assert.NoError(t, run.Settle(ctx, receipts))
			}
		})
	}
	wg.Wait()
	assert.Len(t, times, 200)
	for key, n := range times {
		assert.Equal(t, 1, n, "%v", key)
	}
}

// TestOutboxStates runs random operations against a model of the states.
func TestOutboxStates(t *testing.T) {
	s := openStore(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		run, err := s.Create(ctx, Spec{Publish: &Publish{Platform: "sgp"}})
		require.NoError(t, err)
		defer func() { require.NoError(t, run.Close()) }()
		page := testPage(0, 12)
		_, err = run.Plan(ctx, page)
		require.NoError(t, err)
		state := map[string]harness.PostState{} // by case
		var order []string                      // as stored
		pick := func(t *rapid.T) string {
			return page[rapid.IntRange(0, len(page)-1).Draw(t, "case")].ID
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				c := page[rapid.IntRange(0, len(page)-1).Draw(t, "case")]
				r := testResult(c, 1)
				switch rapid.IntRange(0, 2).Draw(t, "kind") {
				case 1:
					r = erroredResult(c, harness.KindApp)
				case 2:
					r = erroredResult(c, harness.KindEvaluator)
				}
				require.NoError(t, run.Write(ctx, []harness.Result{r}))
				if state[c.ID] == "" {
					state[c.ID] = harness.PostPending
					order = append(order, c.ID)
				}
			},
			"write ahead": func(t *rapid.T) {
				c := page[rapid.IntRange(0, len(page)-1).Draw(t, "case")]
				require.NoError(t, run.Write(ctx, []harness.Result{pendingResult(testResult(c, 1))}))
			},
			"claim": func(t *rapid.T) {
				n := rapid.IntRange(1, 5).Draw(t, "n")
				var want []string
				for _, id := range order {
					if state[id] == harness.PostPending && len(want) < n {
						want = append(want, id)
					}
				}
				claimed, err := run.Claim(ctx, n)
				require.NoError(t, err)
				var got []string
				for _, r := range claimed {
					got = append(got, r.Case.ID)
				}
				require.Equal(t, want, got, "each pending result once, oldest first")
				for _, id := range got {
					state[id] = harness.PostPosting
				}
			},
			"settle": func(t *rapid.T) {
				id := pick(t)
				to := rapid.SampledFrom([]harness.PostState{harness.PostPending, harness.PostPosted, harness.PostRejected}).Draw(t, "state")
				err := run.Settle(ctx, []harness.Receipt{{Key: harness.Key{Case: id, Trial: 1}, State: to}})
				if state[id] == harness.PostPosting || state[id] == to {
					require.NoError(t, err)
					state[id] = to
				} else {
					require.Error(t, err)
				}
			},
			"resume": func(t *rapid.T) {
				require.NoError(t, run.Close())
				run, err = s.Resume(ctx, run.ID())
				require.NoError(t, err)
			},
			"forget errored": func(t *rapid.T) {
				before := collectRapid(t, s, run.ID())
				_, err := run.ForgetErrored(ctx)
				require.NoError(t, err)
				after := collectRapid(t, s, run.ID())
				for id, errored := range before {
					_, there := after[id]
					sent := state[id] == harness.PostPosting || state[id] == harness.PostPosted
					require.Equal(t, sent || !errored, there, "%s is %s", id, state[id])
					if !there {
						delete(state, id)
						for i := range order {
							if order[i] == id {
								order = append(order[:i], order[i+1:]...)
								break
							}
						}
					}
				}
			},
			"": func(t *rapid.T) {
				var want PostCounts
				var unsettled []string
				for _, id := range order {
					switch state[id] {
					case harness.PostPending:
						want.Pending++
					case harness.PostPosting:
						want.Posting++
						unsettled = append(unsettled, id)
					case harness.PostPosted:
						want.Posted++
					case harness.PostRejected:
						want.Rejected++
					}
				}
				info, err := s.Info(ctx, run.ID())
				require.NoError(t, err)
				require.Equal(t, want, info.Posts)
				require.Equal(t, int64(len(order)), info.Completed)
				keys, err := run.Unsettled(ctx)
				require.NoError(t, err)
				var got []string
				for _, key := range keys {
					got = append(got, key.Case)
				}
				require.Equal(t, unsettled, got)
			},
		})
	})
}

// collectRapid tells of each stored case whether its result is errored.
func collectRapid(t *rapid.T, s *Store, id string) map[string]bool {
	all := map[string]bool{}
	for r, err := range s.Results(t.Context(), id, Query{}) {
		require.NoError(t, err)
		all[r.Case.ID] = r.Errored()
	}
	return all
}
