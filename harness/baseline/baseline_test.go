package baseline_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/baseline"
	"github.com/evalrun/evalrun/harness/compare"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cases []compare.Case
		for _, id := range rapid.SliceOfNDistinct(rapid.String(), 0, 8, rapid.ID[string]).Draw(t, "ids") {
			c := compare.Case{ID: strings.ToValidUTF8(id, "?"), Hash: rapid.StringMatching(`[0-9a-f]{4}`).Draw(t, "hash"), Cluster: rapid.SampledFrom([]string{"", "a"}).Draw(t, "cluster")}
			for range rapid.IntRange(1, 3).Draw(t, "trials") {
				c.Trials = append(c.Trials, drawTrial(t))
			}
			cases = append(cases, c)
		}
		what := compare.About{Name: "f", Run: "r", Suite: "s", Trials: 3, Reduce: "mean", Metrics: []string{"m"}, Digests: map[string]string{"dataset": "d"}}
		var first, second bytes.Buffer
		require.NoError(t, baseline.Write(t.Context(), &first, compare.NewList(what, cases)))
		slices.Reverse(cases)
		require.NoError(t, baseline.Write(t.Context(), &second, compare.NewList(what, cases)))
		assert.Equal(t, first.String(), second.String(), "whatever the order")

		back, err := baseline.Read("f", bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		assert.Equal(t, what, back.About())
		for _, c := range cases {
			got, ok, err := back.Case(t.Context(), c.ID)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, c, got)
		}
	})
}

func drawTrial(t *rapid.T) compare.Trial {
	trial := compare.Trial{Scores: map[string]compare.Score{}}
	if rapid.IntRange(0, 4).Draw(t, "error") == 0 {
		trial.Error = harness.KindTimeout
		return trial
	}
	trial.LatencyMS = float64(rapid.IntRange(1, 1e6).Draw(t, "ms")) / 1000
	for _, name := range []string{"m", "error", "ms", "usd"} {
		switch rapid.IntRange(0, 3).Draw(t, name) {
		case 0:
			trial.Scores[name] = compare.Score{Missing: true}
		case 1:
			pass := rapid.Bool().Draw(t, "pass")
			trial.Scores[name] = compare.Score{Pass: &pass, Value: map[bool]float64{true: 1}[pass]}
		case 2:
			trial.Scores[name] = compare.Score{Value: rapid.Float64Range(-1, 1).Draw(t, "score")}
		}
	}
	if rapid.Bool().Draw(t, "cost") {
		cost := rapid.Float64Range(0, 1).Draw(t, "usd")
		trial.CostUSD = &cost
	}
	return trial
}

func TestOneLinePerCase(t *testing.T) {
	yes := true
	side := compare.NewList(compare.About{Suite: "s", Trials: 1, Reduce: "mean", Metrics: []string{"equals"}}, []compare.Case{
		{ID: "b", Hash: "2", Trials: []compare.Trial{{Error: harness.KindTimeout}}},
		{ID: "a", Hash: "1", Trials: []compare.Trial{{LatencyMS: 1.23456, Scores: map[string]compare.Score{"equals": {Value: 1, Pass: &yes}}}}},
	})
	var out bytes.Buffer
	require.NoError(t, baseline.Write(t.Context(), &out, side))
	assert.Equal(t, `{
"schema_version": 1,
"about": {"suite":"s","trials":1,"reduce":"mean","metrics":["equals"]},
"cases": {
"a": {"hash":"1","trials":[{"equals":true,"ms":1.235}]},
"b": {"hash":"2","trials":[{"error":"timeout"}]}
}
}
`, out.String())
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"", "not a baseline file"},
		{"[]", "not a baseline file"},
		{`{"schema_version": 9}`, "schema_version 9"},
		{`{"schema_version": 1, "cases": []}`, "its cases"},
		{`{"schema_version": 1}`, "its cases"},
		{`{"schema_version": 1, "cases": {}} {}`, "more after its end"},
		{`{"schema_version": 1, "cases": {"a": {"hash": "1"}, "b": {}, "a": {"hash": "2"}}}`, `case "a" is there twice`},
		{`{"schema_version": 1, "cases": {"a": {"hash": 1}}}`, `case "a"`},
		{`{"schema_version": 1, "cases": {"a": {"trials": [{"m": 1e999}]}}}`, `case "a", trial 1`},
		{`{"schema_version": 1, "cases": {"a": {"trials": [{"equals": "yes"}]}}}`, `case "a", trial 1: "equals" is yes`},
		{`{"schema_version": 1, "cases": {"a": {"trials": [{"ms": true}]}}}`, `"ms" is true`},
	} {
		_, err := baseline.Read("base.json", strings.NewReader(tt.text))
		assert.ErrorContains(t, err, tt.says)
		assert.ErrorContains(t, err, "base.json")
	}
}
