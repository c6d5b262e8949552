package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
)

// outcome is what became of one trial, for building reports.
type outcome int

const (
	pass     outcome = iota
	fail             // an answer, a score of 0
	half             // a score of 0.5 without a verdict
	timeout          // no answer
	unscored         // an answer, no score
)

func result(seq, trial int, o outcome) harness.Result {
	r := harness.Result{
		Case: harness.Case{ID: fmt.Sprint(seq), Seq: int64(seq)}, Trial: trial, Attempts: 1,
		Latency: 10 * time.Millisecond,
	}
	if o == timeout {
		r.Error = &harness.Error{Kind: harness.KindTimeout, Message: "no answer"}
		return r
	}
	cost := 0.01
	r.Output = &harness.Output{Value: "x", CostUSD: &cost, Usage: &harness.Usage{InputTokens: 10, OutputTokens: 5}}
	s := harness.PassIf(o == pass, "wrong")
	switch o {
	case half:
		s = harness.Score{Value: 0.5}
	case unscored:
		s = harness.Score{Error: &harness.Error{Kind: harness.KindEvaluator, Message: "judge is down"}}
	}
	s.Name = "equals"
	r.Scores = []harness.Score{s}
	return r
}

func repeat(o outcome, n int) []outcome {
	out := make([]outcome, n)
	for i := range out {
		out[i] = o
	}
	return out
}

