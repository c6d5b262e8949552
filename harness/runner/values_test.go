package runner

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/suite"
)

// What a suite of Go values says of how it is run counts.
func TestGoValuesCount(t *testing.T) {
	app := &limitedApp{}
	var told, asked atomic.Int64
	s, err := suite.Of("values", "x_test.go", harness.Config{
		Source: harness.Cases{{ID: "a"}, {ID: "b"}}, App: app, Trials: 10, Concurrency: 16,
		Evaluators: []harness.Evaluator{evaluator.Func("asked", func(context.Context, harness.Trial) (harness.Score, error) {
			asked.Add(1)
			return harness.Passed(), nil
		})},
		Ahead: func(_ context.Context, trials []harness.Input) error {
			assert.Zero(t, asked.Load())
			told.Add(int64(len(trials)))
			return nil
		},
	})
	require.NoError(t, err)
	outcome, err := Run(t.Context(), s, Options{Store: openStore(t)})
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
	assert.EqualValues(t, 20, outcome.Report.Trials.Completed)
	assert.EqualValues(t, 1, app.most.Load(), "no more calls than the app takes")
	assert.EqualValues(t, 20, told.Load())
}
