package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/strict"
)

// verdicts makes a run with a case per text, a trial per letter: '1' passes, '0'
// fails, 'e' is an app error, '?' could not be scored. The metadata has half=a for
// the first half of the cases, and b for the others.
func verdicts(cases ...string) *compare.List {
	var out []compare.Case
	for i, text := range cases {
		c := compare.Case{ID: strconv.Itoa(i), Hash: "h", Metadata: map[string]any{"half": "a"}}
		if 2*i >= len(cases) {
			c.Metadata["half"] = "b"
		}
		for _, v := range text {
			trial := compare.Trial{LatencyMS: 100, Scores: map[string]compare.Score{}}
			pass := v == '1'
			switch v {
			case 'e':
				trial = compare.Trial{Error: harness.KindApp}
			case '?':
				trial.Scores["m"] = compare.Score{Missing: true}
			default:
				trial.Scores["m"] = compare.Score{Pass: &pass, Value: map[bool]float64{true: 1}[pass]}
			}
			c.Trials = append(c.Trials, trial)
		}
		out = append(out, c)
	}
	return compare.NewList(compare.About{Name: "run", Reduce: "mean", Trials: 1, Metrics: []string{"m"}}, out)
}

// many repeats a text so many times, and so on for further pairs.
func many(pairs ...any) []string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		for range pairs[i+1].(int) {
			out = append(out, pairs[i].(string))
		}
	}
	return out
}

// judged judges one check of a run against a baseline called main.
func judged(t *testing.T, check string, now, base *compare.List, change func(*gate.Sources)) harness.CheckResult {
	t.Helper()
	c, err := gate.Parse(check)
	require.NoError(t, err)
	s := gate.Sources{Now: now, Baseline: func(_ context.Context, name string) (compare.Side, error) {
		if base == nil || name != "main" && name != "" {
			return nil, fmt.Errorf("%w: %s", gate.ErrNoBaseline, name)
		}
		return base, nil
	}}
	if change != nil {
		change(&s)
	}
	e, err := gate.Gather(t.Context(), []gate.Check{c}, s)
	require.NoError(t, err)
	r := &harness.Report{Status: harness.Complete, Trials: harness.Counts{Planned: 1, Completed: 1}, TrialsPerCase: 1}
	gate.Judge(r, []gate.Check{c}, e)
	assert.Equal(t, r.Verdict, r.Gate[0].Verdict)
	return r.Gate[0]
}

func TestRegression(t *testing.T) {
	base := verdicts(many("1", 80, "0", 20)...)
	same := verdicts(many("1", 78, "0", 19, "1", 3)...)
	worse := verdicts(many("1", 60, "0", 40)...)
	better := verdicts(many("1", 95, "0", 5)...)
	unsure := verdicts(many("1", 74, "?", 6, "0", 20)...)
	for _, tt := range []struct {
		name, check string
		now         *compare.List
		verdict     harness.Verdict
		says        []string
	}{
		{"as good", "no_regression", same, harness.Pass, []string{"not shown to be worse: m +1.0 pt, p 0.66 over 100 cases", "Base:0.8 New:0.81", "Test:McNemar mid-p", "Pairs:100 Worse:2 Better:3"}},
		{"worse", "no_regression: {baseline: main}", worse, harness.Fail, []string{"-20.0 pt", "p < 0.0001"}},
		{"worse within the margin", "no_regression: {margin: 0.3}", worse, harness.Pass, []string{"Tango"}},
		{"proven", "no_regression: {mode: prove, margin: 0.1}", same, harness.Pass, nil},
		{"not proven", "no_regression: {mode: prove, margin: 0.01}", same, harness.Inconclusive, nil},
		{"shown to be worse", "no_regression: {mode: prove, margin: 0.01}", worse, harness.Fail, nil},
		{"underpowered", "no_regression: {min_effect: 0.01}", same, harness.Pass, []string{"underpowered: about"}},
		{"strictly", "no_regression: {min_effect: 0.01, strict: true}", same, harness.Inconclusive, []string{"underpowered"}},
		{"depends on what is not known", "no_regression", unsure, harness.Inconclusive, []string{"6 trials could not be scored"}},
		{"improved", "improvement: {by: 5%}", better, harness.Pass, nil},
		{"not improved by so much", "improvement: {by: 30%}", better, harness.Fail, nil},
		{"not shown to be improved", "improvement", same, harness.Inconclusive, nil},
		{"no baseline", "no_regression: {baseline: other}", same, harness.Inconclusive, []string{"no such baseline", "evalrun baseline set"}},
		{"another metric", "no_regression: {metrics: [other]}", same, harness.Inconclusive, []string{"no case has scores"}},
		{"a slice", "no_regression: {where: half=a}", worse, harness.Pass, []string{"50 cases"}},
		{"the other one", "no_regression: {where: half=b}", worse, harness.Fail, []string{"50 cases"}},
		{"ratio", "latency.ratio <= 1.2 vs main", same, harness.Pass, []string{"× 1.000"}},
		{"plain ratio", "latency.ratio < 1 plain", same, harness.Fail, nil},
		{"proven ratio", "latency.ratio <= 1.2 proven", same, harness.Pass, []string{"shown to be within it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := judged(t, tt.check, tt.now, base, nil)
			assert.Equal(t, tt.verdict, got.Verdict, got.Reason)
			assert.Equal(t, tt.check, got.Check)
			for _, s := range tt.says {
				assert.Contains(t, fmt.Sprintf("%s %+v", got.Reason, got.Comparisons), s)
			}
		})
	}
}