func mix(groups ...[]outcome) []outcome {
	var out []outcome
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func reportOf(outcomes ...outcome) *harness.Report {
	f := harness.NewFold(1, "equals")
	for i, o := range outcomes {
		f.Add(result(i, 1, o))
	}
	return f.Report(int64(len(outcomes)))
}

func checks(t require.TestingT, texts ...string) []gate.Check {
	var out []gate.Check
	for _, s := range texts {
		c, err := gate.Parse(s)
		require.NoError(t, err)
		out = append(out, c)
	}
	return out
}

// decide judges one check and gives its result.
func decide(t require.TestingT, r *harness.Report, text string) harness.CheckResult {
	gate.Judge(r, checks(t, text), nil)
	require.Len(t, r.Gate, 1)
	return r.Gate[0]
}

func TestJudgeOneCheck(t *testing.T) {
	nine := mix(repeat(pass, 9), repeat(fail, 1))
	for _, tt := range []struct {
		name     string
		outcomes []outcome
		check    string
		want     harness.Verdict
		value    any // nil: none
		reason   string
	}{
		{"at the limit", nine, "equals.pass_rate >= 90%", harness.Pass, 0.9, "90% over 10 cases, needs ≥ 90%; 95% interval 60%–98%"},
		{"above is not at", nine, "equals.pass_rate > 0.9", harness.Fail, 0.9, "0.90 over 10 cases, needs > 0.90"},
		{"below", nine, "equals.pass_rate >= 0.95", harness.Fail, 0.9, "0.90 over 10 cases, needs ≥ 0.95; 95% interval 0.60–0.98"},
		{"just below", mix(repeat(pass, 8996), repeat(fail, 1004)), "equals.pass_rate >= 0.90", harness.Fail, 0.8996, "0.8996 over 10,000 cases, needs ≥ 0.90"},
		{"equal", nine, "equals.mean == 0.9", harness.Pass, 0.9, "needs = 0.90"},
		{"one case has no interval", []outcome{pass}, "equals.pass_rate >= 1", harness.Pass, 1.0, "1.00 over 1 case, needs ≥ 1.00"},
		{"mean without verdicts", repeat(half, 4), "equals.mean >= 0.5", harness.Pass, 0.5, "0.50 over 4 cases, needs ≥ 0.50; 95% interval 0.50–0.50"},
		{"lowest", mix(nine, repeat(half, 1)), "equals.min >= 0.5", harness.Fail, 0.0, "0.00 over 11 cases"},
		{"highest", repeat(half, 3), "equals.max < 1", harness.Pass, 0.5, ""},

		{"no answer is the worst score", mix(repeat(pass, 9), repeat(timeout, 1)), "equals.pass_rate >= 0.95", harness.Fail, 0.9, "0.90 over 10 trials, needs ≥ 0.95; 1 of them got no answer and counts as the worst score"},
		{"and may still pass", mix(repeat(pass, 18), repeat(timeout, 2)), "equals.pass_rate >= 0.9", harness.Pass, 0.9, "0.90 over 20 trials, needs ≥ 0.90; 2 of them got no answer and count as the worst score"},
		{"also where low is good", mix(repeat(fail, 9), repeat(timeout, 1)), "equals.mean <= 0.05", harness.Fail, 0.1, "worst score"},
		{"and for a lowest score", mix(repeat(pass, 9), repeat(timeout, 1)), "equals.min >= 1", harness.Fail, 0.0, ""},
		{"and a highest", mix(repeat(fail, 9), repeat(timeout, 1)), "equals.max <= 0", harness.Fail, 1.0, ""},
		{"and for equality with 1", mix(repeat(pass, 9), repeat(timeout, 1)), "equals.mean == 1", harness.Fail, 0.9, ""},
		{"and with 0", mix(repeat(fail, 9), repeat(timeout, 1)), "equals.mean == 0", harness.Fail, 0.1, ""},
		{"an unscored trial may decide", mix(repeat(pass, 9), repeat(unscored, 1)), "equals.pass_rate >= 0.95", harness.Inconclusive, 1.0, "between 0.90 and 1.00 over 10 trials, needs ≥ 0.95; 1 of them could not be scored and may be 0 or 1"},
		{"or not, passing", mix(repeat(pass, 9), repeat(unscored, 1)), "equals.pass_rate >= 0.9", harness.Pass, 1.0, "between 0.90 and 1.00"},
		{"or not, failing", mix(repeat(fail, 9), repeat(unscored, 1)), "equals.pass_rate >= 0.9", harness.Fail, 0.0, "between 0.00 and 0.10"},
		{"equality within bounds", mix(repeat(pass, 8), repeat(fail, 1), repeat(unscored, 3)), "equals.pass_rate == 0.8", harness.Inconclusive, nil, ""},
		{"an unscored lowest", mix(repeat(pass, 9), repeat(unscored, 1)), "equals.min >= 0.5", harness.Inconclusive, 1.0, ""},
		{"an unscored highest", mix(repeat(fail, 9), repeat(unscored, 1)), "equals.max <= 0.5", harness.Inconclusive, 0.0, ""},

		{"the number is of the trials that count", mix(repeat(pass, 5), repeat(fail, 4), repeat(timeout, 1)), "equals.pass_rate >= 0.9", harness.Fail, 0.5, "0.50 over 10 trials, needs ≥ 0.90; 1 of them got no answer"},
		{"both kinds of trouble", mix(repeat(pass, 8), repeat(timeout, 1), repeat(unscored, 1)), "equals.mean >= 0.85", harness.Inconclusive, nil, "between 0.80 and 0.90 over 10 trials, needs ≥ 0.85; 1 of them got no answer and counts as the worst score; 1 of them could not be scored and may be 0 or 1"},

		{"another metric", nine, "levenshtein.mean >= 0.5", harness.Inconclusive, nil, `no scores called "levenshtein"; there are equals`},
		{"no verdicts", repeat(half, 4), "equals.pass_rate >= 0", harness.Inconclusive, nil, "no verdict, so it has no pass rate"},

		{"fast enough", nine, "latency.p95 <= 2s", harness.Pass, 10.0, "10ms over 10 answers, needs ≤ 2s"},
		{"too slow", nine, "latency.mean < 10ms", harness.Fail, 10.0, ""},
		{"median among the unanswered", mix(repeat(pass, 4), repeat(timeout, 6)), "latency.p50 <= 2s", harness.Inconclusive, 10.0, "6 trials got no answer out of 10, so the p50 of all is not known"},
		{"median of the answered", mix(repeat(pass, 6), repeat(timeout, 4)), "latency.p50 <= 2s", harness.Pass, 10.0, "4 trials got no answer"},
		{"p95 among the unanswered", mix(repeat(pass, 9), repeat(timeout, 1)), "latency.p95 <= 2s", harness.Inconclusive, 10.0, ""},
		{"p95 just not", mix(repeat(pass, 95), repeat(timeout, 5)), "latency.p95 <= 2s", harness.Pass, 10.0, ""},

		{"errors, none", nine, "errors.rate <= 2%", harness.Pass, 0.0, "0 of 10 trials had an error (0%), needs ≤ 2%"},
		{"errors, share", mix(nine, repeat(timeout, 1), repeat(unscored, 1)), "errors.rate <= 2%", harness.Fail, 2.0 / 12, "2 of 12 trials had an error (17%), needs ≤ 2%; timeout 1, not scored 1"},
		{"errors, number", mix(nine, repeat(timeout, 2)), "errors.count <= 2", harness.Pass, 2.0, "2 of 12 trials had an error, needs ≤ 2; timeout 2"},

		{"cost", nine, "cost.total <= 0.1", harness.Pass, 0.1, "$0.10 over 10 answers, needs ≤ $0.10"},
		{"cost of each", nine, "cost.mean < 0.005", harness.Fail, 0.01, "$0.010 an answer over 10 answers, needs < $0.005"},
		{"tokens", nine, "tokens.total <= 150", harness.Pass, 150.0, "150 over 10 answers, needs ≤ 150"},
		{"tokens in", nine, "tokens.input < 100", harness.Fail, 100.0, ""},
		{"tokens out", nine, "tokens.output == 50", harness.Pass, 50.0, ""},
		{"cases", nine, "cases.completed >= 11", harness.Fail, 10.0, "10 cases completed, needs ≥ 11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := decide(t, reportOf(tt.outcomes...), tt.check)
			assert.Equal(t, tt.want, got.Verdict, got.Reason)
			assert.Equal(t, tt.check, got.Check)
			assert.Contains(t, got.Reason, tt.reason)
			if want, ok := tt.value.(float64); ok {
				require.NotNil(t, got.Value)
				assert.InDelta(t, want, *got.Value, 1e-9)
			}
		})
	}
}

