package suite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
)

// owned notices when it is closed.
type owned struct {
	harness.App
	harness.Source
	harness.Evaluator
	closed int
}

func (o *owned) Close() error { o.closed++; return nil }

func polite() harness.Evaluator {
	return evaluator.Func("polite", func(context.Context, harness.Trial) (harness.Score, error) { return harness.Passed(), nil })
}

func TestOfGoValues(t *testing.T) {
	o := &owned{Source: harness.Cases{{ID: "a"}}, Evaluator: polite(),
		App: harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil })}
	s, err := suite.Of("greetings", "x_test.go", harness.Config{Source: o, App: o, Evaluators: []harness.Evaluator{o}, Trials: 3})
	require.NoError(t, err)
	require.NoError(t, s.AddChecks("polite.pass_rate >= 90%"))
	assert.Equal(t, []string{"polite"}, s.Metrics)
	assert.Equal(t, 3, s.Trials)
	assert.Equal(t, 16, s.Concurrency)
	source, err := s.Source(t.Context())
	require.NoError(t, err)
	evaluators, err := s.BuildEvaluators(evaluator.Env{})
	require.NoError(t, err)
	app, err := s.App("", target.Env{})
	require.NoError(t, err)
	for _, v := range []any{source, evaluators[0], app} {
		assert.NotImplements(t, (*interface{ Close() error })(nil), v, "it is the caller's")
	}
	assert.Empty(t, s.Digests("go"))
	s.Settings("abc")
	assert.Equal(t, map[string]string{"app": "abc"}, s.Digests("go"))
}

func TestOfRefuses(t *testing.T) {
	app := harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil })
	whole := harness.Config{Source: harness.Cases{{ID: "a"}}, App: app, Evaluators: []harness.Evaluator{polite()}}
	for name, change := range map[string]func(*harness.Config){
		"the Config has no Source":         func(c *harness.Config) { c.Source = nil },
		"two evaluators give the metric":   func(c *harness.Config) { c.Evaluators = append(c.Evaluators, polite()) },
		"an Evaluator is nil":              func(c *harness.Config) { c.Evaluators = append(c.Evaluators, nil) },
		"a reducer that has a name":        func(c *harness.Config) { c.Reduce = reduce.Reducer{}.Reduce },
		"belong to whoever runs the suite": func(c *harness.Config) { c.Progress = &harness.Progress{} },
		"0 or more":                        func(c *harness.Config) { c.Trials = -1 },
	} {
		c := whole
		change(&c)
		_, err := suite.Of("x", "x_test.go", c)
		assert.ErrorContains(t, err, name)
	}
}

// A Go app and evaluators of Go with the dataset and the evaluators of a file.
func TestUse(t *testing.T) {
	s, err := suite.Parse("x.yaml", []byte("name: x\ndataset: {cases: [{input: hi, expected: hi}]}\napp: echo\nevaluators: [equals]\ntrials: 2\n"), suite.Options{})
	require.NoError(t, err)
	before := s.Digests("echo")["evaluator equals"]
	app := harness.TextApp(func(context.Context, string) (string, error) { return "from Go", nil })
	require.NoError(t, s.Use(harness.Config{App: app, Evaluators: []harness.Evaluator{polite()}}))
	assert.Equal(t, []string{"equals", "polite"}, s.Metrics)
	assert.Equal(t, 2, s.Trials)
	built, err := s.App("", target.Env{})
	require.NoError(t, err)
	out, err := built.Respond(t.Context(), harness.Input{})
	require.NoError(t, err)
	assert.Equal(t, "from Go", out.Text())
	assert.Equal(t, map[string]string{"evaluator equals": before}, s.Digests("go"))
	assert.ErrorContains(t, s.AddChecks("nonsense"), "nonsense")
}
