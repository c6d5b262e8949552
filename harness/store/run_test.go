package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// createRun begins a run that is closed with the test.
func createRun(t testing.TB, s *Store, spec Spec) *Run {
	t.Helper()
	run, err := s.Create(context.Background(), spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, run.Close()) })
	return run
}

func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

// sequenceError is the error that ends a sequence.
func sequenceError[T any](seq iter.Seq2[T, error]) (err error) {
	for _, err = range seq {
	}
	return err
}

// erroredResult is one on which the app, or an evaluator, failed.
func erroredResult(c harness.Case, kind harness.ErrorKind) harness.Result {
	r := testResult(c, 1)
	trouble := &harness.Error{Kind: kind, Message: "it failed", Status: 503, Permanent: true}
	if kind == harness.KindEvaluator {
		r.Scores[0] = harness.Score{Name: "equals", Error: trouble}
	} else {
		r.Output, r.Scores, r.Error = nil, nil, trouble
	}
	return r
}

func TestRunFromStartToEnd(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	spec := Spec{
		Suite: "faq", Text: "name: faq\n", Path: "suites/faq.yaml", App: "bot", Dataset: "faq.jsonl", DatasetDigest: "sha256:00",
		Revision: "abc", Seed: -1, Trials: 2, Evaluators: []string{"equals", "contains"}, Gate: []string{"equals.mean >= 0.5"}, Options: map[string]string{"limit": "10"}, Version: "v0.1.0",
		Publish: &Publish{Platform: "sgp", EvaluationID: "e1", ApplicationSpecID: "a", DatasetVersion: "2"},
	}
	run := createRun(t, s, spec)
	page := testPage(0, 10)
	there, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.Empty(t, there)
	first, second := testResults(page), testResults(page)
	for i := range second {
		second[i].Trial = 2
	}
	second[4] = erroredResult(page[4], harness.KindTimeout)
	second[4].Trial = 2
	require.NoError(t, run.Write(ctx, second))
	require.NoError(t, run.Write(ctx, first))
	var want []harness.Result
	for i := range first {
		want = append(want, first[i], second[i])
	}
	assert.Equal(t, want, collect(t, s.Results(ctx, run.ID(), Query{})))
	assert.Equal(t, page, collect(t, s.Cases(ctx, run.ID())))

	info, err := s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Equal(t, Info{
		ID: run.ID(), Spec: spec, Status: Running, Reasons: []string{}, Started: info.Started,
		Planned: 10, Completed: 20, Errored: 1, Posts: PostCounts{Pending: 20},
	}, info)
	require.NoError(t, run.Finish(ctx, "incomplete", []string{"the app failed once"}, 22))
	require.NoError(t, run.Close())
	require.NoError(t, run.Close(), "closing twice is fine")
	info, err = s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, "incomplete", info.Status)
	assert.Equal(t, []string{"the app failed once"}, info.Reasons)
	assert.Equal(t, int64(22), info.Planned)
	assert.False(t, info.Finished.IsZero())
	assert.ErrorIs(t, run.Write(ctx, first), errClosed)
}

