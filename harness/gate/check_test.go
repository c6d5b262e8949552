package gate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/gate"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, metric, stat, op string
		limit                  float64
		evaluator              bool
	}{
		{"equals.pass_rate >= 0.90", "equals", "pass_rate", ">=", 0.9, true},
		{"equals.pass_rate>=90%", "equals", "pass_rate", ">=", 0.9, true},
		{"equals.pass_rate >= 28.7 %", "equals", "pass_rate", ">=", 0.287, true},
		{"  rouge-1.f.mean  >  .5 ", "rouge-1.f", "mean", ">", 0.5, true},
		{"is it polite?.min == 1", "is it polite?", "min", "==", 1, true},
		{"a<b.max < -2e3", "a<b", "max", "<", -2000, true},
		{"latency.p95 <= 2s", "latency", "p95", "<=", 2000, false},
		{"latency.mean < 1m30s", "latency", "mean", "<", 90000, false},
		{"latency.max <= 1.5ms", "latency", "max", "<=", 1.5, false},
		{"latency.pass_rate >= 0.9", "latency", "pass_rate", ">=", 0.9, true},
		{"errors.rate <= 2%", "errors", "rate", "<=", 0.02, false},
		{"errors.count == 0", "errors", "count", "==", 0, false},
		{"cost.total <= 5", "cost", "total", "<=", 5, false},
		{"cost.mean <= 1e-2", "cost", "mean", "<=", 0.01, false},
		{"cost.pass_rate >= 1", "cost", "pass_rate", ">=", 1, true},
		{"tokens.total < 1000000", "tokens", "total", "<", 1e6, false},
		{"cases.completed >= 40", "cases", "completed", ">=", 40, false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			c, err := gate.Parse(tt.text)
			require.NoError(t, err)
			assert.Equal(t, tt.metric, c.Metric)
			assert.Equal(t, tt.stat, c.Stat)
			assert.Equal(t, tt.op, c.Op)
			assert.Equal(t, tt.limit, c.Limit)
			assert.Equal(t, strings.TrimSpace(tt.text), c.String())
			if tt.evaluator {
				assert.Equal(t, []string{tt.metric}, c.Evaluators())
			} else {
				assert.Empty(t, c.Evaluators())
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"", "no operator"},
		{"equals.pass_rate", "no operator"},
		{"equals >= 0.9", "no statistic"},
		{"equals.accuracy >= 0.9", `no statistic "accuracy"; it has pass_rate, mean, min, max`},
		{"latency.p99 <= 2s", `no statistic "p99"; it has p50, p95, max, mean`},
		{"errors.mean2 <= 2", "it has rate, count"},
		{".mean >= 1", "no metric"},
		{">= 1", "no metric"},
		{"equals.mean >=", "no limit"},
		{"equals.mean = 1", "equality is =="},
		{"equals.mean => 1", "the equals sign comes last"},
		{"equals.mean != 1", "unknown operator !="},
		{"equals.mean >> 1", "unknown operator >>"},
		{"equals.mean >= high", "not a number"},
		{"equals.mean >= NaN", "not a number"},
		{"equals.mean >= inf", "not a number"},
		{"equals.mean >= 0x1p3", "not a number"},
		{"equals.mean >= 1_000", "not a number"},
		{"equals.mean >= 1e999", "not a number"},
		{"equals.mean >= %", "not a number"},
		{"equals.mean >= 1e5e5%", "not a number"},
		{"equals.pass_rate >= 90", "write 0.9 or 90%"},
		{"equals.pass_rate >= 101%", "between 0 and 1"},
		{"equals.pass_rate >= -0.1", "never below 0"},
		{"equals.mean <= 2s", "not a duration"},
		{"latency.p95 <= 2", "needs a duration"},
		{"latency.p95 <= 90%", "needs a duration"},
		{"latency.p95 <= -2s", "never below 0"},
		{"errors.count <= 2%", "not a share"},
		{"cost.total <= 5%", "not a share"},
		{"cost.total <= -5", "never below 0"},
		{strings.Repeat("x", 10000), "…"},
	} {
		t.Run(tt.text[:min(len(tt.text), 40)], func(t *testing.T) {
			c, err := gate.Parse(tt.text)
			require.Error(t, err)
			assert.Zero(t, c)
			assert.Contains(t, err.Error(), tt.says)
			assert.Less(t, len(err.Error()), 400)
		})
	}
}

func TestMetrics(t *testing.T) {
	names := gate.Metrics("equals", "latency")
	assert.Equal(t, []string{
		"equals.pass_rate", "equals.mean", "equals.min", "equals.max",
		"latency.pass_rate", "latency.min",
		"latency.p50", "latency.p95", "latency.max", "latency.mean",
		"errors.rate", "errors.count", "cost.total", "cost.mean",
		"tokens.total", "tokens.input", "tokens.output", "cases.completed", "latency.ratio", "cost.ratio",
	}, names)
	for _, n := range names {
		limit := " >= 1"
		if c, err := gate.Parse(n + limit); err != nil {
			_, err = gate.Parse(n + limit + "s")
			assert.NoError(t, err)
		} else {
			assert.Equal(t, n, c.Metric+"."+c.Stat)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"equals.pass_rate >= 0.9", "latency.p95 <= 2s", "a.b.c.mean == 1e3%", "errors.rate<2%", ">=", ".", "x.min <= -"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := gate.Parse(s)
		if err != nil {
			return
		}
		again, err := gate.Parse(c.String())
		require.NoError(t, err)
		assert.Equal(t, c, again)
		assert.NotEmpty(t, c.Metric)
		assert.NotEmpty(t, c.Stat)
	})
}

// TestMissingMetrics: a limit may be for a part of a metric, a comparison may not.
func TestMissingMetrics(t *testing.T) {
	metrics := []string{"equals", "reading"}
	for text, want := range map[string][]string{
		"equals.pass_rate >= 0.9":               nil,
		"reading/words.mean <= 20":              nil,
		"latency.p95 <= 2s":                     nil,
		"equal.mean >= 0.9":                     {"equal"},
		"readings/words.mean <= 20":             {"readings/words"},
		"no_regression: {metrics: [equals, x]}": {"x"},
		"improvement: {metrics: [reading/all]}": {"reading/all"},
		"must_pass: {metrics: [y], cases: [a]}": {"y"},
		"no_regression":                         nil,
	} {
		c, err := gate.Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, c.Missing(metrics), text)
	}
}
