package suite_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
)

var update = flag.Bool("update", false, "rewrite the expected errors")

const (
	key  = "sk-s3cret-value"
	long = "a-very-long-secret-that-is-longer-than-what-an-error-shows-of-any-text-0123456789"
)

// options are for tests: an environment of their own, and some report formats.
func options() suite.Options {
	env := map[string]string{"KEY": key, "LONG": long, "EMPTY": "", "CONCURRENCY": "8"}
	return suite.Options{
		Getenv:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Formats: []string{"table", "json", "jsonl", "csv", "junit", "markdown", "html"},
	}
}

// told is an error as a user sees it, hints included.
func told(err error) string {
	var b strings.Builder
	for _, e := range strict.Flatten(err) {
		fmt.Fprintln(&b, e.Error())
		if known, _, ok := strings.Cut(e.Hint, "known evaluators: "); ok {
			e.Hint = known + "known evaluators: …" // a list that grows
		}
		if e.Hint != "" {
			fmt.Fprintln(&b, "  hint:", e.Hint)
		}
	}
	return b.String()
}

func TestBadSuites(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := suite.Load(file, options())
			require.Error(t, err)
			got := told(err)
			golden := strings.TrimSuffix(file, ".yaml") + ".err"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
			for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
				assert.Regexp(t, `^(testdata/bad/[a-z0-9-]+\.yaml:(\d+:\d+:)? .|  hint: .)`, line)
			}
			assert.NotContains(t, got, key)
			assert.NotContains(t, got, long[:10])
		})
	}
}

func TestUnreadableSuites(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	quick := write("quickstart.yaml", "")
	for name, c := range map[string]struct{ path, want string }{
		"missing":         {filepath.Join(dir, "quikstart.yaml"), `no such file; did you mean "quickstart.yaml"?`},
		"folder":          {dir, "is a folder; expected a suite file"},
		"empty":           {quick, "the file is empty"},
		"5 MB of nothing": {write("a.yaml", strings.Repeat("\n", 5<<20)), "the file is empty"},
		"5 MB of items":   {write("b.yaml", strings.Repeat("- a\n", 5<<18)), "the file has more than 1000000 keys, values and items"},
		"5 MB of text":    {write("c.yaml", "name: "+strings.Repeat("long ", 1<<20)), "dataset"},
		"9 MB":            {write("d.yaml", strings.Repeat("#", 9<<20)), "the file has 8.0 MB; the most is 8 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := suite.Load(c.path, options())
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.True(t, strings.HasPrefix(err.Error(), c.path), err)
		})
	}
}

func TestLargeSuite(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: large\napp: echo\nevaluators: [equals]\ndataset:\n  cases:\n")
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, "  - {id: c%d, input: what is the answer to question %d, expected: it is forty-two}\n", i, i)
	}
	s, err := suite.Parse("large.yaml", []byte(b.String()), options())
	require.NoError(t, err)
	assert.Greater(t, len(s.Dataset.Cases), 50_000)
}

