package reporter

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// compared is a comparison with one metric that got worse, one that may have, one
// with too few cases, and ratios.
func compared() Comparison {
	interval := func(low, high float64) *harness.Interval { return &harness.Interval{Low: low, High: high, Level: 0.95} }
	c := Comparison{Summary: compare.Summary{
		Base:   compare.About{Name: "main", Run: "01JD4M5E7ZQ8", Suite: "support-bot", App: "v1"},
		New:    compare.About{Name: "latest", Run: "01JD4M5E7ZQ9", Suite: "support-bot", App: "v2"},
		Unlike: []string{"evaluator polite has changed"}, Notes: []string{`the apps are "v1" and "v2"`},
		Pairing: compare.Pairing{Paired: 1319, Changed: 1, Added: 2, Removed: 3},
		Metrics: []harness.Comparison{
			{Metric: "equals", Base: 0.931, New: 0.912, Difference: -0.019, Interval: interval(-0.0312, -0.0071), P: 0.0021, Test: "McNemar mid-p",
				Pairs: 1319, Worse: 31, Better: 6, SmallestDrop: ptr(0.0142), Verdict: harness.Fail},
			{Metric: "levenshtein", Base: 0.951, New: 0.953, Difference: 0.002, Interval: interval(-0.004, 0.008), P: 0.62, Test: "sign flips",
				Pairs: 1319, Worse: 12, Better: 17, Unknown: 4, SmallestDrop: ptr(0.008), Verdict: harness.Inconclusive},
			{Metric: "polite", Base: 1, New: 0, Difference: -1, P: 1, Pairs: 1, Worse: 1, Verdict: harness.Inconclusive},
		},
		Latency: &harness.Comparison{Metric: "latency", Base: 1, New: 1.25, Difference: 1.25, Ratio: true, Interval: interval(1.2, 1.3), P: 0.00001,
			Test: "paired t on the logarithm", Pairs: 1319, Verdict: harness.Fail},
		Flips: []compare.Flip{
			{ID: "refund-17", Metric: "equals", Base: 1, New: 0}, {ID: "refund-17", Metric: "polite", Base: 0, New: 1},
			{ID: "hours", Metric: "equals", Base: 0, New: 1},
		},
	}}
	c.Flipped = []Flipped{{Flip: c.Flips[0], Input: "Can I send it back?", Expected: "Yes, within 60 days.",
		Was: "Yes, within 60 days of the purchase.", Is: "Yes, within 14 days of the purchase."}}
	c.Flipped = append(c.Flipped, c.Flipped[0], Flipped{Flip: c.Flips[2], Input: "When are you open?", Expected: "From 9 to 5.", Was: "At 9.", Is: "From 9 to 5."})
	c.Flipped[1].Flip = c.Flips[1]
	return c
}

// gated is a report whose checks compare.
func gated() Data {
	d := fixture()
	c := compared()
	c.Metrics[1].Needed = 12_000
	d.Report.Reduce = "pass_k:2"
	d.Report.Gate = append(d.Report.Gate,
		harness.CheckResult{Check: "no_regression: {min_effect: 0.01}", Verdict: harness.Fail, Comparisons: []harness.Comparison{c.Metrics[1], c.Metrics[0], c.Metrics[2]},
			Reason: "worse: equals -1.9 pt (p 0.0021); underpowered: about 12,000 cases or more trials would do"},
		harness.CheckResult{Check: "latency.ratio <= 1.2", Verdict: harness.Fail, Reason: "× 1.250 of the baseline's, needs ≤ 1.20: beyond it", Comparisons: []harness.Comparison{*c.Latency}},
		harness.CheckResult{Check: "errors.count == 0", Verdict: harness.Pass, Reason: "0 of 16 trials had an error, needs = 0"},
	)
	return d
}

func writeCompared(t testing.TB, format string, width int, all ...Comparison) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteComparison(&b, format, all, Table{Width: width}))
	return b.String()
}

func TestComparisonGolden(t *testing.T) {
	other := compared()
	other.New.Name, other.New.App, other.Flipped, other.Latency = "other", "v1", nil, nil
	golden(t, "compare.txt", writeCompared(t, "table", 100, compared()))
	golden(t, "compare.40.txt", writeCompared(t, "table", 40, compared()))
	golden(t, "compare.json", writeCompared(t, "json", 0, compared()))
	golden(t, "compare.md", writeCompared(t, "markdown", 0, compared()))
	golden(t, "compare.side.txt", writeCompared(t, "table", 100, compared(), other))
	golden(t, "compare.side.json", writeCompared(t, "json", 0, compared(), other))
	golden(t, "gate.compared.txt", write(t, Table{GateOnly: true}, gated()))
	golden(t, "gate.compared.40.txt", write(t, Table{GateOnly: true, Width: 40}, gated()))
	assert.Error(t, WriteComparison(io.Discard, "pdf", nil, Table{}))
}

