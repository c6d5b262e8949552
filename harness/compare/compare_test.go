package compare_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/stat"
)

// yes makes a case of verdicts: '1' passes, '0' fails, 'e' is an app error, '?'
// could not be scored.
func yes(id, verdicts string) compare.Case {
	c := compare.Case{ID: id, Hash: "h"}
	for _, v := range verdicts {
		t := compare.Trial{LatencyMS: 100, Scores: map[string]compare.Score{}}
		pass := v == '1'
		switch v {
		case 'e':
			t = compare.Trial{Error: harness.KindApp}
		case '?':
			t.Scores["m"] = compare.Score{Missing: true}
		default:
			t.Scores["m"] = compare.Score{Value: map[bool]float64{true: 1}[pass], Pass: &pass}
		}
		c.Trials = append(c.Trials, t)
	}
	return c
}

func side(name string, verdicts ...string) *compare.List {
	var cases []compare.Case
	for i, v := range verdicts {
		cases = append(cases, yes(strconv.Itoa(i), v))
	}
	return compare.NewList(compare.About{Name: name}, cases)
}

func run(t require.TestingT, base, now compare.Side) (*compare.Metric, compare.Pairing) {
	c := &compare.Collector{}
	p, err := compare.Run(context.Background(), base, now, c)
	require.NoError(t, err)
	return c.Metric("m"), p
}

func TestWhichTest(t *testing.T) {
	one := func(verdict string, n int) []string { return slices.Repeat([]string{verdict}, n) }
	base := side("base", append(one("1", 20), one("0", 10)...)...)
	now := side("new", append(append(one("1", 12), one("0", 8)...), one("1", 1)...)...)
	m, _ := run(t, base, now)
	d := &m.Low
	worse, better := d.Changed()
	assert.EqualValues(t, []int64{21, 8, 1}, []int64{d.N(), worse, better})
	_, mid := stat.McNemar(8, 1)
	assert.Equal(t, compare.Evidence{P: mid, Test: "McNemar mid-p"}, d.Worse(0, false))
	exact, _ := stat.McNemar(8, 1)
	assert.Equal(t, compare.Evidence{P: exact, Test: "McNemar exact"}, d.Worse(0, true))
	tango := d.NotWorse(0.05, false)
	assert.Equal(t, "Tango score", tango.Test)
	assert.InDelta(t, 1, tango.P+d.Worse(0.05, false).P, 1e-9)
	assert.Equal(t, "sign flips", d.NotWorse(0.05, true).Test)

	m, _ = run(t, side("base", one("111", 20)...), side("new", one("110", 20)...))
	assert.Equal(t, "sign flips", m.Low.Worse(0, false).Test)
	assert.InDelta(t, math.Pow(2, -21), m.Low.Worse(0, false).P, 1e-12, "half of the one sum that is as small")
}

func TestMissing(t *testing.T) {
	m, _ := run(t, side("base", "1", "1", "1", "?", "1?"), side("new", "e", "?", "1", "1", "11"))
	assert.EqualValues(t, 4, m.Low.N(), "the base says nothing of one case")
	assert.EqualValues(t, 1, m.Unknown)
	worse, _ := m.Low.Changed()
	assert.EqualValues(t, 2, worse, "no answer, and unknown as wrong")
	worse, _ = m.High.Changed()
	assert.EqualValues(t, 1, worse, "no answer")
}

// Swapping the runs swaps the evidence; permuting the cases and adding pairs that
// agree changes none.
func TestSymmetries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 25).Draw(t, "n")
		trials := rapid.IntRange(1, 3).Draw(t, "trials")
		draw := func(what string) []string {
			out := make([]string, n)
			for i := range out {
				out[i] = rapid.StringOfN(rapid.RuneFrom([]rune("01")), trials, trials, -1).Draw(t, what)
			}
			return out
		}
		a, b := draw("base"), draw("new")
		m, _ := run(t, side("base", a...), side("new", b...))
		swapped, _ := run(t, side("base", b...), side("new", a...))
		assert.InDelta(t, m.Low.Worse(0, true).P, swapped.Low.NotWorse(0, true).P, 1e-9)
		low, high := m.Low.Interval(0.95)
		otherLow, otherHigh := swapped.Low.Interval(0.95)
		if !math.IsInf(low, 0) {
			assert.InDelta(t, low, -otherHigh, 1e-9)
			assert.InDelta(t, high, -otherLow, 1e-9)
		}
		more, _ := run(t, side("base", append(a, slices.Repeat([]string{"111"[:trials]}, 9)...)...), side("new", append(b, slices.Repeat([]string{"111"[:trials]}, 9)...)...))
		assert.InDelta(t, m.Low.Worse(0, false).P, more.Low.Worse(0, false).P, 1e-9)
		slices.Reverse(a)
		slices.Reverse(b)
		permuted, _ := run(t, side("base", a...), side("new", b...))
		assert.InDelta(t, m.Low.Worse(0, false).P, permuted.Low.Worse(0, false).P, 1e-12)
		assert.InDelta(t, m.Low.Worse(0.1, false).P, permuted.Low.Worse(0.1, false).P, 1e-12)
	})
}