// everyCheck is one check of each kind, made so that a value of 0, or none at
// all taken for 0, would pass.
func everyCheck() []string {
	return []string{
		"equals.pass_rate >= 0", "equals.mean <= 1", "equals.min <= 1", "equals.max >= 0",
		"latency.p50 <= 1h", "latency.p95 <= 1h", "latency.max <= 1h", "latency.mean <= 1h",
		"errors.rate <= 100%", "errors.count <= 1000", "cost.total <= 1000", "cost.mean <= 1000",
		"tokens.total <= 1000000", "tokens.input <= 1000000", "tokens.output <= 1000000", "cases.completed >= 0",
	}
}

func TestDurationsOfThreeDigits(t *testing.T) {
	for _, tt := range []struct {
		found time.Duration
		limit string
		want  string
	}{
		{10_255_304 * time.Microsecond, "2s", "10.3s over 1 answer, needs ≤ 2s"},
		{37_140 * time.Nanosecond, "1s", "37.1µs over 1 answer, needs ≤ 1s"},
		{41 * time.Nanosecond, "1s", "41ns over"},
		{412_600 * time.Microsecond, "300ms", "413ms over 1 answer, needs ≤ 300ms"},
		{999_999 * time.Nanosecond, "1s", "1ms over"},
		{83_400 * time.Millisecond, "90s", "1m23.4s over 1 answer, needs ≤ 1m30s"},
		{187*time.Minute + 12_400*time.Millisecond, "4h", "3h7m12s over"},
		{2_000_400 * time.Microsecond, "2s", "2.0004s over 1 answer, needs ≤ 2s"},
		{2*time.Second + 1, "2s", "2.000000001s over 1 answer, needs ≤ 2s"},
		{60*time.Second + 40*time.Microsecond, "1m", "1m0.00004s over 1 answer, needs ≤ 1m0s"},
		{2 * time.Second, "2s", "2s over 1 answer, needs ≤ 2s"},
	} {
		f := harness.NewFold(1, "equals")
		r := result(0, 1, pass)
		r.Latency = tt.found
		f.Add(r)
		got := decide(t, f.Report(1), "latency.max <= "+tt.limit)
		assert.Contains(t, got.Reason, tt.want)
	}
}