func TestUnpaired(t *testing.T) {
	base, fewer := verdicts(many("1", 100)...), verdicts(many("1", 96)...)
	got := judged(t, "no_regression", fewer, base, nil)
	assert.Equal(t, harness.Pass, got.Verdict)
	assert.Contains(t, got.Reason, `4 cases of the baseline not in this run: "96", "97"`)
	for policy, verdict := range map[gate.Policy]harness.Verdict{
		gate.PolicyIgnore: harness.Pass, gate.PolicyInconclusive: harness.Inconclusive, gate.PolicyFail: harness.Fail,
	} {
		got := judged(t, "no_regression", fewer, base, func(s *gate.Sources) { s.OnRemoved = policy })
		assert.Equal(t, verdict, got.Verdict)
		got = judged(t, "no_regression", base, fewer, func(s *gate.Sources) { s.OnNew = policy })
		assert.Equal(t, verdict, got.Verdict)
	}
	got = judged(t, "no_regression", verdicts(many("1", 90)...), base, nil)
	assert.Equal(t, harness.Inconclusive, got.Verdict)
	assert.Contains(t, got.Reason, "only 90% of the cases are in both runs, needs 95%")
}

func TestUnlikeRuns(t *testing.T) {
	about := func(digest string) compare.About {
		return compare.About{Reduce: "mean", Metrics: []string{"m"}, Digests: map[string]string{"evaluator m": digest, "app": digest}}
	}
	var cases []compare.Case
	for c := range verdicts(many("1", 10)...).Cases(t.Context()) {
		cases = append(cases, c)
	}
	base, now := compare.NewList(about("one"), cases), compare.NewList(about("two"), cases)
	got := judged(t, "no_regression", now, base, nil)
	assert.Equal(t, harness.Inconclusive, got.Verdict)
	assert.Contains(t, got.Reason, "evaluator m has changed")
	got = judged(t, "no_regression", now, base, func(s *gate.Sources) { s.AllowUnlike = true })
	assert.Equal(t, harness.Pass, got.Verdict)
}