// Each case as a cluster of copies of itself leaves the interval as it was.
func TestClustersOfCopies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var base, now, manyBase, manyNow []compare.Case
	for i := range 30 {
		id := strconv.Itoa(i)
		b, n := []string{"000", "100", "110", "111"}[random.IntN(4)], []string{"000", "100", "110", "111"}[random.IntN(4)]
		base, now = append(base, yes(id, b)), append(now, yes(id, n))
		for copy := range 3 {
			x, y := yes(id+"/"+strconv.Itoa(copy), b), yes(id+"/"+strconv.Itoa(copy), n)
			x.Cluster, y.Cluster = id, id
			manyBase, manyNow = append(manyBase, x), append(manyNow, y)
		}
	}
	m, _ := run(t, compare.NewList(compare.About{}, base), compare.NewList(compare.About{}, now))
	many, _ := run(t, compare.NewList(compare.About{}, manyBase), compare.NewList(compare.About{}, manyNow))
	low, high := m.Low.Interval(0.95)
	otherLow, otherHigh := many.Low.Interval(0.95)
	assert.InDelta(t, low, otherLow, 1e-9)
	assert.InDelta(t, high, otherHigh, 1e-9)
	assert.Equal(t, "clustered t", many.Low.Worse(0, false).Test)
}

func TestFewClusters(t *testing.T) {
	make := func(groups int, verdict string) *compare.List {
		var cases []compare.Case
		for i := range 40 {
			c := yes(strconv.Itoa(i), verdict)
			c.Cluster = "g" + strconv.Itoa(i%groups)
			cases = append(cases, c)
		}
		return compare.NewList(compare.About{}, cases)
	}
	for groups, test := range map[int]string{4: "", 10: "sign flips"} {
		m, _ := run(t, make(groups, "1"), make(groups, "0"))
		e := m.Low.Worse(0, false)
		assert.Equal(t, test, e.Test, groups)
		assert.Equal(t, test == "", e.P == 1)
	}
}

func TestPairing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,2}`), 0, 20, rapid.ID[string])
		make := func(what string) ([]string, *compare.List) {
			all := ids.Draw(t, what)
			var cases []compare.Case
			for _, id := range all {
				c := yes(id, "1")
				c.Hash = rapid.SampledFrom([]string{"same", "same", "same", "other"}).Draw(t, "hash")
				cases = append(cases, c)
			}
			return all, compare.NewList(compare.About{Name: what}, cases)
		}
		was, base := make("base")
		is, now := make("new")
		var want compare.Pairing
		for _, id := range is {
			a, ok, _ := base.Case(context.Background(), id)
			b, _, _ := now.Case(context.Background(), id)
			switch {
			case !ok:
				want.Added++
			case a.Hash != b.Hash:
				want.Changed++
			default:
				want.Paired++
			}
		}
		for _, id := range was {
			if !slices.Contains(is, id) {
				want.Removed++
			}
		}
		var pairs []string
		got, err := compare.Pair(context.Background(), base, now, func(a, b compare.Case) {
			assert.Equal(t, a.ID, b.ID)
			pairs = append(pairs, a.ID)
		})
		require.NoError(t, err)
		assert.EqualValues(t, want.Paired, len(pairs))
		assert.Len(t, got.AddedIDs, int(min(got.Added, 20)))
		got.AddedIDs, got.ChangedIDs, got.RemovedIDs = nil, nil, nil
		assert.Equal(t, want, got)
		slices.Sort(pairs)
		assert.Len(t, slices.Compact(pairs), int(want.Paired), "each once")
	})
}

func TestReducersOfTooFewTrials(t *testing.T) {
	r, err := reduce.Parse("pass_k:3")
	require.NoError(t, err)
	c := &compare.Collector{Reduce: r.Reduce}
	_, err = compare.Run(t.Context(), side("base", "111", "1?1", "111"), side("new", "111", "000", "11"), c)
	require.NoError(t, err)
	m := c.Metric("m")
	assert.EqualValues(t, 1, m.Low.N())
	assert.EqualValues(t, 2, m.Lost, "two trials say nothing of three")
	assert.False(t, math.IsNaN(m.Low.Worse(0, false).P))
}

func TestScoresWithoutBounds(t *testing.T) {
	numbers := func(name string, values ...float64) *compare.List {
		var cases []compare.Case
		for i, v := range values {
			trial := compare.Trial{Scores: map[string]compare.Score{"m": {Value: v}}}
			switch {
			case math.IsNaN(v):
				trial.Scores["m"] = compare.Score{Missing: true}
			case math.IsInf(v, 0):
				trial = compare.Trial{Error: harness.KindTimeout}
			}
			cases = append(cases, compare.Case{ID: strconv.Itoa(i), Hash: "h", Trials: []compare.Trial{trial}})
		}
		return compare.NewList(compare.About{Name: name}, cases)
	}
	unknown, unanswered := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		base, now []float64
		want      bool
	}{
		{[]float64{0.5, 1}, []float64{unknown, unanswered}, false},
		{[]float64{80, 90}, []float64{81, unanswered}, false}, // 0 is the worst
		{[]float64{80, 90}, []float64{81, unknown}, true},
		{[]float64{-80, -90}, []float64{-81, unanswered}, true},
		{[]float64{unanswered, -90}, []float64{-81, -90}, true},
		{[]float64{-80, 90}, []float64{-81, -90}, false},
	} {
		m, _ := run(t, numbers("base", tt.base...), numbers("new", tt.now...))
		assert.Equal(t, tt.want, m.Boundless(), "%v %v", tt.base, tt.now)
	}
}

func TestFlipsAreCountedByCase(t *testing.T) {
	both := func(id string, pass bool) compare.Case {
		s := compare.Score{Pass: &pass}
		return compare.Case{ID: id, Trials: []compare.Trial{{Scores: map[string]compare.Score{"m": s, "n": s}}}}
	}
	c := compare.Collector{MostFlips: 2, Names: []string{"m", "n"}}
	for i, id := range []string{"a", "same", "b", "c"} {
		c.Add(both(id, true), both(id, i == 1))
	}
	var got []string
	for _, f := range c.Flips() {
		got = append(got, f.ID+"/"+f.Metric)
	}
	assert.Equal(t, []string{"a/m", "a/n", "b/m", "b/n"}, got)
}
