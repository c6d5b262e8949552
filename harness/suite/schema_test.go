package suite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
)

func compiled(t *testing.T) *jsonschema.Schema {
	data, err := suite.Schema(suite.Options{})
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("suite.json", doc))
	s, err := c.Compile("suite.json")
	require.NoError(t, err)
	return s
}

// value is a suite file as JSON would have it.
func value(t *testing.T, name string, data []byte) any {
	n, err := strict.Parse(name, data)
	require.NoError(t, err)
	var v any
	require.NoError(t, n.Decode(&v))
	return v
}

func TestSchemaAcceptsGoodSuites(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/good/*.yaml")
	require.NoError(t, err)
	shipped, err := filepath.Glob("../../suites/*.yaml")
	require.NoError(t, err)
	public, err := filepath.Glob("../../suites/public/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.NotEmpty(t, shipped)
	require.NotEmpty(t, public)
	for _, file := range slices.Concat(files, shipped, public) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, s.Validate(value(t, file, data)), file)
	}
	assert.NoError(t, s.Validate(value(t, "starter", []byte(suite.Starter()["suite.yaml"]))))
}

func TestSchemaRefusesUnknownKeys(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/bad/unknown-*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	more, err := filepath.Glob("testdata/bad/wrong-type*.yaml")
	require.NoError(t, err)
	for _, file := range append(files, more...) {
		if strings.Contains(file, "metric") || strings.Contains(file, "report") {
			continue // names that no schema can know
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Error(t, s.Validate(value(t, file, data)), file)
	}
	for _, file := range []string{
		"two-kinds-of-app", "app-and-apps", "two-datasets", "no-app", "no-name", "empty-cases", "negative-trials",
		"bad-evaluator-option", "bad-rate", "publish-nothing", "bad-compound-checks", "no-evaluators", "start-without-ready",
	} {
		data, err := os.ReadFile("testdata/bad/" + file + ".yaml")
		require.NoError(t, err)
		assert.Error(t, s.Validate(value(t, file, data)), file)
	}
}

// TestSchemaIsStable: the same schema each time, so that a copy of it that is
// kept in a repository changes only with the format.
func TestSchemaIsStable(t *testing.T) {
	a, err := suite.Schema(suite.Options{})
	require.NoError(t, err)
	b, err := suite.Schema(suite.Options{})
	require.NoError(t, err)
	assert.Equal(t, string(a), string(b))
	assert.Contains(t, string(a), `"$schema": "https://json-schema.org/draft/2020-12/schema"`)
}

func TestStarter(t *testing.T) {
	dir := t.TempDir()
	for name, text := range suite.Starter() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	o := options()
	o.Getenv = func(string) (string, bool) { return "", false }
	s, err := suite.Load(filepath.Join(dir, "suite.yaml"), o)
	require.NoError(t, err)
	assert.Equal(t, "echo", s.Apps[0].Kind)
	assert.Len(t, s.Dataset.Cases, 5)
	assert.Len(t, s.Gate, 3)
}
