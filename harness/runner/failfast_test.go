package runner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// fastSuite has so many cases and stops early when it is certain to fail.
func fastSuite(cases int) string {
	var b strings.Builder
	b.WriteString("name: fast\ndataset:\n  cases:\n")
	for i := range cases {
		fmt.Fprintf(&b, "    - {id: c%d, input: x, expected: yes}\n", i)
	}
	b.WriteString("app: {echo: {}}\nevaluators: [equals]\nconcurrency: 50\ngate: [{no_regression: {fail_fast: true}}]\n")
	return b.String()
}

// coinApp answers right at a rate, by case and seed. Wrong answers come at once.
type coinApp struct {
	seed uint64
	rate float64
	late time.Duration // right answers
	wait time.Duration // all answers
}

func (a coinApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	time.Sleep(a.wait)
	var n uint64
	_, _ = fmt.Sscanf(in.ID, "c%d", &n)
	if rand.New(rand.NewPCG(a.seed, n)).Float64() >= a.rate {
		return harness.Output{Value: "no"}, nil
	}
	select {
	case <-time.After(a.late):
	case <-ctx.Done():
	}
	return harness.Output{Value: "yes"}, nil
}

// Wrong answers that come sooner than right ones make no regression: cases are looked
// at in the order in which they were asked.
func TestFailFastLooksInTheOrderOfTheRun(t *testing.T) {
	st, text := openStore(t), fastSuite(300)
	base, err := runApp(t.Context(), load(t, text), Options{Store: st}, coinApp{seed: 1, rate: 0.5})
	require.NoError(t, err)
	_, err = st.SetBaseline(t.Context(), "main", base.RunID, "")
	require.NoError(t, err)
	same, err := runApp(t.Context(), load(t, text), Options{Store: st}, coinApp{seed: 2, rate: 0.5, late: 50 * time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, harness.Complete, same.Report.Status, same.Report.Reasons)
	assert.Equal(t, CodePass, same.Code())

	worse, err := runApp(t.Context(), load(t, text), Options{Store: st}, coinApp{seed: 2, rate: 0, wait: 200 * time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, CodeFail, worse.Code(), worse.Report.Gate)
	assert.ErrorIs(t, worse.Err, errFailedFast)
	stored := storedReport(t, st, worse.RunID)
	assert.Equal(t, harness.Fail, stored.Verdict, "the stored run fails for the same reason")
	assert.Equal(t, worse.Report.Gate, stored.Gate)
}

// The order follows from the seed, and has each case once.
func TestShuffled(t *testing.T) {
	var cases harness.Cases
	for i := range 250 {
		cases = append(cases, harness.Case{ID: fmt.Sprint(i)})
	}
	order := func(seed int64) (ids []string) {
		s := &shuffled{Source: cases, seed: seed}
		for cursor := ""; ; {
			page, err := s.Page(t.Context(), cursor)
			require.NoError(t, err)
			for _, c := range page.Cases {
				ids = append(ids, c.ID)
			}
			if cursor = page.Next; cursor == "" {
				return ids
			}
		}
	}
	assert.Equal(t, order(1), order(1))
	assert.NotEqual(t, order(1), order(2))
	assert.ElementsMatch(t, order(1), order(2))
	assert.Len(t, order(3), 250)
}