func TestNothingPassesOnNoCase(t *testing.T) {
	for _, text := range everyCheck() {
		t.Run(text, func(t *testing.T) {
			r := reportOf()
			got := decide(t, r, text)
			assert.Equal(t, harness.Inconclusive, got.Verdict)
			assert.Equal(t, "there was no case", got.Reason)
			assert.Nil(t, got.Value)
			assert.Equal(t, harness.Inconclusive, r.Verdict)
		})
	}
}

func TestARunWithoutResultsSaysHowManyThereWereToBe(t *testing.T) {
	r := reportOf()
	r.Status, r.Trials.Planned = harness.Incomplete, 3
	assert.Equal(t, "there is no result of 3 planned trials", decide(t, r, "equals.pass_rate >= 0.9").Reason)
	gate.Judge(r, nil, nil)
	assert.Contains(t, r.Warnings, "there is no result of 3 planned trials, so nothing is shown")
}

func TestNothingPassesOnErrorsAlone(t *testing.T) {
	for _, o := range []outcome{timeout, unscored} {
		for _, text := range everyCheck() {
			t.Run(fmt.Sprint(o, " ", text), func(t *testing.T) {
				r := reportOf(repeat(o, 5)...)
				got := decide(t, r, text)
				assert.Equal(t, harness.VerdictIncomplete, r.Verdict)
				assert.Contains(t, r.Reasons[0], "every trial had an error")
				if strings.HasPrefix(text, "equals.") {
					assert.Equal(t, harness.Inconclusive, got.Verdict)
					assert.Contains(t, got.Reason, "equals scored nothing; 5 trials")
				}
			})
		}
	}
}

func TestNothingPassesUnfinished(t *testing.T) {
	for _, text := range append(everyCheck(), "equals.pass_rate > 0.99") {
		t.Run(text, func(t *testing.T) {
			f := harness.NewFold(1, "equals")
			for i := range 5 {
				f.Add(result(i, 1, pass))
			}
			r := f.Report(6)
			got := decide(t, r, text)
			assert.Equal(t, harness.Pass, got.Verdict, "the check itself is still shown")
			assert.Equal(t, harness.VerdictIncomplete, r.Verdict)
			assert.Equal(t, []string{"5 of 6 planned trials have a result"}, r.Reasons)
		})
	}
}

func TestAnUnfinishedRunKeepsItsReasons(t *testing.T) {
	r := reportOf(pass, pass)
	r.Status, r.Reasons = harness.Incomplete, []string{"interrupted"}
	gate.Judge(r, nil, nil)
	gate.Judge(r, nil, nil)
	assert.Equal(t, harness.VerdictIncomplete, r.Verdict)
	assert.Equal(t, []string{"interrupted"}, r.Reasons)
}

