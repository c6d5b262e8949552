package gate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
)

// judgedWith judges a run of which the cases named fail, begun on a day.
func judgedWith(t *testing.T, cases int, day string, partial bool, failing []string, checks ...string) *harness.Report {
	t.Helper()
	var all []compare.Case
	for i := range cases {
		pass := true
		c := compare.Case{ID: fmt.Sprint("c", i)}
		for _, id := range failing {
			pass = pass && id != c.ID
		}
		c.Trials = []compare.Trial{{Scores: map[string]compare.Score{"m": {Pass: &pass}}}}
		all = append(all, c)
	}
	started, err := time.Parse(time.RFC3339, day+"T23:59:59Z")
	require.NoError(t, err)
	parsed := parsed(t, checks...)
	e, err := gate.Gather(context.Background(), parsed, gate.Sources{
		Now: compare.NewList(compare.About{Metrics: []string{"m"}}, all), Started: started, Partial: partial,
	})
	require.NoError(t, err)
	n := int64(cases)
	counts := harness.Counts{Planned: n, Completed: n}
	r := &harness.Report{Status: harness.Complete, Cases: counts, Trials: counts}
	gate.Judge(r, parsed, e)
	return r
}

func TestQuarantine(t *testing.T) {
	must := "must_pass: [c1, c2]"
	flaky := `quarantine: [{case: c1, until: 2026-12-31, reason: "why, so"}]`
	check, err := gate.Parse(flaky)
	require.NoError(t, err)
	assert.Equal(t, flaky, check.Text, "it is kept with the run, and reads as the same again")
	assert.Equal(t, []harness.Quarantined{{Case: "c1", Until: "2026-12-31", Reason: "why, so"}}, check.Quarantine)

	for name, test := range map[string]struct {
		cases   int
		day     string
		partial bool
		checks  []string
		want    harness.Verdict
		says    string
	}{
		"without":              {20, "2026-12-31", false, []string{must}, harness.Fail, `1 case failed: "c1"`},
		"its last day":         {20, "2026-12-31", false, []string{must, flaky}, harness.Pass, `1 case in quarantine and left out: "c1"`},
		"the day after":        {20, "2027-01-01", false, []string{must, flaky}, harness.Fail, `1 case failed: "c1"`},
		"nothing left":         {20, "2026-12-01", false, []string{"must_pass: [c1]", flaky}, harness.Inconclusive, "0 of 0 cases passed"},
		"one is always fine":   {3, "2026-12-01", false, []string{must, flaky}, harness.Pass, "1 case"},
		"the fortieth is fine": {40, "2026-12-01", false, []string{must, "quarantine: [{case: c1, until: 2027-01-01, reason: x}, {case: c3, until: 2027-01-01, reason: x}]"}, harness.Pass, "1 case"},
		"too many":             {39, "2026-12-01", false, []string{must, "quarantine: [{case: c1, until: 2027-01-01, reason: x}, {case: c3, until: 2027-01-01, reason: x}]"}, harness.Inconclusive, "1 case"},
		"of a part":            {39, "2026-12-01", true, []string{must, "quarantine: [{case: c1, until: 2027-01-01, reason: x}, {case: c3, until: 2027-01-01, reason: x}]"}, harness.Pass, "1 case"},
	} {
		t.Run(name, func(t *testing.T) {
			r := judgedWith(t, test.cases, test.day, test.partial, []string{"c1"}, test.checks...)
			assert.Equal(t, test.want, r.Verdict)
			assert.Contains(t, r.Gate[0].Reason, test.says)
		})
	}
	r := judgedWith(t, 20, "2027-01-01", false, nil, must, flaky)
	assert.Equal(t, []string{`the quarantine of case "c1" has ended on 2026-12-31: it counts again (why, so)`}, r.Warnings)
	assert.Empty(t, r.Quarantine)
	r = judgedWith(t, 20, "2026-01-01", false, nil, must, "quarantine: [{case: gone, until: 2027-01-01, reason: x}]")
	assert.Equal(t, []string{`case "gone" is in quarantine and not in the run`}, r.Warnings)
	assert.Empty(t, judgedWith(t, 20, "2026-01-01", true, nil, must, "quarantine: [{case: gone, until: 2027-01-01, reason: x}]").Warnings)
	assert.Len(t, judgedWith(t, 20, "2026-01-01", false, nil, must, flaky).Quarantine, 1)
}

// A quarantine is no gate: with nothing scored a run stays inconclusive.
func TestQuarantineIsNoGate(t *testing.T) {
	r := judgedWith(t, 20, "2026-01-01", false, nil, "quarantine: [{case: c1, until: 2027-01-01, reason: x}]")
	assert.Equal(t, harness.Inconclusive, r.Verdict)
}

func TestQuarantineMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"quarantine: [{case: a, until: tomorrow, reason: x}]":    "expected a day",
		"quarantine: [{case: a, until: 2026-12-31}]":             `"reason" is missing`,
		"quarantine: [{case: '', until: 2026-12-31, reason: x}]": "case is empty",
		"quarantine: []":  "expected a list",
		"quarantine":      "expected a list",
		"quarantine: [a]": "expected",
	} {
		_, err := gate.Parse(text)
		assert.ErrorContains(t, err, want, text)
	}
}
