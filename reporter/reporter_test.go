package reporter

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	flag.Parse()
	// The widths of ambiguous East Asian characters follow the locale; the goldens don't.
	text.OverrideRuneWidthEastAsianWidth(false)
	goleak.VerifyTestMain(m)
}

func ptr[T any](v T) *T { return &v }

// data is the report that results come to, with the fixed parts of the fixture.
func data(results []harness.Result) Data {
	fold := harness.NewFold(2, "equals", "levenshtein", "polite")
	for _, r := range results {
		fold.Add(r)
	}
	r := fold.Report(9)
	r.RunID, r.Suite = "01JD4M5E7ZQ8", "support-bot"
	r.StartedAt = time.Date(2026, 5, 17, 9, 30, 0, 0, time.UTC)
	r.FinishedAt = r.StartedAt.Add(12400 * time.Millisecond)
	r.Verdict = harness.Fail
	for i := range r.Metrics {
		m := &r.Metrics[i]
		center := m.Mean
		if m.PassRate != nil {
			center = *m.PassRate
		}
		m.Interval = &harness.Interval{Low: max(center-0.2, 0), High: min(center+0.2, 1), Level: 0.95}
	}
	return Data{Report: r, Results: each(results)}
}

func each(results []harness.Result) iter.Seq2[harness.Result, error] {
	return func(yield func(harness.Result, error) bool) {
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// fixture has a bit of everything: right and wrong answers, one case that is
// wrong in one trial only, a structured one, long ones, a timeout, a panic, a
// judge that can't score, a gate, warnings and a platform.
func fixture() Data {
	d := data(fixtureResults())
	d.Report.Status, d.Report.Reasons = harness.Incomplete, []string{"1 case of page 2 never came: GET /v4/evaluation-datasets/ds_1/test-cases: 503 Service Unavailable"}
	d.Report.App = "v2"
	d.Report.Gate = []harness.CheckResult{
		{Check: "equals.pass_rate >= 0.90", Verdict: harness.Fail, Value: d.Report.Metric("equals").PassRate, Reason: "0.643 is under 0.9; the 95% interval is 0.443 to 0.843"},
		{Check: "latency.p95 <= 2s", Verdict: harness.Pass, Value: ptr(1.31), Reason: "1.31s is within 2s"},
		{Check: "polite.mean >= 0.8", Verdict: harness.Inconclusive, Reason: "1 of 16 trials has no score: the mean lies between 0.79 and 0.86"},
	}
	d.Report.Publish = &harness.Publish{Platform: "sgp", EvaluationID: "ev_7", Posted: 13, Pending: 2, Rejected: 1, Error: "POST /v4/evaluations/ev_7/test-case-results/batch: 422 for item 14",
		Rejections: []harness.Receipt{{Key: harness.Key{Case: "emoji 🎉", Trial: 2}, State: harness.PostRejected, Message: "test_case_id: no such test case in version 3"}}}
	d.Report.Warnings = []string{"equals has 7 cases: an interval this wide proves little; 35 more would halve it"}
	d.Report.Abandoned = 1
	return d
}

func fixtureResults() []harness.Result {
	var out []harness.Result
	seq := int64(-1)
	add := func(c harness.Case, trials ...harness.Result) {
		seq++
		c.Seq = seq
		for i, r := range trials {
			r.Case, r.Trial = c, i+1
			r.Started = time.Date(2026, 5, 17, 9, 30, 0, int(seq)*1000, time.UTC)
			r.Attempts = max(r.Attempts, 1)
			out = append(out, r)
		}
	}
	right := answer("Yes, within 60 days.", 1, 1, "")
	add(harness.Case{ID: "refund-1", Input: "Can I send it back?", Expected: "Yes, within 60 days."}, right, right)
	add(harness.Case{ID: "refund-17", Input: "Can I get my money back if I change my mind after 30 days?", Expected: "Yes, within 60 days."},
		answer("No, refunds are only possible within 14 days of the purchase.", 0, 0.22, ""), answer("No.", 0, 0.05, ""))
	long := "Shipping to Norway takes 5 to 7 working days; customs may add up to 3 days, and the parcel can be followed with the number in the mail that confirms your order. "
	add(harness.Case{ID: "shipping-norway", Input: "How long does a parcel to Norway take, and what does it cost if I spend less than 50 euros? I would like to have it before the 24th.", Expected: long + "It costs 9 euros.", Metadata: map[string]any{"topic": "shipping", "lang": "en"}},
		answer(long+"It costs 9 euros.", 1, 1, ""), answer(long+"It is free for you.", 0, 0.93, ""))
	add(harness.Case{ID: "order/status", Input: map[string]any{"order": 4711, "fields": []any{"state", "eta"}}, Expected: map[string]any{"state": "shipped", "eta": "2026-05-20"}},
		answer(map[string]any{"state": "lost"}, 0, 0.4, ""), answer(map[string]any{"state": "shipped", "eta": "2026-05-20"}, 1, 1, ""))
	judge := answer("Oh come on, read the page.", 0, 0.1, "judge: the reply is not JSON: \"Sure! Here is my verdict\"")
	add(harness.Case{ID: "hours", Input: "When are you open?", Expected: "Monday to Friday, 9 to 17."}, judge, answer("Monday to Friday, 9 to 17.", 1, 1, ""))
	timeout := harness.Result{Error: &harness.Error{Kind: harness.KindTimeout, Message: "no answer within 30s"}, Latency: 30 * time.Second}
	add(harness.Case{ID: "slow", Input: "Tell me everything.", Expected: "No."}, timeout, answer("No.", 1, 1, ""))
	down := harness.Result{Error: &harness.Error{Kind: harness.KindApp, Message: "POST http://127.0.0.1:8080/answer: 503 Service Unavailable: upstream \x1b[31mgone\x1b[0m", Status: 503}, Attempts: 3}
	add(harness.Case{ID: "emoji 🎉", Input: "日本語で答えてください", Expected: "はい"}, down, answer("はい", 1, 1, ""))
	panicked := harness.Result{Error: &harness.Error{Kind: harness.KindPanic, Message: "app panicked: index out of range [3] with length 2", Stack: "goroutine 7 [running]:\nmain.answer(...)\n\t/src/bot.go:42", Permanent: true}}
	add(harness.Case{ID: "crash", Input: ""}, panicked, panicked)
	return out
}

// answer is a trial with three scores; trouble is the third evaluator's.
func answer(value any, equals, distance float64, trouble string) harness.Result {
	r := harness.Result{
		Output: &harness.Output{Value: value, Usage: &harness.Usage{InputTokens: 120, OutputTokens: 31}},
		Scores: []harness.Score{
			harness.PassIf(equals == 1, "the answer is not the expected one"),
			{Value: distance},
			harness.Graded(0.9, 0.7, "friendly"),
		},
		Latency: 412 * time.Millisecond,
	}
	if equals == 1 {
		r.Output.CostUSD, r.Latency = ptr(0.00125), 1310*time.Millisecond
	}
	if trouble != "" {
		r.Scores[2] = harness.Score{Error: &harness.Error{Kind: harness.KindEvaluator, Message: trouble}}
	}
	for i, name := range []string{"equals", "levenshtein", "polite"} {
		r.Scores[i].Name = name
	}
	return r
}

func write(t *testing.T, r Reporter, d Data) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b, d))
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestGolden(t *testing.T) {
	empty := Data{Report: harness.NewFold(1).Report(0)}
	empty.Report.Verdict = harness.Inconclusive
	passed := fixtureResults()[:2]
	pass := data(passed)
	pass.Report.Verdict = harness.Pass
	pass.Report.Cases.Planned, pass.Report.Status = 1, harness.Complete
	tests := []struct {
		file string
		r    Reporter
		data Data
	}{
		{"report.csv", CSV{}, fixture()},
		{"report.raw.csv", CSV{Raw: true}, fixture()},
		{"report.json", JSON{}, fixture()},
		{"report.jsonl", JSONL{}, fixture()},
		{"report.junit.xml", JUnit{}, fixture()},
		{"report.md", Markdown{}, fixture()},
		{"report.100.txt", Table{}, fixture()},
		{"report.80.txt", Table{Width: 80}, fixture()},
		{"report.120.txt", Table{Width: 120, Failures: 2}, fixture()},
		{"report.color.txt", Table{Color: true}, fixture()},
		{"pass.txt", Table{}, pass},
		{"pass.junit.xml", JUnit{}, pass},
		{"empty.txt", Table{}, empty},
		{"empty.json", JSON{}, empty},
		{"empty.jsonl", JSONL{}, empty},
		{"empty.csv", CSV{}, empty},
		{"empty.junit.xml", JUnit{}, empty},
		{"empty.md", Markdown{}, empty},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := write(t, tt.r, tt.data)
			golden(t, tt.file, got)
			assert.Equal(t, got, write(t, tt.r, tt.data), "the same data, the same bytes")
		})
	}
}