func TestUnknownCostsAndTokens(t *testing.T) {
	with := func(known, unknown int) *harness.Report {
		f := harness.NewFold(1, "equals")
		for i := range known + unknown {
			r := result(i, 1, pass)
			if i >= known {
				r.Output.CostUSD, r.Output.Usage = nil, nil
			}
			f.Add(r)
		}
		return f.Report(int64(known + unknown))
	}
	for _, tt := range []struct {
		known, unknown int
		check          string
		want           harness.Verdict
		reason         string
	}{
		{0, 4, "cost.total <= 5", harness.Inconclusive, "no answer has a cost"},
		{0, 4, "cost.mean <= 5", harness.Inconclusive, "no answer has a cost"},
		{0, 4, "tokens.total <= 5", harness.Inconclusive, "no answer counts its tokens"},
		{3, 1, "cost.total <= 5", harness.Inconclusive, "the cost of 1 of 4 answers is not known; the others cost $0.03, needs ≤ $5"},
		{3, 1, "cost.total >= 0.01", harness.Inconclusive, ""},
		{3, 1, "cost.total >= 5", harness.Inconclusive, ""},
		{3, 1, "cost.total <= 0.02", harness.Fail, "the others cost $0.03"},
		{3, 1, "cost.total == 0.02", harness.Fail, ""},
		{3, 1, "cost.total == 0.03", harness.Inconclusive, ""},
		{3, 1, "cost.mean <= 5", harness.Inconclusive, "so the mean is not known"},
		{3, 1, "tokens.total <= 5000", harness.Inconclusive, "the token count of 1 of 4 answers is not known; the others took 45"},
		{3, 1, "tokens.total <= 44", harness.Fail, ""},
		{4, 0, "tokens.total <= 60", harness.Pass, ""},
	} {
		t.Run(fmt.Sprint(tt.known, tt.unknown, tt.check), func(t *testing.T) {
			got := decide(t, with(tt.known, tt.unknown), tt.check)
			assert.Equal(t, tt.want, got.Verdict, got.Reason)
			assert.Contains(t, got.Reason, tt.reason)
		})
	}
}

func TestScoresBeyondOneHaveNoWorst(t *testing.T) {
	f := harness.NewFold(1, "words")
	for i, v := range []float64{3, 7, 11} {
		r := result(i, 1, pass)
		r.Scores = []harness.Score{{Name: "words", Value: v}}
		f.Add(r)
	}
	f.Add(result(3, 1, timeout))
	got := decide(t, f.Report(4), "words.mean <= 100")
	assert.Equal(t, harness.Inconclusive, got.Verdict)
	assert.Contains(t, got.Reason, "7.00 over 3 cases, needs ≤ 100.00; 1 trial got no answer; scores of words go beyond 0 to 1")
}

func TestAnEvaluatorOfSeveralMetricsThatFails(t *testing.T) {
	f := harness.NewFold(1, "rouge")
	for i := range 10 {
		r := result(i, 1, pass)
		r.Scores = []harness.Score{{Name: "rouge-1", Value: 1}, {Name: "rouge-2", Value: 1}}
		if i < 3 {
			r.Scores = []harness.Score{{Name: "rouge", Error: &harness.Error{Kind: harness.KindEvaluator}}}
		}
		f.Add(r)
	}
	got := decide(t, f.Report(10), "rouge-1.mean >= 0.9")
	assert.Equal(t, harness.Inconclusive, got.Verdict)
	assert.Contains(t, got.Reason, "between 0.70 and 1.00")
	got = decide(t, f.Report(10), "rouge-1.mean >= 0.7")
	assert.Equal(t, harness.Pass, got.Verdict)
}

func TestAnEvaluatorMaySkipCases(t *testing.T) {
	f := harness.NewFold(1, "equals", "date")
	for i := range 10 {
		r := result(i, 1, pass)
		if i < 3 {
			r.Scores = append(r.Scores, harness.Score{Name: "date", Value: 1})
		}
		f.Add(r)
	}
	got := decide(t, f.Report(10), "date.mean >= 0.9")
	assert.Equal(t, harness.Pass, got.Verdict)
	assert.Contains(t, got.Reason, "over 3 cases")
}

