package harness_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// demanded runs n cases whose trials begin when ask asks for them.
func demanded(t *testing.T, ctx context.Context, n int, c harness.Config, ask func(d *harness.Demand)) (*harness.Report, error) {
	t.Helper()
	var cases harness.Cases
	for i := range n {
		cases = append(cases, harness.Case{ID: "c" + strconv.Itoa(i), Input: strconv.Itoa(i)})
	}
	d := &harness.Demand{}
	c.Source, c.Demand = cases, d
	if c.App == nil {
		c.App = harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil })
	}
	c.Evaluators = []harness.Evaluator{always{}}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		defer d.Close()
		ask(d)
	}()
	report, err := harness.Run(ctx, c)
	<-asked
	return report, err
}

type always struct{}

func (always) Name() string { return "always" }
func (always) Evaluate(context.Context, harness.Trial) ([]harness.Score, error) {
	return []harness.Score{harness.Passed()}, nil
}

func TestDemandInAnyOrder(t *testing.T) {
	const n = 700 // more than the queue of trials has room for
	report, err := demanded(t, t.Context(), n, harness.Config{Trials: 2, Concurrency: 3}, func(d *harness.Demand) {
		var wg sync.WaitGroup
		for i := n - 1; i >= 0; i-- {
			for trial := 1; trial <= 2; trial++ {
				wg.Go(func() {
					r, ok := d.Ask(t.Context(), harness.Key{Case: "c" + strconv.Itoa(i), Trial: trial})
					assert.True(t, ok)
					assert.Equal(t, strconv.Itoa(i), r.Output.Text())
					assert.Equal(t, trial, r.Trial)
					assert.Len(t, r.Scores, 1)
				})
			}
		}
		wg.Wait()
	})
	require.NoError(t, err)
	assert.Equal(t, harness.Complete, report.Status)
	assert.EqualValues(t, 2*n, report.Trials.Completed)
}

func TestDemandWhatIsNotAskedForIsNotRun(t *testing.T) {
	asked := 0
	app := harness.TextApp(func(_ context.Context, in string) (string, error) { asked++; return in, nil })
	report, err := demanded(t, t.Context(), 3, harness.Config{App: app}, func(d *harness.Demand) {
		_, ok := d.Ask(t.Context(), harness.Key{Case: "c1", Trial: 1})
		assert.True(t, ok)
		_, ok = d.Ask(t.Context(), harness.Key{Case: "c1", Trial: 1})
		assert.False(t, ok, "a second time")
	})
	require.NoError(t, err)
	assert.Equal(t, 1, asked)
	assert.Equal(t, harness.Incomplete, report.Status)
	assert.Equal(t, []string{"2 trials were planned and not asked for"}, report.Reasons)
}

func TestDemandEndsWithTheRun(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	app := harness.TextApp(func(ctx context.Context, in string) (string, error) {
		stop(errors.New("enough"))
		<-ctx.Done()
		return "", ctx.Err()
	})
	report, err := demanded(t, ctx, 3, harness.Config{App: app, Grace: 1}, func(d *harness.Demand) {
		_, ok := d.Ask(t.Context(), harness.Key{Case: "c0", Trial: 1})
		assert.False(t, ok)
		_, ok = d.Ask(t.Context(), harness.Key{Case: "c1", Trial: 1})
		assert.False(t, ok)
		_, ok = d.Ask(t.Context(), harness.Key{Case: "stranger", Trial: 1})
		assert.False(t, ok)
	})
	require.ErrorContains(t, err, "enough")
	assert.Equal(t, harness.Incomplete, report.Status)
}

func TestDemandOfAJournalThatFails(t *testing.T) {
	_, err := demanded(t, t.Context(), 3, harness.Config{Journal: badPlan{}}, func(d *harness.Demand) {
		_, ok := d.Ask(t.Context(), harness.Key{Case: "c0", Trial: 1})
		assert.False(t, ok)
	})
	require.ErrorContains(t, err, "no room")
}

type badPlan struct{}

func (badPlan) Plan(context.Context, []harness.Case) (harness.Planned, error) {
	return harness.Planned{}, errors.New("no room")
}
func (badPlan) Write(context.Context, []harness.Result) error { return nil }

