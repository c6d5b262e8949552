package reporter

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func compile(t *testing.T, format string) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(format)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("schema.json", doc))
	s, err := c.Compile("schema.json")
	require.NoError(t, err)
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	assert.NoError(t, s.Validate(doc))
}

func TestJSONSchema(t *testing.T) {
	report, trial := compile(t, "json"), compile(t, "jsonl")
	empty := Data{Report: harness.NewFold(1).Report(0)}
	empty.Report.Verdict = harness.Inconclusive
	for _, d := range []Data{fixture(), empty, hostileData("x"), hostileData("\xff")} {
		validate(t, report, write(t, JSON{}, d))
		for line := range strings.Lines(write(t, JSONL{}, d)) {
			validate(t, trial, line)
		}
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"schema_version": 1}`))
	require.NoError(t, err)
	assert.Error(t, report.Validate(doc), "the schemas do check")
	assert.Error(t, trial.Validate(doc))
	_, err = Schema("csv")
	assert.Error(t, err)
}

// TestJSONFields checks the names that other programs rely on.
func TestJSONFields(t *testing.T) {
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(write(t, JSON{}, fixture())), &doc))
	for path, want := range map[string]any{
		"schema_version": 1.0, "run_id": "01JD4M5E7ZQ8", "suite": "support-bot", "app": "v2",
		"started_at": "2026-05-17T09:30:00Z", "finished_at": "2026-05-17T09:30:12.4Z",
		"status": "incomplete", "verdict": "fail", "trials": 2.0,
		"cases.planned": 9.0, "cases.completed": 8.0, "cases.errored": 4.0,
		"evaluators.equals.n": 7.0, "evaluators.polite.unscored": 1.0, "evaluators.polite.mean": 0.9,
		"evaluators.levenshtein.pass_rate": nil, "evaluators.equals.interval.level": 0.95,
		"latency_ms.max": 1310.0, "tokens.input": 1440.0, "tokens.output": 372.0, "cost_usd": 0.00875,
		"gate.checks.0.check": "equals.pass_rate >= 0.90", "gate.checks.0.verdict": "fail", "gate.checks.2.value": nil,
		"publish.platform": "sgp", "publish.evaluation_id": "ev_7",
		"publish.posted": 13.0, "publish.pending": 2.0, "publish.rejected": 1.0,
		"warnings.0": "equals has 7 cases: an interval this wide proves little; 35 more would halve it",
	} {
		var at any = doc
		for _, step := range strings.Split(path, ".") {
			if list, ok := at.([]any); ok {
				at = list[step[0]-'0']
				continue
			}
			object, _ := at.(map[string]any)
			require.Contains(t, object, step, path)
			at = object[step]
		}
		assert.Equal(t, want, at, path)
	}
}

func TestJSONHostile(t *testing.T) {
	schema := compile(t, "json")
	forHostile(t, JSON{}, func(t *testing.T, s, out string) {
		checkHidden(t, out)
		var doc struct {
			Suite string
			Gate  struct {
				Checks []struct{ Check, Reason string }
			}
			Errors map[string]int64
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc))
		assert.Equal(t, validUTF8(s), doc.Suite)
		assert.Equal(t, validUTF8(s), doc.Gate.Checks[0].Reason)
		assert.Equal(t, map[string]int64{validUTF8(s): 1}, doc.Errors)
		validate(t, schema, out)
	})
}

func TestJSONKnowsNoNaN(t *testing.T) {
	d := fixture()
	nan, inf := math.NaN(), math.Inf(1)
	d.Report.Metrics[0].Mean, d.Report.Metrics[0].PassRate = nan, &inf
	d.Report.Metrics[1].Interval.High = nan
	d.Report.Gate[0].Value, d.Report.CostUSD = &nan, &inf
	validate(t, compile(t, "json"), write(t, JSON{}, d))
	assert.NotPanics(t, func() { write(t, Table{}, d); write(t, Markdown{}, d); write(t, JUnit{}, d); write(t, CSV{}, d) })
}

// checkHidden fails on characters that would act on a terminal.
func checkHidden(t *testing.T, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && hidden(r) {
			t.Errorf("%U in the output", r)
		}
	}
}