func TestQuery(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run, other := createRun(t, s, Spec{Trials: 2}), createRun(t, s, Spec{})
	page := testPage(0, 12) // numbers 3 fails a score
	for _, r := range []*Run{other, run} {
		_, err := r.Plan(ctx, page)
		require.NoError(t, err)
	}
	batch := testResults(page)
	batch[5], batch[7] = erroredResult(page[5], harness.KindApp), erroredResult(page[7], harness.KindEvaluator)
	again := testResult(page[5], 2)
	require.NoError(t, run.Write(ctx, append(batch, again)))
	require.NoError(t, other.Write(ctx, testResults(page)))
	for _, test := range []struct {
		name  string
		query Query
		want  []harness.Result
	}{
		{"all", Query{}, append(append(append([]harness.Result{}, batch[:6]...), again), batch[6:]...)},
		{"errored", Query{OnlyErrored: true}, []harness.Result{batch[5], batch[7]}},
		{"failed", Query{OnlyFailed: true}, []harness.Result{batch[3]}},
		{"failed or errored", Query{OnlyFailed: true, OnlyErrored: true}, []harness.Result{batch[3], batch[5], batch[7]}},
		{"case", Query{Case: page[5].ID}, []harness.Result{batch[5], again}},
		{"errored of a case", Query{Case: page[5].ID, OnlyErrored: true}, []harness.Result{batch[5]}},
		{"errored of a good case", Query{Case: page[0].ID, OnlyErrored: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, collect(t, s.Results(ctx, run.ID(), test.query)))
		})
	}
	assert.ErrorIs(t, sequenceError(s.Results(ctx, run.ID(), Query{Case: "none"})), ErrNotFound)
	assert.ErrorIs(t, sequenceError(s.Results(ctx, "01", Query{})), ErrAmbiguous)
	assert.ErrorIs(t, sequenceError(s.Cases(ctx, "none")), ErrNotFound)
	for range s.Results(ctx, run.ID(), Query{}) {
		break // a reader may stop
	}
}

// TestResultsInChunks reads more than one chunk, by rows and by bytes, and
// writes in between.
func TestResultsInChunks(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, chunkRows*2+10)
	batch := testResults(page)
	for i := range 5 {
		batch[i].Output.Value = strings.Repeat("x", chunkBytes/2+1)
	}
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, batch))
	var got []harness.Result
	for r, err := range s.Results(ctx, "last", Query{}) {
		require.NoError(t, err)
		require.NoError(t, run.Rescore(ctx, []harness.Result{r}))
		got = append(got, r)
	}
	assert.Equal(t, batch, got)
	assert.Equal(t, page, collect(t, s.Cases(ctx, "last")))
}

func TestPlanRefuses(t *testing.T) {
	page := testPage(0, 4)
	with := func(i int, change func(c *harness.Case)) []harness.Case {
		changed := append([]harness.Case{}, page...)
		change(&changed[i])
		return changed
	}
	next := testPage(4, 4)
	next[2].ID = page[1].ID
	for _, test := range []struct {
		name   string
		resume bool
		page   []harness.Case
		want   error
		says   string
	}{
		{name: "the same page", page: page},
		{name: "the same page on resume", resume: true, page: page},
		{name: "part of it on resume", resume: true, page: page[1:3]},
		{name: "longer on resume", resume: true, page: testPage(0, 6)},
		{name: "an ID of an earlier page", page: next, want: ErrDuplicateCase,
			says: `"case-0000001" is at questions.jsonl:2 and at questions.jsonl:7`},
		{name: "an ID twice in a page", page: []harness.Case{{ID: "a", Seq: 9, Origin: "x:1"}, {ID: "a", Seq: 10}}, want: ErrDuplicateCase,
			says: `"a" is at x:1 and at an unnamed place`},
		{name: "another input on resume", resume: true, page: with(2, func(c *harness.Case) { c.Input = "else" }), want: ErrDatasetChanged,
			says: `case "case-0000002" (questions.jsonl:3) is not what it was`},
		{name: "other metadata on resume", resume: true, page: with(0, func(c *harness.Case) { c.Metadata = nil }), want: ErrDatasetChanged},
		{name: "another ID on resume", resume: true, page: with(1, func(c *harness.Case) { c.ID = "new" }), want: ErrDatasetChanged,
			says: `case number 2 (questions.jsonl:2) is "new" and was "case-0000001"`},
		{name: "a position twice", page: []harness.Case{{ID: "a", Seq: 9}, {ID: "b", Seq: 9}}, says: `two cases are at position 9 of the source, one of them is "b"`},
		{name: "a negative position", page: []harness.Case{{ID: "a", Seq: -1}}, says: "position -1 is outside"},
		{name: "a position beyond the last", page: []harness.Case{{ID: "a", Seq: maxSeq + 1}}, says: "is outside"},
		{name: "an input that is no JSON", page: []harness.Case{{ID: "a", Seq: 9, Input: func() {}}}, says: `case "a" can't be kept as JSON`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, ctx := openStore(t), t.Context()
			run := createRun(t, s, Spec{})
			_, err := run.Plan(ctx, page)
			require.NoError(t, err)
			if test.resume {
				require.NoError(t, run.Close())
				again, err := s.Resume(ctx, run.ID())
				require.NoError(t, err)
				defer func() { require.NoError(t, again.Close()) }()
				run = again
			}
			_, err = run.Plan(ctx, test.page)
			if test.want == nil && test.says == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			if test.want != nil {
				assert.ErrorIs(t, err, test.want)
			}
			assert.ErrorContains(t, err, test.says)
			assert.Equal(t, page, collect(t, s.Cases(ctx, run.ID())), "nothing of a refused page stays")
		})
	}
}

