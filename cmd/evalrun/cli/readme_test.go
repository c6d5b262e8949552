package cli_test

import (
	"fmt"
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
	dir := userModule(t)
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
	out, err := goCommand(t, dir, "test", "-v", "-run", "TestSupportBot", ".")
	require.NoError(t, err, "%s", out)
	require.Contains(t, out, "--- PASS: TestSupportBot/case/late-parcel")
}

// TestProgramsOfTheDocumentation compiles the whole programs in package comments.
func TestProgramsOfTheDocumentation(t *testing.T) {
	const answer = "\nfunc %s(ctx context.Context, input string) (string, error) { return input, nil }\n"
	dir := userModule(t)
	write(t, dir, "evaluator/main.go", documented(t, "evaluator/doc.go", "package main"))
	write(t, dir, "harness/main.go", documented(t, "harness/doc.go", "package main")+fmt.Sprintf(answer, "answer"))
	write(t, dir, "evaltest/bot_test.go", documented(t, "harness/evaltest/doc.go", "package bot"))
	write(t, dir, "evaltest/bot.go", "package bot\n\nimport \"context\"\n"+fmt.Sprintf(answer, "Answer"))
	out, err := goCommand(t, dir, "vet", "./...")
	require.NoError(t, err, "%s", out)
}

// documented is the first code block of a package comment that has that first line.
func documented(t *testing.T, file, first string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../..", file))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(data), "//\t"+first+"\n")
	require.True(t, found, "%s has a program that begins with %s", file, first)
	text := first + "\n"
	for line := range strings.Lines(rest) {
		code, ok := strings.CutPrefix(line, "//\t")
		if !ok && line != "//\n" {
			break
		}
		if !ok {
			code = "\n"
		}
		text += code
	}
	return text
}

// userModule is the folder of a module that uses this one.
func userModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	own := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(module), "module example.com/bot")
	write(t, dir, "go.mod", own+"\nrequire github.com/evalrun/evalrun v0.0.0\nreplace github.com/evalrun/evalrun => "+root+"\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write(t, dir, "go.sum", string(sum))
	return dir
}

func goCommand(t *testing.T, dir string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