func TestFormats(t *testing.T) {
	assert.True(t, slices.IsSorted(Formats()))
	for _, format := range Formats() {
		r, err := New(format)
		require.NoError(t, err)
		assert.NotNil(t, r)
		assert.ErrorIs(t, r.Write(io.Discard, Data{}), errNoReport)
	}
	_, err := New("pdf")
	assert.EqualError(t, err, `no report format "pdf": there are csv, json, jsonl, junit, markdown, table`)
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]string{
		"out/report.junit.xml": "junit", "r.xml": "junit", "R.JSON": "json", "a.jsonl": "jsonl", "a.ndjson": "jsonl",
		"a.csv": "csv", "summary.md": "markdown", "x.markdown": "markdown", "x.txt": "table", "x.pdf": "", "json": "", "": "",
	} {
		got, ok := FormatOf(path)
		assert.Equal(t, want, got, path)
		assert.Equal(t, want != "", ok, path)
	}
}

// failing fails after n bytes.
type failing struct{ n int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return max(len(p)+f.n, 0), errFull
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	for _, format := range Formats() {
		r, err := New(format)
		require.NoError(t, err)
		size := len(write(t, r, fixture()))
		for _, n := range []int{0, size / 2, size - 1} {
			assert.ErrorIs(t, r.Write(&failing{n}, fixture()), errFull, "%s after %d bytes", format, n)
		}
		assert.NoError(t, r.Write(&failing{size}, fixture()), format)
	}
}