// Ahead is told of what is still to be asked, before any of it is.
func TestAhead(t *testing.T) {
	var mu sync.Mutex
	told := map[harness.Key]bool{}
	var pages []int
	c := harness.Config{
		Source: cases(250), Trials: 2, Limit: 201, Evaluators: []harness.Evaluator{always{}},
		Ahead: func(_ context.Context, trials []harness.Input) error {
			mu.Lock()
			defer mu.Unlock()
			pages = append(pages, len(trials))
			for _, in := range trials {
				told[harness.Key{Case: in.ID, Trial: in.Trial}] = true
			}
			return nil
		},
		App: harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
			mu.Lock()
			defer mu.Unlock()
			assert.True(t, told[harness.Key{Case: in.ID, Trial: in.Trial}])
			return harness.Output{}, nil
		}),
	}
	report, err := harness.Run(t.Context(), c)
	require.NoError(t, err)
	assert.EqualValues(t, 402, report.Trials.Completed)
	assert.Equal(t, []int{200, 200, 2}, pages)

	c.Ahead = func(context.Context, []harness.Input) error { return errors.New("402: no money") }
	report, err = harness.Run(t.Context(), c)
	require.ErrorContains(t, err, "402: no money")
	assert.Equal(t, harness.Incomplete, report.Status)
	assert.Zero(t, report.Trials.Completed)
}

func TestChoose(t *testing.T) {
	chosen, err := harness.Choose(t.Context(), harness.Config{Source: cases(250), Limit: 120, Filter: func(c harness.Case) bool { return c.ID != "c1" }})
	require.NoError(t, err)
	require.Len(t, chosen, 120)
	assert.Equal(t, "c120", chosen[119].ID)
	assert.EqualValues(t, 120, chosen[119].Seq)
	chosen, err = harness.Choose(t.Context(), harness.Config{Source: cases(250)})
	require.NoError(t, err)
	assert.Len(t, chosen, 250)
	_, err = harness.Choose(t.Context(), harness.Config{Source: append(cases(150), harness.Case{ID: "c1"})})
	require.ErrorContains(t, err, `the case ID "c1" is used twice`)
	_, err = harness.Choose(t.Context(), harness.Config{Source: broken{}})
	require.ErrorContains(t, err, "no network")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = harness.Choose(ctx, harness.Config{Source: cases(250)})
	require.ErrorIs(t, err, context.Canceled)
}

type broken struct{}

func (broken) Page(_ context.Context, cursor string) (harness.Page, error) {
	if cursor == "" {
		return harness.Page{Cases: cases(1), Next: "more"}, nil
	}
	return harness.Page{}, errors.New("no network")
}

// Nobody waits for a run that refuses its Config.
func TestDemandOfARunThatRefuses(t *testing.T) {
	_, err := demanded(t, t.Context(), 1, harness.Config{Retry: harness.Retry{Max: -1}}, func(d *harness.Demand) {
		_, ok := d.Ask(t.Context(), harness.Key{Case: "c0", Trial: 1})
		assert.False(t, ok)
	})
	require.ErrorContains(t, err, "Retry.Max is negative")
}

// Nobody waits for a case that won't come: the source does not have it, or has
// failed before it, or the journal has its result.
func TestDemandOfWhatIsNotPlanned(t *testing.T) {
	strangers := func(d *harness.Demand) {
		var wg sync.WaitGroup
		for _, id := range []string{"c0", "c7", "stranger"} {
			wg.Go(func() {
				r, ok := d.Ask(t.Context(), harness.Key{Case: id, Trial: 1})
				assert.Equal(t, id == "c0", ok, id)
				assert.Equal(t, ok, r.Output != nil, id)
			})
		}
		wg.Wait()
		_, ok := d.Ask(t.Context(), harness.Key{Case: "late stranger", Trial: 1})
		assert.False(t, ok)
	}
	report, err := demanded(t, t.Context(), 1, harness.Config{}, strangers)
	require.NoError(t, err)
	assert.Equal(t, harness.Complete, report.Status)

	d := &harness.Demand{}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		defer d.Close()
		strangers(d)
	}()
	_, err = harness.Run(t.Context(), harness.Config{
		Source: broken{}, Demand: d, Evaluators: []harness.Evaluator{always{}},
		App: harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil }),
	})
	<-asked
	require.ErrorContains(t, err, "no network")
	_, err = demanded(t, t.Context(), 1, harness.Config{Journal: hasAll{}}, func(d *harness.Demand) {
		_, ok := d.Ask(t.Context(), harness.Key{Case: "c0", Trial: 1})
		assert.False(t, ok)
	})
	require.NoError(t, err)
}

// hasAll is a journal that has the results of all cases.
type hasAll struct{}

func (hasAll) Plan(_ context.Context, cases []harness.Case) (p harness.Planned, _ error) {
	for _, c := range cases {
		p.Finished = append(p.Finished, harness.Key{Case: c.ID, Trial: 1})
	}
	return p, nil
}
func (hasAll) Write(context.Context, []harness.Result) error { return nil }