func TestTheVerdictOfTheWhole(t *testing.T) {
	good, bad, open := "equals.pass_rate >= 0.5", "equals.pass_rate >= 0.99", "other.mean >= 0"
	nine := mix(repeat(pass, 9), repeat(fail, 1))
	for _, tt := range []struct {
		name     string
		outcomes []outcome
		checks   []string
		want     harness.Verdict
	}{
		{"all pass", nine, []string{good, "errors.count == 0"}, harness.Pass},
		{"one fails", nine, []string{good, bad}, harness.Fail},
		{"one is open", nine, []string{open, good}, harness.Inconclusive},
		{"fail goes before open", nine, []string{open, bad, good}, harness.Fail},
		{"no gate", nine, nil, harness.Pass},
		{"no gate, an error", mix(nine, repeat(timeout, 1)), nil, harness.VerdictIncomplete},
		{"no gate, not scored", mix(nine, repeat(unscored, 1)), nil, harness.VerdictIncomplete},
		{"no gate, no case", nil, nil, harness.Inconclusive},
		{"a gate allows errors", mix(nine, repeat(timeout, 1)), []string{good, "errors.rate <= 10%"}, harness.Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf(tt.outcomes...)
			gate.Judge(r, checks(t, tt.checks...), nil)
			assert.Equal(t, tt.want, r.Verdict)
			require.Len(t, r.Gate, len(tt.checks))
			for i, g := range r.Gate {
				assert.Equal(t, tt.checks[i], g.Check)
				assert.NotEmpty(t, g.Reason)
			}
		})
	}
}

func TestWithoutAGateNothingScoredIsInconclusive(t *testing.T) {
	f := harness.NewFold(1)
	r := result(0, 1, pass)
	r.Scores = nil
	f.Add(r)
	report := f.Report(1)
	gate.Judge(report, nil, nil)
	gate.Judge(report, nil, nil)
	assert.Equal(t, harness.Inconclusive, report.Verdict)
	assert.Equal(t, []string{"nothing was scored, so nothing is shown"}, report.Warnings)
}

func TestACheckThatWasNotParsedIsInconclusive(t *testing.T) {
	r := reportOf(pass, pass)
	gate.Judge(r, []gate.Check{{}}, nil)
	assert.Equal(t, harness.Inconclusive, r.Verdict)
}

func TestIntervals(t *testing.T) {
	r := reportOf(mix(repeat(pass, 9), repeat(fail, 1))...)
	gate.Intervals(r)
	i := r.Metric("equals").Interval
	require.NotNil(t, i)
	assert.InDelta(t, 0.5958499732, i.Low, 1e-9)
	assert.InDelta(t, 0.9821237869, i.High, 1e-9)
	assert.Equal(t, 0.95, i.Level)

	for _, few := range [][]outcome{nil, {pass}, {half}} {
		r := reportOf(few...)
		r.Metrics[0].Interval = &harness.Interval{}
		gate.Intervals(r)
		assert.Nil(t, r.Metrics[0].Interval, "%d cases", len(few))
	}
}

func TestIntervalsCountCasesNotTrials(t *testing.T) {
	once, thrice := harness.NewFold(1, "equals"), harness.NewFold(3, "equals")
	for i := range 10 {
		o := pass
		if i == 9 {
			o = fail
		}
		once.Add(result(i, 1, o))
		for trial := range 3 {
			thrice.Add(result(i, trial+1, o))
		}
	}
	a, b := once.Report(10), thrice.Report(10)
	gate.Intervals(a)
	gate.Intervals(b)
	assert.Equal(t, a.Metric("equals").Interval, b.Metric("equals").Interval)
}

// outcomes draws what becomes of some trials, at least one of them answered.
func outcomes(t *rapid.T) []outcome {
	kinds := rapid.SampledFrom([]outcome{pass, pass, pass, fail, timeout, unscored})
	return rapid.SliceOfN(kinds, 1, 40).Draw(t, "outcomes")
}

