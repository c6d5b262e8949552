package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

// block gives the first fenced block of that language in the README.
func block(t *testing.T, language string) string {
	t.Helper()
	data, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(data), "\n```"+language+"\n")
	require.True(t, found, "the README has a %s block", language)
	text, _, found := strings.Cut(rest, "\n```\n")
	require.True(t, found)
	return text + "\n"
}

// write puts a file below dir.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestReadmeSuiteIsValid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "data/support.jsonl", `{"ticket": "1", "question": "q", "answer": "a"}`)
	write(t, dir, "suite.yaml", block(t, "yaml"))
	s, err := suite.Load(filepath.Join(dir, "suite.yaml"), suite.Options{})
	require.NoError(t, err)
	require.Equal(t, 3, s.Trials)
	require.Len(t, s.Gate, 4)
}

// TestReadmeGoRuns runs the README's test in a module of its own, as a user's.
func TestReadmeGoRuns(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	write(t, dir, "bot_test.go", `package bot_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/evaltest"
)

type answerer struct{}

func (answerer) Answer(_ context.Context, input string) (string, error) { return "Here is the tracking link.", nil }

var bot answerer

`+block(t, "go"))
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	own := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(module), "module example.com/bot")
	write(t, dir, "go.mod", own+"\nrequire github.com/evalrun/evalrun v0.0.0\nreplace github.com/evalrun/evalrun => "+root+"\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write(t, dir, "go.sum", string(sum))
	cmd := exec.CommandContext(t.Context(), "go", "test", "-v", "-run", "TestSupportBot", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestSupportBot/case/late-parcel")
}