func TestPlanMovedCase(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	_, err := run.Plan(ctx, testPage(0, 4))
	require.NoError(t, err)
	_, err = run.Plan(ctx, testPage(8, 4))
	require.NoError(t, err)
	require.NoError(t, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	page := testPage(4, 1)
	page[0].ID = "case-0000009"
	_, err = run.Plan(ctx, page)
	require.ErrorIs(t, err, ErrDatasetChanged)
	assert.ErrorContains(t, err, `case "case-0000009" (questions.jsonl:5) was number 10 when the run began, and is number 5`)
}

func TestResume(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Trials: 3})
	pages := [][]harness.Case{testPage(0, 5), testPage(5, 5), testPage(10, 5)}
	for _, page := range pages[:2] {
		_, err := run.Plan(ctx, page)
		require.NoError(t, err)
	}
	results := []harness.Result{testResult(pages[0][1], 1), testResult(pages[0][1], 3), testResult(pages[1][0], 2)}
	require.NoError(t, run.Write(ctx, results))
	_, err := s.Resume(ctx, run.ID())
	require.ErrorIs(t, err, ErrLocked)
	assert.ErrorContains(t, err, run.ID()+": run is being written elsewhere in this process")
	require.NoError(t, run.Close())
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, Interrupted, info.Status)

	run, err = s.Resume(ctx, "last")
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	var finished []harness.Key
	for _, page := range pages {
		there, err := run.Plan(ctx, page)
		require.NoError(t, err)
		finished = append(finished, there.Finished...)
	}
	assert.Equal(t, []harness.Key{results[0].Key(), results[1].Key(), results[2].Key()}, finished)
	require.NoError(t, run.Write(ctx, []harness.Result{testResult(pages[2][4], 1)}))
	assert.Len(t, collect(t, s.Results(ctx, run.ID(), Query{})), 4)
}

func TestFinishedRunRunsAgain(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 3)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Finish(ctx, "complete", nil, 3))
	require.Error(t, run.Finish(ctx, Running, nil, 3))
	require.NoError(t, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	status := func() string {
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		return info.Status
	}
	assert.Equal(t, "complete", status(), "resuming alone changes nothing")
	_, err = run.Plan(ctx, page)
	require.NoError(t, err)
	assert.Equal(t, Running, status())
	require.NoError(t, run.Finish(ctx, "complete", nil, 3))
	assert.Equal(t, "complete", status())
}

func TestWriteTwice(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
	page := testPage(0, 5)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	batch := testResults(page)
	require.NoError(t, run.Write(ctx, append(batch[:3:3], batch[0])))
	changed := testResults(page)
	changed[1].Output.Value = "other"
	require.NoError(t, run.Write(ctx, changed))
	assert.Equal(t, batch, collect(t, s.Results(ctx, run.ID(), Query{})), "what is there stays")
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, int64(5), info.Completed)
	assert.Equal(t, PostCounts{Pending: 5}, info.Posts)
}

