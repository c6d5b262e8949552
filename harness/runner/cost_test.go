package runner

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestCostLimitAddsUpSmallAndOddCosts(t *testing.T) {
	for name, tc := range map[string]struct {
		cost, limit, spent float64
		calls              int // until the run is stopped
	}{
		"a tenth of a millionth":       {1e-7, 1e-6, 0, 10},
		"ten times 0.1 is 1":           {0.1, 1, 0, 10},
		"one call":                     {5, 1, 0, 1},
		"what was spent before counts": {0.25, 1, 0.5, 2},
		"a number that is none":        {math.NaN(), 1, 0, 0},
		"no money back":                {-1, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			app := withCostLimit(&answers{cost: &tc.cost}, tc.limit, tc.spent, stop)
			calls := 0
			for range 20 {
				if ctx.Err() != nil {
					break
				}
				_, err := app.Respond(ctx, harness.Input{})
				require.NoError(t, err)
				calls++
			}
			if tc.calls == 0 {
				assert.NoError(t, ctx.Err())
				return
			}
			assert.Equal(t, tc.calls, calls)
			assert.ErrorIs(t, context.Cause(ctx), errMaxCost)
		})
	}
	app := &answers{}
	assert.Same(t, app, withCostLimit(app, 0, 0, nil), "no limit")
}

func TestCostLimitOfAResumedRun(t *testing.T) {
	st, dir, cost := openStore(t), t.TempDir(), 0.4
	app := &answers{cost: &cost}
	outcome, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, MaxCost: 0.3}, app)
	require.NoError(t, err)
	assert.Equal(t, CodeIncomplete, outcome.Code(), "a limit on the cost is no interrupt")
	assert.Contains(t, outcome.Report.Reasons[0], "the limit on the cost allows: $0.3")

	resume := func(limit float64) (Outcome, error) {
		return runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, Resume: outcome.RunID, MaxCost: limit}, app)
	}
	_, err = resume(0.4)
	assert.ErrorContains(t, err, "$0.4")
	assert.Equal(t, CodeUsage, CodeOf(err), "nothing was called")
	assert.Equal(t, []string{"a"}, app.asked)
	resumed, err := resume(0.9)
	require.NoError(t, err)
	assert.Equal(t, CodePass, resumed.Code())
	assert.Equal(t, []string{"a", "b"}, app.asked)
}

func TestCostLimitThatCanNotBeKept(t *testing.T) {
	outcome, err := runApp(t.Context(), load(t, twoCases()), Options{Store: openStore(t), MaxCost: 1}, &answers{})
	require.NoError(t, err)
	assert.Equal(t, []string{"the limit on the cost could not be kept: no answer reports its cost"}, outcome.Report.Warnings)

	cost := 0.1
	partly := harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
		out := harness.Output{Value: in.Value}
		if in.ID == "a" {
			out.CostUSD = &cost
		}
		return out, nil
	})
	outcome, err = runApp(t.Context(), load(t, twoCases()), Options{Store: openStore(t), MaxCost: 1}, partly)
	require.NoError(t, err)
	assert.Equal(t, []string{"the limit on the cost could not be kept exactly: 1 of 2 answers do not report their cost"}, outcome.Report.Warnings)
}

// No further call is paid for when the server does not take the credentials.
func TestRefusedCredentialsEndTheRun(t *testing.T) {
	for name, tc := range map[string]struct {
		status, calls int
	}{
		"401": {401, 1}, "402": {402, 1}, "403 again and again": {403, manyForbidden}, "404 is about the case": {404, 20},
	} {
		t.Run(name, func(t *testing.T) {
			st := openStore(t)
			app := &answers{fail: map[string]error{"a": &harness.Error{Kind: harness.KindApp, Status: tc.status, Permanent: true, Message: "no"}}}
			s := load(t, "name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\napp: {echo: {}}\nevaluators: [equals]\ntrials: 20\nconcurrency: 1\n")
			outcome, err := runApp(t.Context(), s, Options{Store: st}, app)
			require.NoError(t, err)
			assert.Len(t, app.asked, tc.calls)
			assert.Equal(t, CodeIncomplete, outcome.Code())
			if tc.calls < 20 {
				assert.Contains(t, outcome.Report.Reasons[0], "refuses the credentials")
				assert.Equal(t, "incomplete", infoOf(t, st, outcome.RunID).Status)
			}
		})
	}
}
