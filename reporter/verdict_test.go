package reporter

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
)

func firstAndLast(text string) (first, last string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[0], lines[len(lines)-1]
}

// TestVerdicts checks the first and the last line, which say the same.
func TestVerdicts(t *testing.T) {
	d := fixture()
	_, last := firstAndLast(write(t, Table{Width: 100}, d))
	assert.Equal(t, "✗ FAIL  support-bot (v2): NOT ALL POSTED · 1 of 3 checks failed, 1 inconclusive · run 01JD4M5E7ZQ8", last)
	d.Report.Publish = nil
	first, last := firstAndLast(write(t, Table{Width: 120}, d))
	assert.Equal(t, "✗ FAIL  support-bot (v2)  1 of 3 checks failed, 1 inconclusive", first)
	assert.Equal(t, "✗ FAIL  support-bot (v2): 1 of 3 checks failed, 1 inconclusive · 4 wrong · 4 with trouble · run 01JD4M5E7ZQ8", last)

	for width, want := range map[int]string{
		100: "✗ FAIL  support-bot (v2): 1 of 3 checks failed, 1 inconclusive · 4 wrong · run 01JD4M5E7ZQ8",
		80:  "✗ FAIL  support-b… (v2): 1 of 3 checks failed, 1 inconclusive · run 01JD4M5E7ZQ8",
		60:  "✗ FAIL  support-bot (v2): run 01JD4M5E7ZQ8",
		40:  "✗ FAIL  support-… (v2): run 01JD4M5E7ZQ8",
	} {
		_, last := firstAndLast(write(t, Table{Width: width}, d))
		assert.Equal(t, want, last)
	}

	d.Report.Verdict, d.Report.Status, d.Report.Gate, d.Report.Cases.Planned = harness.VerdictIncomplete, harness.Complete, nil, 8
	_, last = firstAndLast(write(t, Table{Width: 120}, d))
	assert.Equal(t, "! INCOMPLETE  support-bot (v2): no gate · all cases ran · 4 wrong · 4 with trouble · run 01JD4M5E7ZQ8", last)
	assert.NotContains(t, write(t, Table{}, d), "complete\n")
	d.Report.RunID = "01JD4M5E7ZQ801JD4M5E7ZQ8XX"
	assert.True(t, strings.HasSuffix(write(t, Table{Width: 40}, d), "! INCOMPLETE  support-bot (v2): no gate\n  run 01JD4M5E7ZQ801JD4M5E7ZQ8XX\n"))
	d.Report.Cases.Planned = 9
	_, last = firstAndLast(write(t, Table{}, d))
	assert.Contains(t, last, "8 of 9 cases")
}

// TestDone checks that a run nobody judges is not called a pass.
func TestDone(t *testing.T) {
	d := fixture()
	d.Report.Publish = nil
	d.Report.Verdict, d.Report.Status, d.Report.Gate = harness.Pass, harness.Complete, nil
	first, last := firstAndLast(write(t, Table{Width: 120}, d))
	assert.Equal(t, "• DONE  support-bot (v2)  no gate", first)
	assert.Equal(t, "• DONE  support-bot (v2): no gate · 4 wrong · 4 with trouble · run 01JD4M5E7ZQ8", last)
	assert.Contains(t, write(t, Markdown{}, d), "## Done: `support-bot` `v2`\n")
	assert.Contains(t, write(t, JUnit{}, d), "<system-out>DONE: no gate\n")
	assert.Contains(t, write(t, JSON{}, d), `"verdict": "pass"`)
	d.Report.Gate = []harness.CheckResult{{Check: "x", Verdict: harness.Pass}}
	first, _ = firstAndLast(write(t, Table{}, d))
	assert.Equal(t, "✓ PASS  support-bot (v2)  the check passed", first)
}

func TestGateOnly(t *testing.T) {
	d := fixture()
	d.Results = func(func(harness.Result, error) bool) { t.Error("the results are read") }
	golden(t, "gate.txt", write(t, Table{GateOnly: true}, d))
	d.Report.Gate, d.Report.Verdict = nil, harness.Inconclusive
	assert.Contains(t, write(t, Table{GateOnly: true}, d), "equals has 7 cases", "without checks the warnings are all there is")
}