func TestWriteRefuses(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 2)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	assert.ErrorContains(t, run.Write(ctx, testResults(testPage(2, 1))), `case "case-0000002", number 3 of the source, was not planned`)
	assert.ErrorContains(t, run.Write(ctx, []harness.Result{testResult(page[0], 0)}), "trial 0 is outside 1 to 4095")
	assert.ErrorContains(t, run.Write(ctx, []harness.Result{testResult(page[0], 4096)}), "trial 4096 is outside 1 to 4095")
	require.NoError(t, run.Write(ctx, []harness.Result{testResult(page[0], 4095)}))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	assert.ErrorIs(t, run.Write(ended, testResults(page)), context.Canceled)
	assert.Len(t, collect(t, s.Results(ctx, run.ID(), Query{})), 1)
	_, err = s.Create(ctx, Spec{Trials: 4096})
	assert.ErrorContains(t, err, "4096 trials per case: it can be 1 to 4095")
}

func TestForgetErrored(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
	page := testPage(0, 8)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	batch := testResults(page)
	for _, i := range []int{0, 1, 2, 3, 6} {
		batch[i] = erroredResult(page[i], harness.KindApp)
	}
	batch[4], batch[7] = erroredResult(page[4], harness.KindEvaluator), erroredResult(page[7], harness.KindEvaluator)
	require.NoError(t, run.Write(ctx, batch[7:]))
	require.NoError(t, run.Write(ctx, batch))
	_, err = run.Claim(ctx, 5) // 7 and 0 to 3
	require.NoError(t, err)
	require.NoError(t, run.Settle(ctx, []harness.Receipt{
		{Key: batch[0].Key(), State: harness.PostPosted, RemoteID: "r0"},
		{Key: batch[1].Key(), State: harness.PostRejected, Message: "no"},
		{Key: batch[2].Key(), State: harness.PostPending},
		{Key: batch[7].Key(), State: harness.PostPosted, RemoteID: "r7"},
	}))
	require.NoError(t, run.Finish(ctx, "complete", nil, 8))
	n, err := run.ForgetErrored(ctx)
	require.NoError(t, err)
	assert.Equal(t, int64(4), n, "0 and 7 are posted and 3 is posting")
	assert.Equal(t, []harness.Result{batch[0], batch[3], batch[5], batch[7]}, collect(t, s.Results(ctx, run.ID(), Query{})))
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, [2]int64{4, 3}, [2]int64{info.Completed, info.Errored})
	assert.Equal(t, PostCounts{Pending: 1, Posting: 1, Posted: 2}, info.Posts)
	assert.Equal(t, Running, info.Status)
	there, err := run.Plan(ctx, page)
	require.NoError(t, err)
	assert.Len(t, there.Finished, 4)
	assert.Equal(t, []harness.Result{pendingResult(batch[4])}, there.Answered, "its answer is kept")
	require.NoError(t, run.Write(ctx, testResults(page)))
	claimed, err := run.Claim(ctx, 10)
	require.NoError(t, err)
	assert.Len(t, claimed, 5)
	n, err = run.ForgetErrored(ctx)
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestRescore(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 4)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	stored := testResults(page)
	stored[1] = erroredResult(page[1], harness.KindEvaluator)
	stored[2] = erroredResult(page[2], harness.KindTimeout)
	require.NoError(t, run.Write(ctx, stored))
	again := testResults(page)
	for i := range again {
		again[i].Output = nil
		again[i].Scores = []harness.Score{{Name: "new", Value: 0.25, Reason: "so"}}
	}
	again[0] = erroredResult(page[0], harness.KindEvaluator)
	again[2].Scores = nil
	require.NoError(t, run.Rescore(ctx, again[:3]))
	for i := range 3 {
		stored[i].Scores = again[i].Scores
	}
	assert.Equal(t, stored, collect(t, s.Results(ctx, run.ID(), Query{})))
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, int64(2), info.Errored, "0 is now, 1 no more, 2 still")
	assert.Equal(t, []harness.Result{stored[0], stored[2]}, collect(t, s.Results(ctx, run.ID(), Query{OnlyErrored: true})))
	missing := testResult(page[3], 2)
	assert.ErrorIs(t, run.Rescore(ctx, []harness.Result{again[3], missing}), ErrNotFound)
	assert.Equal(t, stored, collect(t, s.Results(ctx, run.ID(), Query{})), "all of a batch or nothing")
}

