package flaky_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/flaky"
)

// trials are passes (1), failures (0), answers that are missing (e) and that could not
// be scored (?), in order.
func trials(text string) (out []compare.Trial) {
	for _, r := range text {
		pass := r == '1'
		t := compare.Trial{Scores: map[string]compare.Score{"m": {Pass: &pass}, "length": {Value: 3}}}
		switch r {
		case 'e':
			t = compare.Trial{Error: harness.KindTimeout}
		case '?':
			t.Scores["m"] = compare.Score{Missing: true}
		}
		out = append(out, t)
	}
	return out
}

func run(digest string, cases ...compare.Case) compare.Side {
	return compare.NewList(compare.About{Metrics: []string{"length", "m"}, Digests: map[string]string{"evaluator m": digest}}, cases)
}

func one(id, hash, text string) compare.Case {
	return compare.Case{ID: id, Hash: hash, Trials: trials(text)}
}

func find(t *testing.T, last int, newestFirst ...compare.Side) flaky.Found {
	t.Helper()
	out, err := flaky.Find(t.Context(), newestFirst, last)
	require.NoError(t, err)
	return out
}

func TestFind(t *testing.T) {
	out := find(t, 30,
		run("a", one("even", "h", "10101"), one("seldom", "h", "11111"), one("never", "h", "00000"), one("few", "h", "01"), one("new", "x", "01010"), one("changed", "h", "11111")),
		run("a", one("even", "h", "01010"), one("seldom", "h", "1110e"), one("never", "h", "00000"), one("few", "h", "01"), one("new", "h", "01010"), one("changed", "h", "00000")))
	var ids []string
	for _, c := range out.Flaky {
		ids = append(ids, c.ID)
		assert.Equal(t, "m", c.Metric, "a metric without verdicts is not flaky, nor is one of errors alone")
	}
	assert.Equal(t, []string{"changed", "even", "seldom"}, ids, "the most even first")
	assert.EqualValues(t, 6, out.Cases)
	assert.EqualValues(t, 4, out.Enough, "few has too few trials, new another content")
	even := out.Flaky[1]
	assert.EqualValues(t, 5, even.Passed)
	assert.EqualValues(t, 10, even.Trials)
	assert.InDelta(t, 0.2366, even.Low, 0.0001)
	assert.EqualValues(t, 9, even.Changes)
	assert.EqualValues(t, 1, out.Flaky[0].Changes, "it changed for good")
	assert.EqualValues(t, 8, out.Flaky[2].Passed, "an answer that is missing failed")
}

func TestFindLooksAtTheLastTrials(t *testing.T) {
	old := run("a", one("c", "h", "0000000000"))
	newer := run("a", one("c", "h", "1111111111"))
	assert.Empty(t, find(t, 10, newer, old).Flaky, "ten trials ago it was mended")
	assert.Len(t, find(t, 20, newer, old).Flaky, 1)
	assert.Empty(t, find(t, 20, newer, run("b", one("c", "h", "0000000000"))).Flaky, "another evaluator says something else")
	unknown := find(t, 20, run("a", one("c", "h", "11111?????????")))
	assert.Zero(t, unknown.Enough, "what could not be scored says nothing")
}

// 99 of 100 is a case that passes; 29 of 30 may be less.
func TestFindIsSure(t *testing.T) {
	var many string
	for range 99 {
		many += "1"
	}
	assert.Empty(t, find(t, 100, run("a", one("c", "h", many+"0"))).Flaky)
	assert.Len(t, find(t, 30, run("a", one("c", "h", many+"0"))).Flaky, 1)
}