// TestPostingStopped checks that the table says it once, whole.
func TestPostingStopped(t *testing.T) {
	const cause = "POST http://127.0.0.1:18400/v4/evaluations/0c1f8a52-7a51-4b43-9c0e-6f6fb5d4a0a1/test-case-results/batch: 422 Unprocessable Entity: item 14: unknown test case"
	d := fixture()
	for _, why := range []string{cause, "posting was stopped: " + cause} {
		d.Report.Publish.Error, d.Report.Reasons = why, nil
		out := write(t, Table{Width: 120}, d)
		assert.Equal(t, 1, strings.Count(out, "posting"), out)
		assert.Contains(t, out, "http://127.0.0.1:18400/v4/evaluations/0c1f8a52-7a51-4b43-9c0e-6f6fb5d4a0a1/test-case-results/batch:", "the address is in one piece")
		assert.Contains(t, out, "unknown test case")
		d.Report.Reasons = []string{"not all is posted: " + why}
		assert.Equal(t, 1, strings.Count(write(t, Table{Width: 120}, d), "item 14"), "a reason has it")
		assert.Equal(t, 1, strings.Count(write(t, Markdown{}, d), "item 14"))
	}
}

// TestLongErrors checks that the end of an error is shown, where crashes say why.
func TestLongErrors(t *testing.T) {
	trouble := &harness.Error{Kind: harness.KindApp, Message: traceback}
	crash := harness.Result{Case: harness.Case{ID: "crash"}, Trial: 1, Error: trouble}
	unscored := answer("no", 0, 0, strings.Repeat(traceback, 3))
	unscored.Case, unscored.Trial = harness.Case{ID: "judge"}, 1
	d := data([]harness.Result{crash, unscored})
	d.Report.Gate = []harness.CheckResult{{Check: "x", Verdict: harness.Fail, Reason: strings.Repeat(traceback, 2)}}
	d.Report.Reasons, d.Report.Warnings = []string{strings.Repeat(traceback, 9)}, []string{strings.Repeat(traceback, 9)}
	for _, r := range []Reporter{Table{Width: 60}, Table{Width: 80}, Table{Width: 200}, Markdown{}} {
		out := strings.Join(strings.Fields(strings.ReplaceAll(write(t, r, d), "│", " ")), " ")
		assert.GreaterOrEqual(t, strings.Count(out, "RuntimeError: model missing"), 6, out)
		assert.NotContains(t, out, `\n`)
	}
	golden(t, "long.txt", write(t, Table{Width: 80}, d))
}

// TestRightButSlow checks that right answers that are wrong in some other way
// come after the wrong ones, without the expected answer.
func TestRightButSlow(t *testing.T) {
	slow := func(id string, value any) harness.Result {
		r := answer(value, 1, 1, "")
		r.Case, r.Trial, r.Latency = harness.Case{ID: id, Input: "When?", Expected: "At nine."}, 1, 4*time.Second
		r.Scores = append(r.Scores, harness.Score{Name: "latency", Pass: new(bool), Reason: "took 4s, at most 2s is allowed"})
		return r
	}
	renamed := slow("slow-2", "At nine.")
	renamed.Scores[3].Name = "quick"
	bad := slow("wrong", "At ten.")
	bad.Scores[0] = harness.Score{Name: "equals", Pass: new(bool), Reason: "not the same"}
	results := []harness.Result{slow("slow-1", "At 9."), renamed, bad}
	fold := harness.NewFold(1)
	for _, r := range results {
		fold.Add(r)
	}
	d := Data{Report: fold.Report(3), Results: each(results)}
	d.Report.Suite, d.Report.Verdict = "hours", harness.Fail
	golden(t, "slow.txt", write(t, Table{}, d))
	out := write(t, Table{Failures: 2}, d)
	assert.Contains(t, out, "✗ wrong")
	assert.Contains(t, out, "✗ slow-1")
	assert.NotContains(t, out, "✗ slow-2")
	assert.NotContains(t, write(t, Table{Failures: 1}, d), "slow")
}