func TestInfo(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	_, err := s.Info(ctx, "latest")
	require.ErrorIs(t, err, ErrNotFound)
	var ids []string
	for i := range 7 {
		run := createRun(t, s, Spec{Suite: fmt.Sprint(i)})
		require.NoError(t, run.Close())
		ids = append(ids, run.ID())
		time.Sleep(2 * time.Millisecond) // within one, IDs differ in the last letter only
	}
	assert.IsIncreasing(t, ids)
	runs, err := s.Runs(ctx)
	require.NoError(t, err)
	require.Len(t, runs, 7)
	assert.Equal(t, "6", runs[0].Spec.Suite)
	for _, test := range []struct {
		id    string
		suite string
		want  error
	}{
		{id: ids[3], suite: "3"},
		{id: strings.ToLower(ids[3]), suite: "3"},
		{id: " " + ids[0] + "\n", suite: "0"},
		{id: ids[5][:25], suite: "5"},
		{id: "last", suite: "6"},
		{id: "Latest", suite: "6"},
		{id: ids[0][:4], want: ErrAmbiguous},
		{id: "", want: ErrNotFound},
		{id: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", want: ErrNotFound},
		{id: "../x", want: ErrNotFound},
		{id: "%", want: ErrNotFound},
		{id: ids[0] + "0", want: ErrNotFound},
	} {
		info, err := s.Info(ctx, test.id)
		if test.want != nil {
			assert.ErrorIs(t, err, test.want, "%q", test.id)
			continue
		}
		require.NoError(t, err, "%q", test.id)
		assert.Equal(t, test.suite, info.Spec.Suite, "%q", test.id)
	}
	_, err = s.Info(ctx, ids[0][:4])
	assert.ErrorContains(t, err, strings.Join([]string{ids[6], ids[5], ids[4], ids[3], ids[2], "…"}, ", "))
	_, err = s.Resume(ctx, "nosuch")
	assert.ErrorIs(t, err, ErrNotFound)
}

func TestNextID(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	first, err := nextID(now, "")
	require.NoError(t, err)
	again, err := nextID(now.Add(-time.Hour), first)
	require.NoError(t, err)
	assert.Greater(t, again, first, "the clock went back")
	later, err := nextID(now.Add(time.Hour), again)
	require.NoError(t, err)
	assert.Greater(t, later, again)
	carried, err := nextID(now, "01ZZZZZZZZZZZZZZZZZZZZZZZZ")
	require.NoError(t, err)
	assert.Greater(t, carried, "01ZZZZZZZZZZZZZZZZZZZZZZZZ")
	_, err = nextID(now, "zzz")
	assert.ErrorIs(t, err, ErrDamaged)
}

// TestLocksAreRemoved: a lock leaves no file behind.
func TestLocksAreRemoved(t *testing.T) {
	s := openStore(t)
	run := createRun(t, s, Spec{})
	_, err := os.Stat(s.lockPath(run.ID()))
	require.NoError(t, err)
	require.NoError(t, run.Close())
	files, err := os.ReadDir(filepath.Join(s.Dir(), "locks"))
	require.NoError(t, err)
	assert.Empty(t, files)
}

// TestCreateFails: a run that can't be created leaves no lock and no row.
func TestCreateFails(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("enough"))
	_, err := s.Create(ended, Spec{})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "locks"), nil, 0o600))
	_, err = s.Create(ctx, Spec{})
	require.ErrorContains(t, err, "folder of locks")
	require.NoError(t, os.Remove(filepath.Join(s.Dir(), "locks")))
	runs, err := s.Runs(ctx)
	require.NoError(t, err)
	assert.Empty(t, runs)
}
