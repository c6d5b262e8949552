package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// pendingResult is a result before it is scored.
func pendingResult(r harness.Result) harness.Result {
	r.Pending, r.Scores = true, nil
	return r
}

func pendingResults(page []harness.Case) []harness.Result {
	batch := testResults(page)
	for i := range batch {
		batch[i] = pendingResult(batch[i])
	}
	return batch
}

// TestPending writes results ahead and then whole, and looks at each stage.
func TestPending(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Trials: 2, Publish: &Publish{Platform: "sgp"}})
	page := testPage(0, 6)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	ahead, whole := pendingResults(page), testResults(page)
	ahead[2].Trial, whole[2].Trial = 2, 2
	whole[4] = erroredResult(page[4], harness.KindEvaluator)
	require.NoError(t, run.Write(ctx, ahead[:5]))
	require.NoError(t, run.Write(ctx, whole[5:]))

	look := func(whole, pending []harness.Result, errored int64) {
		t.Helper()
		assert.Equal(t, whole, collect(t, s.Results(ctx, run.ID(), Query{})))
		assert.Equal(t, pending, collect(t, s.Results(ctx, run.ID(), Query{Pending: true})))
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		assert.Equal(t, [3]int64{6, int64(len(whole)), errored}, [3]int64{info.Planned, info.Completed, info.Errored})
		assert.Equal(t, PostCounts{Pending: int64(len(whole))}, info.Posts)
		var finished []harness.Key
		for _, r := range whole {
			finished = append(finished, r.Key())
		}
		there, err := run.Plan(ctx, page)
		require.NoError(t, err)
		assert.Equal(t, harness.Planned{Finished: finished, Answered: pending}, there)
	}
	look(whole[5:], ahead[:5], 0)
	assert.Empty(t, collect(t, s.Results(ctx, run.ID(), Query{OnlyErrored: true, OnlyFailed: true})))
	assert.Equal(t, ahead[1:2], collect(t, s.Results(ctx, run.ID(), Query{Pending: true, Case: page[1].ID, OnlyErrored: true})))

	require.NoError(t, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	look(whole[5:], ahead[:5], 0)

	require.NoError(t, run.Write(ctx, whole[3:5]))
	look(whole[3:], ahead[:3], 1)
	require.NoError(t, run.Write(ctx, ahead), "a pending result replaces nothing")
	look(whole[3:], ahead[:3], 1)
	require.NoError(t, run.Write(ctx, whole))
	look(whole, nil, 1)
	claimed, err := run.Claim(ctx, 10)
	require.NoError(t, err)
	assert.Equal(t, []harness.Result{whole[5], whole[3], whole[4], whole[0], whole[1], whole[2]}, claimed, "queued when they became whole")
}

// TestPendingInOneBatch has both results of a trial in one batch.
func TestPendingInOneBatch(t *testing.T) {
	page := testPage(0, 1)
	whole, other := testResult(page[0], 1), testResult(page[0], 1)
	other.Output = &harness.Output{Value: "another answer"}
	ahead := pendingResult(other)
	for _, test := range []struct {
		name  string
		batch []harness.Result
		want  Query // the one that finds it
		is    harness.Result
	}{
		{"pending first", []harness.Result{ahead, whole}, Query{}, whole},
		{"whole first", []harness.Result{whole, ahead}, Query{}, whole},
		{"pending, whole, whole", []harness.Result{ahead, whole, other}, Query{}, whole},
		{"pending twice", []harness.Result{ahead, pendingResult(whole)}, Query{Pending: true}, ahead},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, ctx := openStore(t), t.Context()
			run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
			_, err := run.Plan(ctx, page)
			require.NoError(t, err)
			require.NoError(t, run.Write(ctx, test.batch))
			assert.Equal(t, []harness.Result{test.is}, collect(t, s.Results(ctx, run.ID(), test.want)))
			info, err := s.Info(ctx, run.ID())
			require.NoError(t, err)
			n := int64(1)
			if test.want.Pending {
				n = 0
			}
			assert.Equal(t, [2]int64{n, n}, [2]int64{info.Completed, info.Posts.Pending})
		})
	}
}

func TestPendingRefused(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 2)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	for name, change := range map[string]func(r *harness.Result){
		"no output": func(r *harness.Result) { r.Output = nil },
		"an error":  func(r *harness.Result) { r.Error = &harness.Error{Kind: harness.KindApp} },
		"scores":    func(r *harness.Result) { r.Scores = []harness.Score{harness.Passed()} },
	} {
		r := pendingResult(testResult(page[0], 1))
		change(&r)
		assert.ErrorContains(t, run.Write(ctx, []harness.Result{r}),
			`pending result of case "case-0000000", trial 1: it must have an output, and no scores or error`, name)
	}
	require.NoError(t, run.Write(ctx, []harness.Result{pendingResult(testResult(page[0], 1)), testResult(page[1], 1)}))
	assert.ErrorContains(t, run.Rescore(ctx, []harness.Result{testResult(page[0], 1)}), "it is pending")
	assert.ErrorContains(t, run.Rescore(ctx, []harness.Result{pendingResult(testResult(page[1], 1))}), "it is pending")
	require.NoError(t, run.SetPublish(ctx, Publish{Platform: "sgp"}))
	claimed, err := run.Claim(ctx, 5)
	require.NoError(t, err)
	assert.Equal(t, []harness.Result{testResult(page[1], 1)}, claimed)
}

// TestPendingDamaged: an answer that is not what was written is not scored.
func TestPendingDamaged(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	page := testPage(0, 2)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, []harness.Result{pendingResult(testResult(page[0], 1)), erroredResult(page[1], harness.KindEvaluator)}))
	_, err = s.writer.ExecContext(ctx, "UPDATE results SET answer = replace(answer, 'Paris', 'Rome')")
	require.NoError(t, err)
	_, err = run.Plan(ctx, page)
	require.ErrorIs(t, err, ErrDamaged)
	assert.ErrorContains(t, err, `case "case-0000000", trial 1`)
	_, err = run.ForgetErrored(ctx)
	require.ErrorIs(t, err, ErrDamaged)
	assert.ErrorContains(t, err, "case number 2, trial 1")
}
