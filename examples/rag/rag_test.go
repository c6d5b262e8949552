// Package rag tests the suite of this folder.
package rag

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/examples/internal/build"
	"github.com/evalrun/evalrun/examples/internal/command"
)

func TestSuite(t *testing.T) {
	build.Need(t, "go")
	r := command.Passes(t, cli.Config{}, "suite.yaml")
	assert.Equal(t, 18, r.Cases.Completed)
	for metric, want := range map[string]float64{
		"recall":    17.0 / 18, // words that the handbook does not have find nothing
		"icontains": 15.0 / 18, // and twice the nearest sentence is another one
		"grounded":  1,
	} {
		require.NotNil(t, r.Evaluators[metric].PassRate, metric)
		assert.InDelta(t, want, *r.Evaluators[metric].PassRate, 1e-3, metric)
	}
	require.NotNil(t, r.Evaluators["precision"].Mean)
	assert.Less(t, *r.Evaluators["precision"].Mean, 0.9, "two passages are retrieved where one is enough")
}

// TestTheScoresTellAppsApart: an app that retrieves nothing fails.
func TestTheScoresTellAppsApart(t *testing.T) {
	text, err := os.ReadFile("suite.yaml")
	require.NoError(t, err)
	const app = "exec: {command: [go, run, ./app], protocol: jsonl}"
	require.Contains(t, string(text), app)
	dir := t.TempDir()
	suite := filepath.Join(dir, "suite.yaml")
	require.NoError(t, os.WriteFile(suite, []byte(strings.Replace(string(text), app, "echo: {}", 1)), 0o600))
	questions, err := os.ReadFile("questions.jsonl")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "questions.jsonl"), questions, 0o600))

	o := command.Run(t, cli.Config{}, suite)
	require.Equal(t, 1, o.Code, "%s%s", o.Stdout, o.Stderr)
	r := o.Reports["echo"]
	for metric, want := range map[string]float64{"recall": 1.0 / 18, "grounded": 0} {
		require.NotNil(t, r.Evaluators[metric].PassRate, metric)
		assert.InDelta(t, want, *r.Evaluators[metric].PassRate, 1e-3, metric)
	}
}