func TestEverything(t *testing.T) {
	s, err := suite.Load("testdata/good/everything.yaml", options())
	require.NoError(t, err)
	assert.Equal(t, "everything", s.Name)
	assert.Equal(t, "Uses every key once; costs ${env:NOTHING} here.", s.Description)
	dir, err := filepath.Abs("testdata/good")
	require.NoError(t, err)
	assert.Equal(t, dir, s.Dir)
	assert.Equal(t, "data/cases.jsonl", s.Dataset.String())
	require.Len(t, s.Apps, 2)
	assert.Equal(t, "small echo, large exec", s.Apps[0].Name+" "+s.Apps[0].Kind+", "+s.Apps[1].Name+" "+s.Apps[1].Kind)
	assert.Equal(t, &suite.Start{
		Command: []string{"server", "--token", key}, Ready: "http://127.0.0.1:8080/health", Wait: 5 * time.Second,
		Env: map[string]string{"TOKEN": key, "LITERAL": "${env:KEY}"}, Dir: filepath.Join(dir, "data"),
	}, s.Start)
	assert.Equal(t, []string{"equals", "contains", "greets"}, s.Metrics)
	assert.Equal(t, 3, s.Trials)
	assert.Equal(t, 8, s.Concurrency)
	assert.Equal(t, 90*time.Second, s.Timeout)
	assert.Equal(t, 0, s.Retries)
	assert.Equal(t, 600.0, s.RateLimit)
	assert.Equal(t, 0.5, s.Sample)
	assert.EqualValues(t, 42, s.Seed)
	assert.Equal(t, "pass_at_k:2", s.Reduce.String())
	require.Len(t, s.Gate, 9)
	assert.Equal(t, "no_regression: {baseline: main, margin: 2%, metrics: [equals]}", s.Gate[6].Text)
	assert.Equal(t, 0.02, s.Gate[6].Compare.Margin)
	assert.Equal(t, []string{"greeting", "late: parcel"}, s.Gate[8].MustPass.Cases)
	for _, c := range s.Gate {
		again, err := gate.Parse(c.Text)
		require.NoError(t, err)
		assert.Equal(t, c, again, "a run is judged again by its text")
	}
	assert.Equal(t, "equals.pass_rate >= 90%", s.Gate[0].Text)
	assert.Equal(t, []suite.Report{{Format: "table"}, {Format: "junit", Path: "out/report.junit.xml"}, {Format: "html", Path: "out/report.html"}}, s.Reports)
	assert.ElementsMatch(t, []string{key, "8"}, s.Secrets)
	assert.NotContains(t, string(s.Text), key)

	evaluators, err := s.BuildEvaluators(evaluator.Env{})
	require.NoError(t, err)
	assert.Len(t, evaluators, 3)
	app, err := s.App("small", target.Env{})
	require.NoError(t, err)
	out, err := app.Respond(t.Context(), harness.Input{Value: "hello"})
	require.NoError(t, err)
	assert.Equal(t, "hello", out.Text())
	_, err = s.App("", target.Env{})
	assert.ErrorContains(t, err, "there are small or large")
}

func TestDefaults(t *testing.T) {
	s, err := suite.Load("testdata/good/inline.yaml", options())
	require.NoError(t, err)
	assert.Equal(t, 1, s.Trials)
	assert.Equal(t, 16, s.Concurrency)
	assert.Equal(t, 30*time.Second, s.Timeout)
	assert.Equal(t, 2, s.Retries)
	assert.Zero(t, s.RateLimit)
	assert.Equal(t, 1.0, s.Sample)
	assert.Nil(t, s.Publish)
	assert.Nil(t, s.Start)
	assert.Empty(t, s.Secrets)
	assert.Equal(t, "echo", s.Apps[0].Name)
	_, err = s.App("", target.Env{})
	assert.NoError(t, err)
}

func TestInlineCases(t *testing.T) {
	s, err := suite.Load("testdata/good/inline.yaml", options())
	require.NoError(t, err)
	assert.Equal(t, "3 inline cases", s.Dataset.String())
	assert.Equal(t, harness.Cases{
		{ID: "1", Input: "hi ${env:NOT_READ}", Origin: "testdata/good/inline.yaml:4"},
		{
			ID: "two", Input: map[string]any{"question": "why", "n": 1.0}, Expected: 42.0, Metadata: map[string]any{"k": "v"},
			Cluster: "doc", Extra: []any{"a"}, History: []any{}, Seq: 1, Origin: "testdata/good/inline.yaml:5",
		},
		{ID: "007", Input: "3.10", Seq: 2, Origin: "testdata/good/inline.yaml:6"},
	}, s.Dataset.Cases)
	source, err := s.Source(t.Context())
	require.NoError(t, err)
	page, err := source.Page(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, page.Cases, 3)
	digest, err := source.(interface{ Digest() (string, error) }).Digest()
	require.NoError(t, err)
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", digest)
}

func TestPlatform(t *testing.T) {
	s, err := suite.Load("testdata/good/platform.yaml", options())
	require.NoError(t, err)
	assert.Equal(t, "sgp:ds_1@3", s.Dataset.String())
	assert.Equal(t, &suite.PublishSGP{
		Evaluation: &suite.NewEvaluation{Name: "nightly", Description: "every night"}, ApplicationSpecID: "as_1",
		Questions: map[string]string{"equals": "q_1"}, QuietTime: 90 * time.Second,
	}, s.Publish.SGP)
}

func TestErrorsAreStrictErrors(t *testing.T) {
	_, err := suite.Parse("x/s.yaml", []byte("nam: x"), options())
	var e *strict.Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, "x/s.yaml", e.File)
}