// TestGateNumbers checks that the numbers of a check are in each format, whatever
// the width, and those first that decide it.
func TestGateNumbers(t *testing.T) {
	d := gated()
	for name, out := range map[string]string{
		"table": write(t, Table{}, d), "gate only": write(t, Table{GateOnly: true}, d), "markdown": write(t, Markdown{}, d), "junit": write(t, JUnit{}, d),
		"json": write(t, JSON{}, d), "narrow": write(t, Table{GateOnly: true, Width: 40}, d),
	} {
		first := strings.Index(out, "0.0021")
		for _, number := range []string{"0.0021", "31", "6", "1.9", "1.4", "0.62", "17", "underpowered", "pass_k:2"} {
			if number == "pass_k:2" && (name == "gate only" || name == "narrow") {
				continue
			}
			if name == "json" {
				number = map[string]string{"1.9": "0.019", "1.4": "0.0142"}[number] + map[string]string{"1.9": "", "1.4": ""}[number]
			}
			assert.Contains(t, out, number, name)
		}
		if name != "json" { // which keeps the order of the check
			assert.Less(t, first, strings.Index(out, "0.62"), name)
		}
	}
	var doc struct {
		Reduce string
		Gate   struct {
			Checks []struct {
				Comparisons []struct {
					Metric        string
					Worse, Better int64
					P             float64
					Ratio         bool
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, JSON{}, d)), &doc))
	assert.Equal(t, "pass_k:2", doc.Reduce)
	require.Len(t, doc.Gate.Checks, 6)
	require.Len(t, doc.Gate.Checks[3].Comparisons, 3)
	assert.Equal(t, int64(31), doc.Gate.Checks[3].Comparisons[1].Worse)
	assert.InDelta(t, 0.0021, doc.Gate.Checks[3].Comparisons[1].P, 1e-12)
	assert.True(t, doc.Gate.Checks[4].Comparisons[0].Ratio)
	validate(t, compile(t, "json"), write(t, JSON{}, d))
}

func TestComparisonSchema(t *testing.T) {
	schema := compile(t, "comparison")
	empty, odd := Comparison{}, compared()
	odd.Metrics[0].Base, odd.Metrics[0].Interval.Low, odd.Metrics[1].P = math.NaN(), math.Inf(-1), math.NaN()
	for _, all := range [][]Comparison{{compared()}, {compared(), odd}, {empty}, {empty, empty}, {odd}, {hostileComparison("\xff")}} {
		validate(t, schema, writeCompared(t, "json", 0, all...))
	}
	var doc any
	require.NoError(t, json.Unmarshal([]byte(`{"schema_version": 1}`), &doc))
	assert.Error(t, schema.Validate(doc), "the schema does check")
	// Both formats have the same comparison.
	defs := func(format string) any {
		text, err := Schema(format)
		require.NoError(t, err)
		var doc struct {
			Defs map[string]any `json:"$defs"`
		}
		require.NoError(t, json.Unmarshal(text, &doc))
		return []any{doc.Defs["comparison"], doc.Defs["interval"], doc.Defs["number"]}
	}
	assert.Equal(t, defs("json"), defs("comparison"))
}

// hostileComparison has s in every text.
func hostileComparison(s string) Comparison {
	c := compared()
	c.Base, c.New = compare.About{Name: s, Run: s + "1", Suite: s, App: s}, compare.About{Name: s, Run: s + "2", Suite: s, App: s + "x"}
	c.Unlike, c.Notes = []string{s}, []string{s}
	for i := range c.Metrics {
		c.Metrics[i].Metric = s
	}
	c.Metrics[0].Test = s
	c.Flipped = []Flipped{{Flip: compare.Flip{ID: s, Metric: s, Base: 1}, Input: s, Expected: s, Was: s, Is: s + s}, {Flip: compare.Flip{ID: s, Metric: s, New: 1}, Is: s}}
	return c
}

