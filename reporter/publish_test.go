package reporter

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
)

// published is a report of a run that passed and was posted.
func published(p harness.Publish) Data {
	d := data(fixtureResults()[:2])
	d.Report.Verdict, d.Report.Cases.Planned, d.Report.Status = harness.Pass, 1, harness.Complete
	p.Platform, p.EvaluationID = "sgp", "ev_7"
	d.Report.Publish = &p
	return d
}

func TestAuditShown(t *testing.T) {
	at := time.Date(2026, 5, 17, 9, 31, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		publish harness.Publish
		audit   string // in a row of the table, "" for none
		trouble string
		clean   bool
	}{
		"all is well":     {harness.Publish{Posted: 1200, Audit: &harness.Audit{Found: 1200, At: at}}, "1,200 found, each once", "", true},
		"nothing to post": {harness.Publish{}, "", "", true},
		"not asked":       {harness.Publish{Posted: 2}, "not made: what the platform has is not known", "", false},
		"duplicated": {harness.Publish{Posted: 2, Audit: &harness.Audit{Found: 2, Duplicated: 3, At: at}}, "2 found · 3 duplicated",
			"the platform does not have each result once: 3 duplicated", false},
		"everything": {harness.Publish{Posted: 2, Audit: &harness.Audit{Found: 1, Lost: 1, Duplicated: 2, Unexpected: 3, At: at}},
			"1 found · 1 lost · 2 duplicated · 3 unexpected", "1 lost · 2 duplicated · 3 unexpected", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := published(tc.publish)
			assert.Equal(t, tc.clean, d.Report.Publish.Clean())
			for _, r := range []Reporter{Table{}, Table{PublishOnly: true}, Markdown{}, JUnit{}} {
				out := write(t, r, d)
				assert.Contains(t, out, tc.audit)
				assert.Equal(t, tc.audit != "", strings.Contains(out, "audit"), out)
				assert.Contains(t, out, tc.trouble)
			}
			only := write(t, Table{PublishOnly: true}, d)
			assert.Equal(t, tc.clean, strings.HasPrefix(only, "✓ POSTED  support-bot\n"), only)
			assert.Equal(t, tc.clean, !strings.Contains(write(t, JUnit{}, d), "<error"), "a reader of JUnit alone sees it")
			assert.Equal(t, tc.publish.Audit == nil, strings.Contains(write(t, JSON{}, d), `"audit": null`))
		})
	}
}

func TestPublishOnly(t *testing.T) {
	d := fixture()
	d.Results = func(func(harness.Result, error) bool) { t.Error("the results are read") }
	d.Report.Publish.Rejected = 45
	golden(t, "publish.txt", write(t, Table{PublishOnly: true}, d))
	assert.Contains(t, write(t, Markdown{}, fixture()), "### Rejected: 1 result, in the platform's words\n")
	d.Report.Publish = nil
	assert.Equal(t, "• nothing is published\n", write(t, Table{PublishOnly: true}, d))
}
