package plan_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/plan"
)

// drawn is a run of cases that pass with the rates given.
func drawn(random *rand.Rand, rates []float64, trials int) []compare.Case {
	var all []compare.Case
	for i, rate := range rates {
		c := compare.Case{ID: fmt.Sprint(i)}
		for range trials {
			pass := random.Float64() < rate
			c.Trials = append(c.Trials, compare.Trial{Scores: map[string]compare.Score{"m": {Pass: &pass}}})
		}
		all = append(all, c)
	}
	return all
}

func side(cases []compare.Case) compare.Side {
	return compare.NewList(compare.About{Name: "run", Metrics: []string{"m"}}, cases)
}

// flipping are rates of cases of which some are sure and some flip.
func flipping(random *rand.Rand, n int) []float64 {
	rates := make([]float64, n)
	for i := range rates {
		switch i % 4 {
		case 0:
			rates[i] = random.Float64()
		default:
			rates[i] = 1
		}
	}
	return rates
}

// A design that is said to find a drop four times in five does so: cases are drawn,
// some of them broken, and the gate's own test decides. The model is a little
// pessimistic, so power may be more.
func TestDesignsHaveTheirPower(t *testing.T) {
	const drop, rounds = 0.06, 600
	for _, trials := range []int{1, 3} {
		t.Run(fmt.Sprint(trials), func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, uint64(trials)))
			known, err := plan.Measure(t.Context(), side(drawn(random, flipping(random, 4000), 8)))
			require.NoError(t, err)
			m := known.Metrics[0]
			assert.InDelta(t, 1.0/24, m.Within, 0.004, "a quarter of the cases have E[p(1-p)] = 1/6")
			q := plan.Question{Alpha: 0.05, Power: 0.8}
			n := int(q.Cases(m, trials, drop))
			found := 0
			for range rounds {
				rates := flipping(random, n)
				broken := append([]float64(nil), rates...)
				for i := range broken {
					if random.Float64() < drop/m.Mean {
						broken[i] = 0
					}
				}
				var c compare.Collector
				was, is := drawn(random, rates, trials), drawn(random, broken, trials)
				for i := range was {
					c.Add(was[i], is[i])
				}
				if c.Metric("m").Low.Worse(0, false).P <= 0.05 {
					found++
				}
			}
			assert.InDelta(t, 0.83, float64(found)/rounds, 0.07, "power with %d cases", n)
		})
	}
}

func TestQuestionsAgree(t *testing.T) {
	m := plan.Metric{Name: "m", Between: 0.1, Within: 0.1, Cases: 1000, YesNo: true}
	q := plan.Question{Alpha: 0.05, Power: 0.8}
	for _, trials := range []int{1, 2, 5} {
		n := q.Cases(m, trials, 0.03)
		assert.InDelta(t, 0.03, q.Drop(m, plan.Design{Cases: n, Trials: trials}), 0.0001)
		k, ok := q.Trials(m, n, 0.03)
		assert.True(t, ok)
		assert.Equal(t, trials, k)
		assert.Less(t, q.Cases(m, trials+1, 0.03), n, "more trials, fewer cases")
	}
	_, ok := q.Trials(m, 100, 0.02)
	assert.False(t, ok, "no number of trials shows 2 cases in 100")
	assert.InDelta(t, 1, q.Drop(m, plan.Design{Cases: 2, Trials: 1}), 1e-9)
	strict := plan.Question{Alpha: 0.01, Power: 0.8}
	assert.Greater(t, strict.Cases(m, 1, 0.03), q.Cases(m, 1, 0.03))
}

func TestMeasure(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rates := []float64{0, 1, 0.5, 0.5}
	var many []float64
	for range 500 {
		many = append(many, rates...)
	}
	one, two := side(drawn(random, many, 1)), side(drawn(random, many, 1))
	known, err := plan.Measure(t.Context(), one)
	require.NoError(t, err)
	assert.True(t, math.IsNaN(known.Metrics[0].Within), "one trial says nothing of chance")
	assert.InDelta(t, 0.25, known.Metrics[0].Between, 0.01)
	known, err = plan.Measure(t.Context(), one, two)
	require.NoError(t, err)
	m := known.Metrics[0]
	assert.InDelta(t, 0.125, m.Within, 0.015, "two runs are two trials")
	assert.InDelta(t, 0.125, m.Between, 0.015)
	assert.EqualValues(t, 2000, m.Freedom)
	assert.True(t, m.YesNo)

	// With nothing known of chance, as much of it as there can be.
	q := plan.Question{Alpha: 0.05, Power: 0.8}
	assumed := plan.Assume("m", 0.5)
	assert.Greater(t, q.Cases(assumed, 1, 0.05), q.Cases(m, 1, 0.05))
	// Yes and no that never varied may do so once.
	sure, err := plan.Measure(t.Context(), side(drawn(random, []float64{1, 1, 1, 1, 1, 1, 1, 1}, 3)))
	require.NoError(t, err)
	assert.Greater(t, q.Cases(sure.Metrics[0], 1, 0.2), int64(math.Ceil(6.18/0.2)))
}

func TestParseDrop(t *testing.T) {
	for _, text := range []string{"2pt", "2 pt", "2pp", "2%", "0.02", "2.0pts"} {
		v, err := plan.ParseDrop(text)
		require.NoError(t, err, text)
		assert.InDelta(t, 0.02, v, 1e-15, text)
	}
	for text, want := range map[string]string{"2": "write 2pt", "0": "above 0", "-1pt": "above 0", "100%": "below 100pt", "x": "such as 2pt", "": "such as", "nan": "above 0"} {
		_, err := plan.ParseDrop(text)
		assert.ErrorContains(t, err, want, text)
	}
}