func TestComparisonHostile(t *testing.T) {
	shape, _ := markdownShape(t, writeCompared(t, "markdown", 0, hostileComparison("x")))
	for _, s := range hostile(t) {
		c := hostileComparison(s)
		for _, width := range []int{40, 100} {
			for _, out := range []string{writeCompared(t, "table", width, c), writeCompared(t, "table", width, c, c)} {
				checkTerminal(t, out)
				for line := range strings.Lines(out) {
					assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), width, "%q", line)
				}
			}
		}
		checkHidden(t, writeCompared(t, "json", 0, c))
		md := writeCompared(t, "markdown", 0, c)
		checkTerminal(t, md)
		got, prose := markdownShape(t, md)
		assert.NotContains(t, prose, "@")
		assert.NotContains(t, prose, "#")
		if strings.TrimSpace(s) != "" {
			assert.Equal(t, shape, got)
		}
		if t.Failed() {
			t.Fatalf("with %.300q", s)
		}
	}
}

func TestComparisonWithoutMetrics(t *testing.T) {
	for _, width := range []int{40, 100} {
		assert.Contains(t, writeCompared(t, "table", width, Comparison{}), "no case has scores in both runs")
	}
	assert.Contains(t, writeCompared(t, "markdown", 0, Comparison{}), "no case has scores in both runs")
	writeCompared(t, "table", 100, Comparison{}, Comparison{})
	assert.Equal(t, "[]\n", writeCompared(t, "json", 0))
}

// TestComparisonFits checks that no line is wider than the terminal, and that what
// decides is there at any width.
func TestComparisonFits(t *testing.T) {
	for width := 40; width <= 160; width += 3 {
		for _, out := range []string{writeCompared(t, "table", width, compared()), writeCompared(t, "table", width, compared(), compared()), write(t, Table{Width: width}, gated())} {
			for _, line := range strings.Split(out, "\n") {
				assert.LessOrEqual(t, columns(line), width, line)
			}
			for _, number := range []string{"0.0021", "31", "17", "0.62", "-1.9"} {
				assert.Contains(t, out, number, "at %d", width)
			}
		}
	}
}

// texts are of few letters of one to four bytes, so that they have much in common.
func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "é", "è", "日", "本", "🎉", "🎊", " ", "\n", "\x1b[31m", "\xff", "\u0301"}), 0, 40).Draw(t, "letters"), "")
	})
}

func TestDiffering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts().Draw(t, "a"), texts().Draw(t, "b")
		prefix, inA, inB, suffix := differing(a, b)
		require.Equal(t, a, prefix+inA+suffix)
		require.Equal(t, b, prefix+inB+suffix)
		if utf8.ValidString(a) && utf8.ValidString(b) { // no letter is torn apart
			for _, s := range []string{prefix, inA, inB, suffix} {
				require.True(t, utf8.ValidString(s), "%q %q %q %q", prefix, inA, inB, suffix)
			}
			ra, rb := []rune(inA), []rune(inB)
			if len(ra) > 0 && len(rb) > 0 { // and nothing alike is left at their ends
				require.NotEqual(t, ra[0], rb[0])
				require.NotEqual(t, ra[len(ra)-1], rb[len(rb)-1])
			}
		}
		if a == b {
			require.Empty(t, inA+inB)
		}
	})
}

func TestMarked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts().Draw(t, "a"), texts().Draw(t, "b")
		width := rapid.IntRange(25, 120).Draw(t, "width")
		was, is := marked(a, b, width)
		for _, s := range []string{was, is} {
			require.LessOrEqual(t, columns(s), width)
			require.Contains(t, s, "›", "the place where they part is to be seen")
			require.True(t, utf8.ValidString(s))
			for _, r := range s {
				require.False(t, hidden(r), "%U", r)
			}
		}
		require.Equal(t, was[:strings.Index(was, "›")], is[:strings.Index(is, "›")])
		if a != b && Terminal(a) != Terminal(b) && columns(was) < width && columns(is) < width {
			require.NotEqual(t, was, is)
		}
	})
	was, is := marked("Yes, within 60 days.", "Yes, within 14 days.", 80)
	assert.Equal(t, "Yes, within ›60‹ days.", was)
	assert.Equal(t, "Yes, within ›14‹ days.", is)
	long := strings.Repeat("the same words ", 20)
	was, is = marked(long+"old", long+"new", 60)
	assert.True(t, strings.HasSuffix(was, "›old‹"), was)
	assert.True(t, strings.HasPrefix(is, ellipsis))
}
