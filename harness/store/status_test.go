package store

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestPlannedCases(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Trials: 3})
	planned := func() int64 {
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		return info.Planned
	}
	plan := func(n int) {
		_, err := run.Plan(ctx, testPage(0, n))
		require.NoError(t, err)
	}
	assert.Zero(t, planned())
	plan(4)
	assert.Equal(t, int64(4), planned(), "while it runs, the cases so far")
	require.NoError(t, run.Finish(ctx, "incomplete", nil, 0))
	assert.Equal(t, int64(4), planned(), "never fewer than are planned")
	require.NoError(t, run.Finish(ctx, "incomplete", nil, 10))
	assert.Equal(t, int64(10), planned())
	require.NoError(t, run.Finish(ctx, "incomplete", nil, 5))
	assert.Equal(t, int64(10), planned(), "never fewer than Finish was told")
	require.NoError(t, run.Close())
	run, err := s.Resume(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, int64(10), planned(), "resuming alone changes nothing")
	plan(6)
	assert.Equal(t, int64(6), planned())
	require.NoError(t, run.Close())
	assert.Equal(t, int64(6), planned(), "interrupted")
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	plan(6)
	require.NoError(t, run.Finish(ctx, "complete", nil, 6))
	assert.Equal(t, int64(10), planned(), "what it was told before it ran again")
	plan(12)
	require.NoError(t, run.Finish(ctx, "complete", nil, 6))
	assert.Equal(t, int64(12), planned())
}

// TestReopen goes through what a command does that replaces scores.
func TestReopen(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Suite: "faq", Evaluators: []string{"equals"}, Options: map[string]string{"limit": "3"}})
	page := testPage(0, 3)
	fillRun(t, run, [][]harness.Case{page}, [][]harness.Result{testResults(page)})
	require.NoError(t, run.Reopen(ctx, "scores are replaced"))
	look := func(status string, reasons ...string) Info {
		t.Helper()
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		assert.Equal(t, status, info.Status)
		assert.Equal(t, append([]string{}, reasons...), info.Reasons)
		assert.Equal(t, int64(3), info.Planned)
		return info
	}
	look(Running)
	require.NoError(t, run.Finish(ctx, "complete", nil, 3))
	ended := look("complete").Finished
	require.NoError(t, run.Reopen(ctx, "scores are replaced"))
	look("incomplete", "scores are replaced")
	require.NoError(t, run.Close())
	run, err := s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	require.NoError(t, run.Reopen(ctx, "scores are replaced"))
	look("incomplete", "scores are replaced")
	require.NoError(t, run.Finish(ctx, "incomplete", []string{"a", "b"}, 0))
	require.NoError(t, run.Reopen(ctx, "c"))
	look("incomplete", "a", "b", "c")
	require.NoError(t, run.SetEvaluators(ctx, []string{"contains", `"quoted"`}, map[string]string{"evaluator contains": "d"}))
	require.NoError(t, run.Finish(ctx, "complete", nil, 0))
	info := look("complete")
	assert.Equal(t, ended, info.Finished, "the run itself ended then")
	assert.Equal(t, Spec{Suite: "faq", Evaluators: []string{"contains", `"quoted"`}, Digests: map[string]string{"evaluator contains": "d"}, Options: map[string]string{"limit": "3"}}, info.Spec)
	assert.Equal(t, info.Spec, run.Spec())
	_, err = run.Plan(ctx, page)
	require.NoError(t, err)
	assert.True(t, look(Running).Finished.IsZero())
	require.NoError(t, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	require.NoError(t, run.Reopen(ctx, "scores are replaced"))
	require.NoError(t, run.Close())
	look(Interrupted)
	assert.ErrorIs(t, run.Reopen(ctx, "x"), errClosed)
	assert.ErrorIs(t, run.SetEvaluators(ctx, nil, nil), errClosed)
}

func TestDiscard(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	kept := createRun(t, s, Spec{})
	_, err := kept.Plan(ctx, testPage(0, 1))
	require.NoError(t, err)
	require.ErrorIs(t, kept.Discard(ctx), ErrStarted)
	require.NoError(t, kept.Write(ctx, testResults(testPage(0, 1))), "it is still open")

	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp", EvaluationID: "e"}})
	require.NoError(t, run.Discard(ctx))
	assert.ErrorIs(t, run.Discard(ctx), errClosed)
	_, err = os.Stat(s.lockPath(run.ID()))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = s.Info(ctx, run.ID())
	require.ErrorIs(t, err, ErrNotFound)
	infos, err := s.Runs(ctx)
	require.NoError(t, err)
	require.Len(t, infos, 1)
	next := createRun(t, s, Spec{}) // takes the number that is free again
	assert.Empty(t, collect(t, s.Results(ctx, next.ID(), Query{})))
	_, err = next.Plan(ctx, testPage(0, 2))
	require.NoError(t, err)
	assert.Len(t, collect(t, s.Cases(ctx, next.ID())), 2)
	assert.Len(t, collect(t, s.Cases(ctx, kept.ID())), 1)
}

// unpacked is a database of testdata.
func unpacked(t *testing.T, name string) []byte {
	packed, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

// TestFromSchema2 opens a database that the program wrote before there were
// pending results.
func TestFromSchema2(t *testing.T) {
	s, err := Open(storeOf(t, unpacked(t, "schema2.db.gz")))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	ctx := t.Context()
	version, err := userVersion(ctx, s.read)
	require.NoError(t, err)
	require.Equal(t, len(migrations()), version)

	page := testPage(0, 6)
	batch := testResults(page)
	batch[1], batch[2], batch[4] = erroredResult(page[1], harness.KindApp), erroredResult(page[2], harness.KindEvaluator), erroredResult(page[4], harness.KindEvaluator)
	infos, err := s.Runs(ctx)
	require.NoError(t, err)
	require.Len(t, infos, 3)
	for i, want := range []struct {
		suite, status               string
		planned, completed, errored int64
		results                     []harness.Result
	}{
		{"interrupted", Interrupted, 4, 2, 1, batch[:2]},
		{"low", "incomplete", 6, 0, 0, nil}, // was recorded as 0
		{"finished", "complete", 6, 6, 3, batch},
	} {
		info := infos[i]
		assert.Equal(t, want.suite, info.Spec.Suite)
		assert.Equal(t, want.status, info.Status, want.suite)
		assert.Equal(t, [3]int64{want.planned, want.completed, want.errored}, [3]int64{info.Planned, info.Completed, info.Errored}, want.suite)
		assert.Equal(t, want.results, collect(t, s.Results(ctx, info.ID, Query{})), want.suite)
		assert.Empty(t, collect(t, s.Results(ctx, info.ID, Query{Pending: true})), want.suite)
	}
	assert.Equal(t, PostCounts{Pending: 3, Posted: 2, Rejected: 1}, infos[2].Posts)

	run, err := s.Resume(ctx, infos[2].ID)
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	n, err := run.ForgetErrored(ctx)
	require.NoError(t, err)
	assert.Equal(t, int64(2), n, "2 is posted")
	there, err := run.Plan(ctx, page)
	require.NoError(t, err)
	assert.Len(t, there.Finished, 4)
	assert.Equal(t, []harness.Result{pendingResult(batch[4])}, there.Answered)
	require.NoError(t, run.Write(ctx, testResults(page)))
	want := testResults(page)
	want[2] = batch[2]
	assert.Equal(t, want, collect(t, s.Results(ctx, run.ID(), Query{})))
}
