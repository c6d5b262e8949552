// Package suites_test runs the suites that come with evalrun, as a user would.
package suites_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/suite"
)

// shipped lists the suites, the quickstart among them.
func shipped(t *testing.T) []string {
	paths, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	require.Contains(t, paths, "quickstart.yaml")
	public, err := filepath.Glob("public/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, public)
	return append(paths, public...)
}

// load reads a suite. One over public data that is not here skips the test; in
// CI the data has to be there.
func load(t *testing.T, path string) *suite.Suite {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	if strings.Contains(string(text), "\nretell:\n") {
		s, err := suite.Load(path, suite.Options{})
		require.NoError(t, err)
		return s
	}
	file := regexp.MustCompile(`(?m)^  file: (\S+)$`).FindSubmatch(text)
	require.NotNil(t, file, "%s has no dataset file", path)
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(file[1]))); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip("the public data of this suite is not here: " + err.Error())
	}
	s, err := suite.Load(path, suite.Options{AllowPath: strings.HasPrefix(path, "public")})
	require.NoError(t, err)
	return s
}

// report is what these tests read of the JSON report.
type report struct {
	Status, Verdict string
	Cases           struct{ Planned, Completed, Errored int }
	Evaluators      map[string]struct {
		N        int
		PassRate *float64 `json:"pass_rate"`
	}
	Gate struct {
		Checks []struct{ Check, Verdict, Reason string }
	}
}

// run runs a suite from the project's root, as the README says.
func run(t *testing.T, path string) (code int, r report) {
	t.Chdir("..")
	out := filepath.Join(t.TempDir(), "report.json")
	args := []string{"run", "--quiet", "--store", t.TempDir(), "-o", "json:" + out, "suites/" + path}
	if strings.HasPrefix(path, "public") {
		args = append(args, "--allow-path")
	}
	var stdout, stderr bytes.Buffer
	code = cli.Run(t.Context(), cli.Config{Args: args, Stdout: &stdout, Stderr: &stderr})
	data, err := os.ReadFile(out)
	require.NoError(t, err, "%s%s", &stdout, &stderr)
	require.NoError(t, json.Unmarshal(data, &r))
	return code, r
}

func TestEverySuitePasses(t *testing.T) {
	for _, path := range shipped(t) {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			s := load(t, path)
			assert.NotEmpty(t, s.Description)
			assert.NotEmpty(t, s.Gate, "a suite without a gate shows nothing")
			readme, err := os.ReadFile("README.md")
			require.NoError(t, err)
			assert.Contains(t, string(readme), "`"+path+"`", "the README lists it")
			code, r := run(t, path)
			for _, c := range r.Gate.Checks {
				assert.Equal(t, "pass", c.Verdict, "%s: %s", c.Check, c.Reason)
			}
			assert.Zero(t, code)
			assert.Equal(t, "complete", r.Status)
			assert.Equal(t, "pass", r.Verdict)
			assert.Positive(t, r.Cases.Completed)
			assert.Zero(t, r.Cases.Errored)
		})
	}
}

// TestTheQuickstartTeaches that an app is seldom right on everything, and that a
// gate leaves room.
func TestTheQuickstartTeaches(t *testing.T) {
	s := load(t, "quickstart.yaml")
	i := slices.IndexFunc(s.Gate, func(c gate.Check) bool { return c.Metric == "icontains" && c.Stat == "pass_rate" })
	require.GreaterOrEqual(t, i, 0)
	_, r := run(t, "quickstart.yaml")
	assert.GreaterOrEqual(t, r.Cases.Completed, 40)
	rate := r.Evaluators["icontains"].PassRate
	require.NotNil(t, rate)
	assert.Less(t, *rate, 1.0, "some answers are wrong")
	assert.GreaterOrEqual(t, *rate, s.Gate[i].Limit+0.05, "the gate is well below what is measured")
}
