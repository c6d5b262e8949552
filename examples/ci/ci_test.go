// Package ci runs the workflow in this folder.
package ci

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/examples/internal/build"
)

// workflow is the part of GitHub's format that evals.yml uses; any other key is an
// error.
type workflow struct {
	Name string
	On   struct {
		PullRequest *struct{}                   `yaml:"pull_request"`
		Push        struct{ Branches []string } `yaml:"push"`
	}
	Permissions map[string]string
	Concurrency struct {
		Group  string
		Cancel string `yaml:"cancel-in-progress"`
	}
	Jobs map[string]struct {
		RunsOn  string `yaml:"runs-on"`
		Timeout int    `yaml:"timeout-minutes"`
		Steps   []step
	}
}

type step struct {
	Name, If, Uses, Run string
	With                map[string]string
}

func steps(t *testing.T) []step {
	t.Helper()
	data, err := os.ReadFile(".github/workflows/evals.yml")
	require.NoError(t, err)
	var w workflow
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	require.NoError(t, d.Decode(&w))
	require.Contains(t, string(data), "\n  pull_request:\n")
	require.Equal(t, []string{"main"}, w.On.Push.Branches)
	require.Len(t, w.Jobs, 1)
	require.NotEmpty(t, w.Jobs["evals"].Steps)
	return w.Jobs["evals"].Steps
}

// job does the steps as GitHub would, for one event in one clone.
type job struct {
	event     string // push or pull_request
	dir       string
	cache     map[string]string // what cache/save has kept, by path
	failed    string            // the name of the step that did
	said      string            // by the step that runs the evals
	summary   string
	artifacts map[string]string
}

// wanted tells whether a step's condition holds.
func (j *job) wanted(t *testing.T, s step) bool {
	switch s.If {
	case "":
		return j.failed == ""
	case "github.event_name == 'push'":
		return j.failed == "" && j.event == "push"
	case "github.event_name == 'pull_request'":
		return j.failed == "" && j.event == "pull_request"
	case "${{ !cancelled() }}":
		return true
	}
	t.Fatalf("step %q: this test does not know the condition %q", s.Name, s.If)
	return false
}

// action stands for the actions of others.
func (j *job) action(t *testing.T, s step) {
	name, version, pinned := strings.Cut(s.Uses, "@")
	require.True(t, pinned && version != "", s.Uses)
	path := filepath.Join(j.dir, s.With["path"])
	switch name {
	case "actions/checkout":
	case "actions/setup-go":
		assert.FileExists(t, filepath.Join(j.dir, s.With["go-version-file"]))
	case "actions/cache/restore":
		if data, ok := j.cache[s.With["path"]]; ok {
			require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
		}
	case "actions/cache/save":
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		j.cache[s.With["path"]] = string(data)
	case "actions/upload-artifact":
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		j.artifacts[s.With["path"]] = string(data)
	default:
		t.Fatalf("this test does not know the action %s", s.Uses)
	}
}

// run does a step's commands as GitHub does: bash -e, without secrets.
func (j *job) run(t *testing.T, s step) {
	require.NotContains(t, s.Run, "${{", "values of GitHub in a script can be code of others: give them as env")
	summary := filepath.Join(t.TempDir(), "summary.md")
	require.NoError(t, os.WriteFile(summary, nil, 0o600))
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", s.Run)
	cmd.Dir = j.dir
	cmd.Env = append(os.Environ(), "CI=true", "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+summary, "GOPROXY=off", "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil && j.failed == "" {
		j.failed = s.Name
	}
	if strings.Contains(s.Run, " run suite.yaml") {
		j.said = string(out)
	} else {
		require.NoError(t, err, "%s: %s", s.Name, out)
	}
	data, err := os.ReadFile(summary)
	require.NoError(t, err)
	j.summary += string(data)
}

// repository makes the files of this folder a module of its own, as a user's is, with
// evalrun as its tool.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(".")))
	require.NoError(t, os.Remove(filepath.Join(dir, "ci_test.go")))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	own := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(module), "module example.com/capitals")
	own += "\nrequire github.com/evalrun/evalrun v0.0.0\nreplace github.com/evalrun/evalrun => " + root +
		"\ntool github.com/evalrun/evalrun/cmd/evalrun\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(own), 0o600))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o600))
	return dir
}

// TestWorkflow does the steps for a push to main, and then for three pull requests:
// before there is a baseline, one that changes nothing, and one that loses answers.
func TestWorkflow(t *testing.T) {
	build.Need(t, "bash")
	build.Need(t, "go")
	all, cache := steps(t), map[string]string{}
	do := func(event string, change func(dir string)) *job {
		j := &job{event: event, dir: repository(t), cache: cache, artifacts: map[string]string{}}
		change(j.dir)
		for _, s := range all {
			require.NotEqual(t, s.Uses == "", s.Run == "", "%s: one of uses and run", s.Name)
			switch {
			case !j.wanted(t, s):
			case s.Uses != "":
				j.action(t, s)
			default:
				j.run(t, s)
			}
		}
		assert.Contains(t, j.artifacts["out/evals.junit.xml"], "<testsuite", event)
		return j
	}
	nothing := func(string) {}

	first := do("pull_request", nothing)
	require.Empty(t, first.failed, first.said)
	assert.Contains(t, first.said, "::notice::There is no baseline")
	assert.Empty(t, cache, "a pull request makes no baseline")

	main := do("push", nothing)
	require.Empty(t, main.failed, main.said)
	require.Equal(t, []string{"baseline.json"}, slices.Collect(maps.Keys(cache)))
	assert.Contains(t, main.summary, "capitals")

	same := do("pull_request", nothing)
	require.Empty(t, same.failed, same.said)
	assert.Contains(t, same.said, "no_regression")

	worse := do("pull_request", func(dir string) {
		path := filepath.Join(dir, "bot", "capitals.txt")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		lines := strings.SplitAfter(string(data), "\n")
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines[10:], "")), 0o600))
	})
	assert.Equal(t, "Run the evals", worse.failed, worse.said)
	assert.Contains(t, worse.said, "✗  no_regression")
	_, changed, compared := strings.Cut(worse.summary, "### `latest` against `baseline.json`")
	require.True(t, compared, worse.summary)
	assert.Contains(t, changed, "`austria`", "the cases that changed sides")
	assert.Contains(t, worse.artifacts["out/evals.junit.xml"], "<failure")
}
