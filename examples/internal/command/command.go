// Package command runs evalrun in the tests of the examples.
package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
)

// Report is what the tests read of a report in JSON.
type Report struct {
	Status, Verdict string
	Cases           struct{ Planned, Completed, Errored int }
	Evaluators      map[string]struct {
		N        int
		Mean     *float64
		PassRate *float64 `json:"pass_rate"`
	}
	Gate struct {
		Checks []struct{ Check, Verdict, Reason string }
	}
}

// Outcome is how a command ended.
type Outcome struct {
	Code           int
	Stdout, Stderr string
	// Reports are those of a run, by app: its name, or its kind where there is one only.
	Reports map[string]Report
}

// Run runs the suite in a file, with a store of the test's.
func Run(t testing.TB, c cli.Config, suite string, args ...string) Outcome {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	c.Args = append([]string{"run", suite, "--store", filepath.Join(dir, "store"), "-o", "json:" + filepath.Join(dir, "report.{app}.json")}, args...)
	o := Outcome{Code: cli.Run(t.Context(), c), Reports: map[string]Report{}}
	o.Stdout, o.Stderr = stdout.String(), stderr.String()
	files, err := filepath.Glob(filepath.Join(dir, "report.*.json"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var r Report
		require.NoError(t, json.Unmarshal(data, &r))
		app := filepath.Base(file)
		o.Reports[app[len("report."):len(app)-len(".json")]] = r
	}
	return o
}

// Passes runs a suite of one app, which has to pass, and gives its report.
func Passes(t testing.TB, c cli.Config, suite string, args ...string) Report {
	t.Helper()
	o := Run(t, c, suite, args...)
	require.Zero(t, o.Code, "%s%s", o.Stdout, o.Stderr)
	require.Len(t, o.Reports, 1)
	for _, r := range o.Reports {
		require.Equal(t, "complete", r.Status)
		require.Equal(t, "pass", r.Verdict)
		require.Zero(t, r.Cases.Errored)
		return r
	}
	return Report{}
}
