package runner

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestReplay(t *testing.T) {
	st := openStore(t)
	cost := 0.5
	first, err := runApp(t.Context(), load(t, twoCases("trials: 2")), Options{Store: st},
		&answers{cost: &cost, fail: map[string]error{"b": errors.New("out of memory")}})
	require.NoError(t, err)

	app, err := replayer(st)(t.Context(), first.RunID[:20])
	require.NoError(t, err)
	for _, trial := range []int{1, 2, 7} { // a run with fewer trials gives its last one
		out, err := app.Respond(t.Context(), harness.Input{ID: "a", Trial: trial})
		require.NoError(t, err)
		assert.Equal(t, "one", out.Value)
		assert.Equal(t, &cost, out.CostUSD)
	}
	for id, want := range map[string]string{"b": "out of memory", "z": "no result of case"} {
		_, err := app.Respond(t.Context(), harness.Input{ID: id, Trial: 1})
		var trouble *harness.Error
		require.ErrorAs(t, err, &trouble)
		assert.True(t, trouble.Permanent)
		assert.Contains(t, trouble.Message, want)
	}
	_, err = replayer(st)(t.Context(), "0000")
	assert.ErrorContains(t, err, "replay")
}

func TestReplayInASuite(t *testing.T) {
	st := openStore(t)
	first, err := Run(t.Context(), load(t, twoCases()), Options{Store: st})
	require.NoError(t, err)
	again, err := Run(t.Context(), load(t, twoCases("app: {replay: {run: "+first.RunID+"}}")), Options{Store: st})
	require.NoError(t, err)
	assert.Equal(t, CodePass, again.Code())
	_, err = Run(t.Context(), load(t, twoCases("app: {replay: {run: 0000}}")), Options{Store: st})
	assert.Equal(t, CodeUsage, CodeOf(err))
}