// drawCheck draws a check that a value of 0 does not pass.
func drawCheck(t *rapid.T) string {
	s := rapid.SampledFrom([]string{"pass_rate", "mean", "min", "max"}).Draw(t, "statistic")
	op := rapid.SampledFrom([]string{">=", ">"}).Draw(t, "operator")
	return fmt.Sprintf("equals.%s %s %v", s, op, float64(rapid.IntRange(1, 20).Draw(t, "limit"))/20)
}

func TestMoreTroubleNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, check := outcomes(t), drawCheck(t)
		if strings.Contains(check, ".max") { // a highest score can only rise with more cases
			return
		}
		old := decide(t, reportOf(before...), check)
		for _, worse := range []outcome{fail, timeout} {
			more := rapid.IntRange(1, 10).Draw(t, "more")
			now := decide(t, reportOf(mix(before, repeat(worse, more))...), check)
			if old.Verdict != harness.Pass {
				assert.NotEqual(t, harness.Pass, now.Verdict, "%s: %s → %s", check, old.Reason, now.Reason)
			}
		}
	})
}

func TestAWorseOutcomeOfOneCaseNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, check := outcomes(t), drawCheck(t)
		i := rapid.IntRange(0, len(before)-1).Draw(t, "i")
		after := append([]outcome(nil), before...)
		after[i] = rapid.SampledFrom([]outcome{fail, timeout, unscored}).Draw(t, "becomes")
		if before[i] != pass {
			return
		}
		old, now := decide(t, reportOf(before...), check), decide(t, reportOf(after...), check)
		if old.Verdict != harness.Pass {
			assert.NotEqual(t, harness.Pass, now.Verdict, "%s: %s → %s", check, old.Reason, now.Reason)
		}
	})
}

func TestAnUnscoredTrialIsDecidedBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known, check := outcomes(t), drawCheck(t)
		verdicts := map[harness.Verdict]bool{}
		for _, o := range []outcome{pass, fail} {
			verdicts[decide(t, reportOf(mix(known, repeat(o, 1))...), check).Verdict] = true
		}
		now := decide(t, reportOf(mix(known, repeat(unscored, 1))...), check)
		if now.Verdict != harness.Inconclusive {
			assert.Equal(t, map[harness.Verdict]bool{now.Verdict: true}, verdicts, "%s: %s", check, now.Reason)
		}
	})
}

func TestTheOrderOfCasesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some, check := outcomes(t), drawCheck(t)
		shuffled := rapid.Permutation(some).Draw(t, "shuffled")
		assert.Equal(t, decide(t, reportOf(some...), check), decide(t, reportOf(shuffled...), check))
	})
}

func ExampleJudge() {
	fold := harness.NewFold(1, "equals")
	for i := range 40 {
		score := harness.PassIf(i%10 != 0, "not the same")
		score.Name = "equals"
		fold.Add(harness.Result{
			Case: harness.Case{ID: fmt.Sprint(i), Seq: int64(i)}, Trial: 1,
			Output: &harness.Output{Value: "an answer"}, Scores: []harness.Score{score},
		})
	}
	report := fold.Report(40)

	check, err := gate.Parse("equals.pass_rate >= 95%")
	if err != nil {
		fmt.Println(err)
		return
	}
	gate.Judge(report, []gate.Check{check}, nil)
	fmt.Println(report.Verdict)
	fmt.Println(report.Gate[0].Check + ": " + report.Gate[0].Reason)
	// Output:
	// fail
	// equals.pass_rate >= 95%: 90% over 40 cases, needs ≥ 95%; 95% interval 77%–96%
}

func ExampleParse() {
	check, err := gate.Parse("latency.p95 <= 2s")
	fmt.Println(check.Metric, check.Stat, check.Op, check.Limit, err)
	_, err = gate.Parse("equals.pass_rate >= 90")
	fmt.Println(err)
	// Output:
	// latency p95 <= 2000 <nil>
	// check "equals.pass_rate >= 90": a rate is between 0 and 1: write 0.9 or 90%, not 90
}