func TestProven(t *testing.T) {
	for _, tt := range []struct {
		check   string
		now     []string
		verdict harness.Verdict
		says    string
	}{
		{"m.pass_rate >= 0.9 proven", many("1", 96, "0", 4), harness.Pass, "proven, p 0.024 (exact binomial)"},
		{"m.pass_rate >= 0.9 proven", many("1", 95, "0", 5), harness.Inconclusive, "it holds, but that is not proven"},
		{"m.pass_rate >= 0.9 proven", many("1", 89, "0", 11), harness.Fail, "0.89 over 100 cases, needs ≥ 0.90"},
		{"m.pass_rate >= 0.9 proven", many("1", 96, "?", 4), harness.Pass, "4 trials could not be scored"},
		{"m.pass_rate >= 0.9 proven", many("1", 88, "?", 12), harness.Inconclusive, "between 0.88 and 1.00"},
		{"m.pass_rate >= 0.9 proven", many("1", 96, "e", 4), harness.Pass, ""},
		{"m.pass_rate >= 0.9 proven", many("111", 96, "110", 4), harness.Pass, "effective size"},
		{"m.mean >= 0.5 proven", many("111", 10, "110", 4), harness.Pass, "effective size"},
		{"m.pass_rate >= 0.9 where half=a", many("1", 50, "0", 50), harness.Pass, "1.00 over 50 cases with half=a"},
		{"m.pass_rate >= 0.9 where half=b", many("1", 50, "0", 50), harness.Fail, "0.00 over 50 cases with half=b"},
		{"m.pass_rate >= 0.9 where half=c", many("1", 50), harness.Inconclusive, "no case with half=c"},
		{"errors.rate <= 5% proven", many("1", 200), harness.Pass, "0 trials with an error of 200"},
		{"errors.rate <= 5% proven", many("1", 20), harness.Inconclusive, ""},
		{"latency.p95 <= 2s proven", many("1", 100), harness.Pass, "100 of 100 trials are ≤ 2s"},
		{"latency.p95 <= 2s proven", many("1", 30), harness.Inconclusive, ""},
		{"latency.p95 <= 50ms proven", many("1", 100), harness.Fail, ""},
	} {
		got := judged(t, tt.check, verdicts(tt.now...), nil, nil)
		assert.Equal(t, tt.verdict, got.Verdict, "%s: %s", tt.check, got.Reason)
		assert.Contains(t, got.Reason, tt.says)
	}
}

func TestMustPass(t *testing.T) {
	now := verdicts("111", "110", "1?1", "e11", "111", "111")
	for _, tt := range []struct {
		check   string
		verdict harness.Verdict
		says    string
	}{
		{"must_pass: ['0', '4']", harness.Pass, "2 of 2 cases passed in every trial"},
		{"must_pass: ['0', '1']", harness.Fail, `1 case failed: "1"`},
		{"must_pass: ['2']", harness.Inconclusive, "could not be judged"},
		{"must_pass: ['3']", harness.Fail, "failed"},
		{"must_pass: ['9']", harness.Inconclusive, `1 case not in the run: "9"`},
		{"must_pass: {where: half=b, metrics: [m]}", harness.Fail, `1 case failed: "3"`},
		{"must_pass: {cases: ['0'], metrics: [other]}", harness.Inconclusive, "could not be judged"},
		{"must_pass: {all: true}", harness.Fail, `2 cases failed: "1", "3"; 1 case could not be judged: "2"`},
	} {
		got := judged(t, tt.check, now, nil, nil)
		assert.Equal(t, tt.verdict, got.Verdict, tt.check)
		assert.Contains(t, got.Reason, tt.says)
	}
}

func TestCompoundRefuses(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"no_regression: {basline: main}", `did you mean "baseline"`},
		{"no_regression: {mode: maybe}", "alarm or prove"},
		{"no_regression: {alpha: 0}", "above 0"},
		{"no_regression: {by: 0.1}", "no_regression has margin"},
		{"improvement: {margin: 0.1}", "improvement has by"},
		{"no_regression: {where: topic}", "KEY=VALUE"},
		{"must_pass", "needs cases"},
		{"must_pass: {cases: []}", "needs cases"},
		{"m.pass_rate >= 0.9 proven plain", "not both"},
		{"m.pass_rate >= 0.9 where topic", "KEY=VALUE"},
		{"m.pass_rate >= 0.9 vs main", "of this run alone"},
		{"m.min >= 0.9 proven", "can't be proven"},
		{"latency.p95 <= 2s where a=b", "of the whole run"},
		{"latency.ratio == 1", "can't be shown"},
		{"latency.ratio <= 0", "above 0"},
		{"m.pass_rate >= 0.9 where", "nothing after"},
	} {
		_, err := gate.Parse(tt.text)
		assert.ErrorContains(t, err, tt.says, tt.text)
	}
	quoted, err := strict.Parse("suite.yaml", []byte(`"no_regression: {exact: true}"`))
	require.NoError(t, err)
	c, err := gate.FromNode(quoted)
	require.NoError(t, err)
	assert.True(t, c.Compare.Exact, "quotes change nothing")
	n, err := strict.Parse("suite.yaml", []byte("no_regresion: {baseline: main}"))
	require.NoError(t, err)
	_, err = gate.FromNode(n)
	assert.ErrorContains(t, err, `suite.yaml:1:1: there is no check "no_regresion"; did you mean "no_regression"`)
}