func TestResultErrors(t *testing.T) {
	broken := errors.New("the store is gone")
	d := fixture()
	for _, format := range Formats() {
		if format == "json" { // it shows no results
			continue
		}
		r, err := New(format)
		require.NoError(t, err)
		for _, n := range []int{0, 3} {
			d.Results = func(yield func(harness.Result, error) bool) {
				for _, r := range fixtureResults()[:n] {
					if !yield(r, nil) {
						return
					}
				}
				yield(harness.Result{}, broken)
			}
			assert.ErrorIs(t, r.Write(io.Discard, d), broken, format)
		}
	}
}

// TestFits checks that no line is wider than the terminal, whatever it holds.
func TestFits(t *testing.T) {
	for width := 40; width <= 160; width += 3 {
		for name, d := range map[string]Data{"fixture": fixture(), "long": hostileData(strings.Repeat("long 日本 words ", 40)), "solid": hostileData(strings.Repeat("日x", 400))} {
			for _, line := range strings.Split(write(t, Table{Width: width}, d), "\n") {
				assert.LessOrEqual(t, columns(line), width, "%s at %d: %s", name, width, line)
			}
		}
	}
}

// TestBoundedFailures checks that a run with many failures shows some of them
// and counts the others.
func TestBoundedFailures(t *testing.T) {
	const n = 5000
	results := func(yield func(harness.Result, error) bool) {
		for i := range n {
			r := answer("no", 0, 0, "")
			r.Case, r.Trial = harness.Case{ID: "case-" + count(int64(i)), Input: "x", Expected: "y", Seq: int64(i)}, 1
			if !yield(r, nil) {
				return
			}
		}
	}
	fold := harness.NewFold(1, "equals")
	for r := range results {
		fold.Add(r)
	}
	d := Data{Report: fold.Report(n), Results: results}
	d.Report.Verdict = harness.Fail
	table := write(t, Table{Failures: 3}, d)
	assert.Contains(t, table, "the first 3 of 5,000 cases")
	assert.Equal(t, 3, strings.Count(table, "✗ case-"))
	assert.NotContains(t, write(t, Table{Failures: -1}, d), "case-")
	md := write(t, Markdown{Failures: n}, d)
	assert.Less(t, len(md), 1_000_000)
	assert.Contains(t, md, "`case-4,999`")
	md = write(t, Markdown{Failures: n, MaxBytes: 65_000}, d)
	assert.LessOrEqual(t, len(md), 65_000)
	assert.Greater(t, len(md), 64_000)
	assert.True(t, strings.HasSuffix(md, cutNote))
}

