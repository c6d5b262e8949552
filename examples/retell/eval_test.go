package main

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/evaltest"
)

// TestEval is a suite as a Go test: each test case is a subtest, and the gate
// another one.
func TestEval(t *testing.T) {
	platform, err := standIn("cases.yaml", 1000)
	require.NoError(t, err)
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	t.Setenv("RETELL_BASE_URL", server.URL)
	t.Setenv("RETELL_API_KEY", "any")
	report := evaltest.Suite(t, "eval.yaml")
	if report == nil { // -run chose none
		return
	}
	require.NotNil(t, report.Metric("retell"))
	assert.EqualValues(t, 5*report.Cases.Planned, report.Trials.Completed)
}