func TestBaselineWithoutScores(t *testing.T) {
	now := verdicts(many("0", 90, "1", 10)...)
	r := judged(t, "no_regression", now, verdicts(many("?", 90, "1", 10)...), nil)
	assert.Equal(t, harness.Inconclusive, r.Verdict)
	assert.Contains(t, r.Reason, "90 cases left out, of which the baseline has no score of m: too many")
	r = judged(t, "no_regression", now, verdicts(many("0", 90, "1", 9, "?", 1)...), nil)
	assert.Equal(t, harness.Pass, r.Verdict)
	assert.Contains(t, r.Reason, "1 case left out")
	r = judged(t, "no_regression", now, verdicts(many("1", 50, "?", 50)...), nil)
	assert.Equal(t, harness.Fail, r.Verdict, "what there is shows enough")

	// One metric that the baseline could not score at all, beside another.
	two := func(text ...string) *compare.List {
		l := verdicts(text...)
		about := l.About()
		about.Metrics = []string{"m", "other"}
		var cases []compare.Case
		yes := true
		for c, err := range l.Cases(t.Context()) {
			require.NoError(t, err)
			c.Trials[0].Scores["other"] = compare.Score{Value: 1, Pass: &yes}
			cases = append(cases, c)
		}
		return compare.NewList(about, cases)
	}
	for _, check := range []string{"no_regression", "no_regression: {metrics: [m, other]}", "no_regression: {mode: prove, margin: 10%}"} {
		r = judged(t, check, two(many("0", 100)...), two(many("?", 100)...), nil)
		assert.Equal(t, harness.Inconclusive, r.Verdict, "%s: %s", check, r.Reason)
	}
	r = judged(t, "no_regression: {metrics: [other]}", two(many("0", 100)...), two(many("?", 100)...), nil)
	assert.Equal(t, harness.Pass, r.Verdict)
}

func TestUnansweredCountAsTheWorst(t *testing.T) {
	now := verdicts(many("0", 40, "e", 10, "0", 40, "e", 10)...)
	for _, check := range []string{
		"m.pass_rate <= 0.1 proven", "m.mean <= 0.1 proven", "m.mean < 0.1 where half=b", "m.pass_rate == 0 where half=b", "m.mean >= 0.1 proven",
	} {
		assert.Equal(t, harness.Fail, judged(t, check, now, nil, nil).Verdict, check)
	}
}

func TestProofOfTrialsCountsCases(t *testing.T) {
	slow := func(list *compare.List, from int) *compare.List {
		var cases []compare.Case
		for c, err := range list.Cases(t.Context()) {
			require.NoError(t, err)
			for i := range c.Trials {
				if len(cases) >= from {
					c.Trials[i].LatencyMS = 5000
				}
			}
			cases = append(cases, c)
		}
		return compare.NewList(list.About(), cases)
	}
	one, ten := verdicts(many("1", 40)...), verdicts(many("1111111111", 40)...)
	for _, check := range []string{"latency.p95 <= 2s proven", "errors.rate <= 5% proven"} {
		assert.Equal(t, harness.Inconclusive, judged(t, check, one, nil, nil).Verdict, check)
		assert.Equal(t, harness.Inconclusive, judged(t, check, ten, nil, nil).Verdict, "%s: the trials of a case are alike", check)
	}
	assert.Equal(t, harness.Pass, judged(t, "latency.p95 <= 2s proven", verdicts(many("1", 100)...), nil, nil).Verdict)
	assert.Equal(t, harness.Fail, judged(t, "latency.p95 <= 2s proven", slow(ten, 30), nil, nil).Verdict)
}

