package runner

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

func TestScore(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	run, err := Run(t.Context(), loadIn(t, dir, twoCases("gate: [equals.pass_rate == 1]"), nil), Options{Store: st})
	require.NoError(t, err)
	strict := evaluator.Func("strict", func(_ context.Context, trial harness.Trial) (harness.Score, error) {
		return harness.PassIf(trial.Case.ID == "a", "only a will do, not hunter2-hunter2"), nil
	})
	s := loadIn(t, dir, twoCases("evaluators: [strict]", "gate: [strict.pass_rate >= 0.9]"), nil, strict)
	s.Secrets = []string{"hunter2-hunter2"}
	report, err := Score(t.Context(), s, Options{Store: st}, run.RunID)
	require.NoError(t, err)
	assert.Equal(t, harness.Fail, report.Verdict)
	require.Len(t, report.Metrics, 1, "the old metric is gone")
	assert.Equal(t, "strict", report.Metrics[0].Name)
	info := infoOf(t, st, run.RunID)
	assert.Equal(t, []string{"strict"}, info.Spec.Evaluators)
	assert.Equal(t, "complete", info.Status)
	assert.Equal(t, report, storedReport(t, st, run.RunID), "it is judged the same way later on")
	for r, err := range Results(t.Context(), st, run.RunID) {
		require.NoError(t, err)
		require.Len(t, r.Scores, 1)
		assert.NotContains(t, r.Scores[0].Reason, "hunter2")
	}
}

func TestScoreThatIsInterrupted(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	run, err := Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st})
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stopping := evaluator.Func("stopping", func(context.Context, harness.Trial) (harness.Score, error) {
		cancel(errors.New("the lease was lost"))
		return harness.Passed(), nil
	})
	text := twoCases("evaluators: [stopping]")
	_, err = Score(ctx, loadIn(t, dir, text, nil, stopping), Options{Store: st}, run.RunID)
	assert.ErrorContains(t, err, "the lease was lost")
	assert.Equal(t, CodeIncomplete, CodeOf(err))
	var failed *Error
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, failed.Hint, "evalrun score "+run.RunID)

	report := storedReport(t, st, run.RunID)
	assert.Equal(t, harness.VerdictIncomplete, report.Verdict)
	assert.Equal(t, []string{scoringCut}, report.Reasons)
	_, err = Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, Resume: run.RunID})
	assert.ErrorContains(t, err, scoringCut, "a resume would make it look complete")

	report, err = Score(t.Context(), loadIn(t, dir, text, nil, stopping), Options{Store: st}, run.RunID)
	require.NoError(t, err)
	assert.Equal(t, harness.Pass, report.Verdict)
	assert.Empty(t, report.Reasons)
}

// What a run is does not change because it is scored again.
func TestScoreOfAnIncompleteRun(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	run, err := runApp(ctx, loadIn(t, dir, twoCases(), nil), Options{Store: st}, &answers{hook: func(string) { cancel(errors.New("the lease was lost")) }})
	require.NoError(t, err)
	report, err := Score(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st}, run.RunID)
	require.NoError(t, err)
	assert.Equal(t, run.Report.Reasons, report.Reasons)
	assert.Equal(t, harness.VerdictIncomplete, report.Verdict)

	killed, err := st.Create(t.Context(), infoOf(t, st, run.RunID).Spec)
	require.NoError(t, err)
	require.NoError(t, killed.Close())
	report, err = Score(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st}, killed.ID())
	require.NoError(t, err)
	assert.Equal(t, []string{processEnded}, report.Reasons)
}

func TestScoreRefuses(t *testing.T) {
	st := openStore(t)
	_, err := Score(t.Context(), load(t, twoCases()), Options{Store: st}, "latest")
	assert.Equal(t, CodeUsage, CodeOf(err))
	run, err := Run(t.Context(), load(t, twoCases()), Options{Store: st})
	require.NoError(t, err)
	held, err := st.Resume(t.Context(), run.RunID)
	require.NoError(t, err)
	_, err = Score(t.Context(), load(t, twoCases()), Options{Store: st}, run.RunID)
	assert.Equal(t, CodeUsage, CodeOf(err))
	require.NoError(t, held.Close())
}

func TestBatchesAreBounded(t *testing.T) {
	sizes := func(items, bytes int, lengths ...int) (out []int) {
		for batch, err := range batches(outputs(nil, lengths...), items, bytes) {
			require.NoError(t, err)
			out = append(out, len(batch))
		}
		return out
	}
	assert.Equal(t, []int{2, 2, 1}, sizes(2, 1000, 1, 1, 1, 1, 1))
	assert.Equal(t, []int{1, 3, 1}, sizes(10, 1000, 5000, 400, 400, 400, 1), "large answers go in few")
	assert.Equal(t, []int{1}, sizes(10, 1000, -1, 1), "what has no answer is left out")
	assert.Empty(t, sizes(10, 1000))
	for _, err := range batches(outputs(errors.New("damaged"), 1), 10, 1000) {
		assert.ErrorContains(t, err, "damaged")
	}
}

// outputs are results with answers of these lengths, without one for -1.
func outputs(end error, lengths ...int) iter.Seq2[harness.Result, error] {
	return func(yield func(harness.Result, error) bool) {
		for n := range slices.Values(lengths) {
			r := harness.Result{}
			if n >= 0 {
				r.Output = &harness.Output{Value: strings.Repeat("x", n/2), Chunks: []harness.Chunk{{Text: strings.Repeat("x", n-n/2)}}}
			}
			if !yield(r, nil) {
				return
			}
		}
		if end != nil {
			yield(harness.Result{}, end)
		}
	}
}