// TestStreams checks that what a reporter keeps does not grow with the results.
func TestStreams(t *testing.T) {
	const n = 20_000
	report := harness.NewFold(1, "equals", "levenshtein", "polite").Report(n)
	for _, format := range Formats() {
		var early, late uint64
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		results := func(yield func(harness.Result, error) bool) {
			for i := range n {
				r := answer("no", 0, 0, "the judge is gone "+strconv.Itoa(i))
				r.Case, r.Trial = harness.Case{ID: strconv.Itoa(i), Input: strings.Repeat("x", 500), Seq: int64(i)}, 1
				if i%3 == 0 {
					r.Output, r.Error = nil, &harness.Error{Kind: harness.KindApp, Message: "down " + strconv.Itoa(i)}
				}
				if !yield(r, nil) {
					return
				}
				switch i {
				case 1000:
					early = heap()
				case n - 1:
					late = heap()
				}
			}
		}
		r, err := New(format)
		require.NoError(t, err)
		require.NoError(t, r.Write(io.Discard, Data{Report: report, Results: results}))
		assert.Less(t, late, early+1<<20, format)
	}
}

func BenchmarkWrite(b *testing.B) {
	results := make([]harness.Result, 10_000)
	fold := harness.NewFold(1, "equals", "levenshtein", "polite")
	for i := range results {
		results[i] = answer("Refunds are possible within 14 days of the purchase.", float64(i%2), 0.5, "")
		results[i].Case, results[i].Trial = harness.Case{ID: strconv.Itoa(i), Input: "Can I send it back?", Expected: "Yes.", Seq: int64(i)}, 1
		fold.Add(results[i])
	}
	d := Data{Report: fold.Report(int64(len(results))), Results: each(results)}
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			r, err := New(format)
			require.NoError(b, err)
			for b.Loop() {
				require.NoError(b, r.Write(io.Discard, d))
			}
			b.ReportMetric(float64(len(results)*b.N)/b.Elapsed().Seconds(), "results/s")
		})
	}
}

// TestOnlyTheBad checks that the reports for people need no right answers.
func TestOnlyTheBad(t *testing.T) {
	all, bad := fixture(), fixture()
	bad.Results = each(slices.DeleteFunc(fixtureResults(), func(r harness.Result) bool { return !r.Failed() && !r.Errored() }))
	for _, r := range []Reporter{Table{}, Markdown{}} {
		assert.Equal(t, write(t, r, all), write(t, r, bad))
	}
}

func TestWhichTrials(t *testing.T) {
	for _, tt := range []struct {
		wrong   string // w: wrong, r: right
		planned int
		want    string
	}{
		{"w", 1, ""}, {"ww", 2, "wrong in both trials"}, {"rw", 2, "wrong in trial 2 of 2"}, {"w", 2, "wrong in trial 1 of 2"},
		{"www", 3, "wrong in all 3 trials"}, {"rww", 3, "wrong in 2 of 3 trials, first in 2"}, {"ww", 3, "wrong in 2 of 3 trials, first in 1"},
	} {
		var trials []harness.Result
		for i, c := range tt.wrong {
			trials = append(trials, harness.Result{Trial: i + 1, Scores: []harness.Score{harness.PassIf(c == 'r', "no")}})
		}
		assert.Equal(t, tt.want, whichTrials(trials, tt.planned), "%+v", tt)
	}
}