func TestWhereNumber(t *testing.T) {
	yes := true
	var cases []compare.Case
	for i, v := range []any{1000000.0, 0.5, true, json.Number("12345678901234567890")} {
		cases = append(cases, compare.Case{ID: strconv.Itoa(i), Hash: "h", Metadata: map[string]any{"k": v},
			Trials: []compare.Trial{{Scores: map[string]compare.Score{"m": {Value: 1, Pass: &yes}}}}})
	}
	now := compare.NewList(compare.About{Metrics: []string{"m"}}, cases)
	for _, value := range []string{"1000000", "0.5", "true", "12345678901234567890"} {
		r := judged(t, "m.mean >= 1 where k="+value, now, nil, nil)
		assert.Equal(t, harness.Pass, r.Verdict, r.Reason)
	}
	assert.Equal(t, harness.Inconclusive, judged(t, "m.mean >= 1 where k=1", now, nil, nil).Verdict)
}

func TestStoredTextsAreReadAgain(t *testing.T) {
	for _, text := range []string{
		`"no_regression": {margin: 0.02}`, `'no_regression'`, `"improvement "`, `"improvement ": {by: 1%}`,
		"must_pass: [\"007\", 'a, b', \"x: y\", 'it''s', \"null\", \"#1\"]", "must_pass:\n  - |\n    abc\n  - two\n",
		"no_regression:\n  metrics: # c\n    - a # d\n    - \"b\"\n", "must_pass: [&a x, *a]",
	} {
		n, err := strict.Parse("", []byte(text))
		require.NoError(t, err)
		c, err := gate.FromNode(n)
		require.NoError(t, err, text)
		again, err := gate.Parse(c.Text)
		require.NoError(t, err, text)
		assert.Equal(t, c, again, text)
		assert.Equal(t, strings.Contains(text, "improvement"), c.Compare != nil && c.Compare.Improve, text)
	}
	n, err := strict.Parse("", []byte("no_regression: {margin: $A, baseline: $B, strict: $C, where: $D}"))
	require.NoError(t, err)
	for key, value := range map[string]string{"margin": "0.02", "baseline": "7", "strict": "true", "where": "a=1"} {
		n.Get("no_regression").Get(key).Replace(value) // from the environment
	}
	c, err := gate.FromNode(n)
	require.NoError(t, err)
	again, err := gate.Parse(c.Text)
	require.NoError(t, err)
	assert.Equal(t, c, again)
}

func TestBaselineThatSaysNothing(t *testing.T) {
	now := verdicts(many("0", 40)...)
	r := judged(t, "no_regression", now, verdicts(many("e", 40)...), nil)
	assert.Equal(t, harness.Inconclusive, r.Verdict)
	assert.Contains(t, r.Reason, "the baseline's app answered none of the cases")
	assert.Equal(t, harness.Pass, judged(t, "no_regression", now, verdicts(many("e", 10, "0", 30)...), nil).Verdict)

	var cases []compare.Case // a file that was edited: numbers beside verdicts
	for c, err := range verdicts(many("1", 40)...).Cases(t.Context()) {
		require.NoError(t, err)
		if len(cases) > 0 {
			c.Trials[0].Scores["m"] = compare.Score{Value: 1}
		}
		cases = append(cases, c)
	}
	mixed := compare.NewList(now.About(), cases)
	r = judged(t, "no_regression", now, mixed, nil)
	assert.Equal(t, harness.Inconclusive, r.Verdict)
	assert.Contains(t, r.Reason, "m gives a verdict in some cases only")
	assert.Equal(t, harness.Inconclusive, judged(t, "m.pass_rate <= 0.5 proven", mixed, nil, nil).Verdict)
	assert.Equal(t, harness.Pass, judged(t, "m.mean >= 0.5 proven", mixed, nil, nil).Verdict)

	_, err := gate.Parse("latency.ratio <= 1.2 vs a vs b")
	assert.ErrorContains(t, err, "vs can be there once")
}
