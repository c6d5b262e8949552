package evaluator

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// vector is one entry of testdata/NAME.yaml. Exactly one outcome is given: a
// value (with or without a verdict), an error, or an error of building.
type vector struct {
	Name     string         `yaml:"name"`
	Options  strict.Node    `yaml:"options"` // not given: the bare name
	Input    any            `yaml:"input"`
	Output   any            `yaml:"output"`
	Expected any            `yaml:"expected"`
	Extra    any            `yaml:"extra"`
	Metadata map[string]any `yaml:"metadata"`
	Latency  time.Duration  `yaml:"latency"`
	Cost     *float64       `yaml:"cost"`
	Tokens   *int64         `yaml:"tokens"`

	Value      *float64 `yaml:"value"`
	Pass       *bool    `yaml:"pass"`
	Reason     string   `yaml:"reason"` // a part of it
	Error      string   `yaml:"error"`  // a part of it
	BuildError string   `yaml:"build_error"`
}

func (v vector) trial() harness.Trial {
	t := harness.Trial{
		Case:   harness.Case{ID: "case", Input: v.Input, Expected: v.Expected, Extra: v.Extra, Metadata: v.Metadata},
		Number: 1, Output: harness.Output{Value: v.Output, CostUSD: v.Cost}, Latency: v.Latency,
	}
	if v.Tokens != nil {
		t.Output.Usage = &harness.Usage{OutputTokens: *v.Tokens}
	}
	return t
}

// entry is the suite's entry for an evaluator with these options.
func (v vector) entry(name string) strict.Node {
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: 1, Column: 1}
	if v.Options.Node == nil {
		return strict.Node{Node: key, File: "suite.yaml"}
	}
	return strict.Node{File: "suite.yaml", Node: &yaml.Node{
		Kind: yaml.MappingNode, Tag: "!!map", Line: key.Line, Column: 1, Content: []*yaml.Node{key, v.Options.Node},
	}}
}

func readVectors(t *testing.T, name string) []vector {
	t.Helper()
	path := filepath.Join("testdata", name+".yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err, "%s has no vectors", name)
	n, err := strict.Parse(path, data)
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, n.Decode(&vectors))
	require.NotEmpty(t, vectors, "%s is empty", path)
	return vectors
}

func testEnv(t *testing.T) Env {
	t.Helper()
	return Env{Dir: "testdata", Concurrency: 2}
}

// TestVectors holds every evaluator, under every one of its names, to its file of
// vectors.
func TestVectors(t *testing.T) {
	r := NewRegistry()
	for _, d := range r.Definitions() {
		vectors := readVectors(t, d.Name)
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			for _, v := range vectors {
				t.Run(name+"/"+v.Name, func(t *testing.T) { v.run(t, r, name) })
			}
		}
	}
}

func (v vector) run(t *testing.T, r *Registry, name string) {
	e, err := r.Build(v.entry(name), testEnv(t))
	if v.BuildError != "" {
		require.ErrorContains(t, err, v.BuildError)
		assert.ErrorContains(t, err, "suite.yaml:", "the error says where")
		return
	}
	require.NoError(t, err)
	if c, ok := e.(io.Closer); ok {
		defer func() { assert.NoError(t, c.Close()) }()
	}
	scores, err := e.Evaluate(context.Background(), v.trial())
	if v.Error != "" {
		require.ErrorContains(t, err, v.Error)
		assert.Empty(t, scores)
		return
	}
	require.NoError(t, err)
	require.Len(t, scores, 1)
	s := scores[0]
	require.NotNil(t, v.Value, "the vector gives no outcome")
	assert.InDelta(t, *v.Value, s.Value, 1e-6, "reason: %s", s.Reason)
	assert.Equal(t, v.Pass, s.Pass, "reason: %s", s.Reason)
	assert.Contains(t, s.Reason, v.Reason)
	if s.Pass != nil && !*s.Pass {
		assert.NotEmpty(t, s.Reason, "a failure says why")
	}
	assert.LessOrEqual(t, len(s.Reason), maxReason)
}

// TestDefinitions finds evaluators without documentation, vectors of each
// outcome, or an entry in the package's table; and files of no evaluator.
func TestDefinitions(t *testing.T) {
	table, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	r := NewRegistry()
	files := map[string]bool{}
	for _, d := range r.Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			files[d.Name+".yaml"] = true
			assert.Greater(t, len(d.Doc), 40, "documentation")
			assert.True(t, strings.HasSuffix(strings.TrimSuffix(d.Doc, ")"), "."), "the documentation is of whole sentences: %s", d.Doc)
			for _, name := range append([]string{strings.TrimPrefix(d.Name, "not-")}, d.Aliases...) {
				assert.Regexp(t, `(?m)^//\t.*\b`+name+`\b`, string(table), "doc.go lists it")
			}
			var passes, fails, errs, names int
			seen := map[string]bool{}
			for _, v := range readVectors(t, d.Name) {
				switch {
				case v.BuildError != "" || v.Error != "":
					errs++
				case v.Pass != nil && *v.Pass:
					passes++
				case v.Pass != nil:
					fails++
				}
				if seen[v.Name] {
					names++
				}
				seen[v.Name] = true
			}
			assert.Positive(t, passes, "a vector that passes")
			assert.Positive(t, fails, "a vector that fails")
			assert.Positive(t, errs, "a vector with an error")
			assert.Zero(t, names, "vectors of one name")
		})
	}
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, f := range entries {
		if strings.HasSuffix(f.Name(), ".yaml") {
			assert.True(t, files[f.Name()], "testdata/%s belongs to no evaluator", f.Name())
		}
	}
	assert.True(t, slices.IsSortedFunc(r.Definitions(), func(a, b Definition) int { return strings.Compare(a.Name, b.Name) }))
}
