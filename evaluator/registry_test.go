package evaluator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

func always(name string) harness.Evaluator {
	return Func(name, func(context.Context, harness.Trial) (harness.Score, error) { return harness.Passed(), nil })
}

func TestDefine(t *testing.T) {
	build := func(o Options) (harness.Evaluator, error) { return always(o.Name), nil }
	r := NewRegistry()
	require.NoError(t, r.Define(Definition{Name: "polite", Aliases: []string{"kind"}, New: build}))
	for name, d := range map[string]Definition{
		"taken":           {Name: "polite", New: build},
		"taken by alias":  {Name: "kind", New: build},
		"alias is taken":  {Name: "nice", Aliases: []string{"equals"}, New: build},
		"alias of itself": {Name: "nice", Aliases: []string{"nice"}, New: build},
		"no name":         {New: build},
		"a bad name":      {Name: "very nice", New: build},
		"a long name":     {Name: strings.Repeat("a", 101), New: build},
		"no New":          {Name: "nice"},
	} {
		assert.ErrorContains(t, r.Define(d), "evaluator: define", name)
	}
	_, err := r.BuildText("nice", Env{})
	assert.Error(t, err, "a definition that was refused is not there")
	e, err := r.BuildText("kind", Env{})
	require.NoError(t, err)
	assert.Equal(t, "kind", e.Name(), "the name as the suite has it")

	var empty Registry
	require.NoError(t, empty.Add(always("mine")))
	assert.Len(t, empty.Definitions(), 1)
}

func TestAdd(t *testing.T) {
	r := NewRegistry()
	require.NoError(t, r.Add(always("polite")))
	assert.Error(t, r.Add(always("polite")))
	assert.Error(t, r.Add(always("equals")))
	assert.Error(t, r.Add(nil))
	e, err := r.BuildText("polite", Env{})
	require.NoError(t, err)
	assert.Equal(t, "polite", e.Name())
	e, err = r.BuildText("polite: {name: kind}", Env{})
	require.NoError(t, err)
	assert.Equal(t, "kind", e.Name())
	_, err = r.BuildText("polite: {strict: true}", Env{})
	assert.ErrorContains(t, err, `unknown key "strict"`)
	_, err = r.BuildText("polite: yes", Env{})
	assert.ErrorContains(t, err, "takes a map of options")
}

// several gives two scores, one of them under its own name, and counts how often
// it is closed.
type several struct{ closed int }

func (*several) Name() string { return "several" }
func (s *several) Close() error {
	s.closed++
	return nil
}
func (*several) Evaluate(context.Context, harness.Trial) ([]harness.Score, error) {
	return []harness.Score{{Name: "several", Value: 1}, {Name: "other", Value: 0.5}}, nil
}

func TestAddedIsRenamedAndNotClosed(t *testing.T) {
	r, s := NewRegistry(), &several{}
	require.NoError(t, r.Add(s))
	e, err := r.BuildText("several: {name: twice}", Env{})
	require.NoError(t, err)
	scores, err := e.Evaluate(context.Background(), harness.Trial{})
	require.NoError(t, err)
	assert.Equal(t, "twice", e.Name())
	assert.Equal(t, []string{"", "other"}, []string{scores[0].Name, scores[1].Name})
	_, closes := e.(io.Closer)
	assert.False(t, closes, "who made it closes it")
}

func TestCombinationsCloseAndMean(t *testing.T) {
	r, s := NewRegistry(), &several{}
	require.NoError(t, r.Define(Definition{Name: "several", New: func(Options) (harness.Evaluator, error) { return s, nil }}))
	e, err := r.BuildText("weighted: [several, {any: [several]}]", Env{})
	require.NoError(t, err)
	_, err = e.Evaluate(context.Background(), harness.Trial{})
	assert.ErrorContains(t, err, "any: several gives a value and no verdict")
	require.NoError(t, e.(io.Closer).Close())
	assert.Equal(t, 2, s.closed)

	e, err = r.BuildText("weighted: [several]", Env{})
	require.NoError(t, err)
	scores, err := e.Evaluate(context.Background(), harness.Trial{})
	require.NoError(t, err)
	assert.InDelta(t, 0.75, scores[0].Value, 0, "the mean of its scores")
	assert.Equal(t, map[string]any{"several": map[string]any{"value": 0.75}}, scores[0].Metadata)

	_, err = r.BuildText("weighted: {of: [several], weights: {other: 1}}", Env{})
	require.Error(t, err)
	assert.Equal(t, 3, s.closed, "what was built before an error is closed")
}

// broken gives what evaluators must not give.
type broken struct{ scores []harness.Score }

func (broken) Name() string { return "broken" }
func (b broken) Evaluate(context.Context, harness.Trial) ([]harness.Score, error) {
	return b.scores, nil
}

func TestCombinationsRefuseBrokenScores(t *testing.T) {
	for want, scores := range map[string][]harness.Score{
		"it gave no score":       nil,
		"its score is NaN":       {{Value: math.NaN()}},
		"its score is +Inf":      {{Value: math.Inf(1)}},
		"broken: the judge died": {harness.Passed(), {Error: &harness.Error{Message: "the judge died"}}},
	} {
		r := NewRegistry()
		require.NoError(t, r.Add(broken{scores}))
		for _, entry := range []string{"all: [broken]", "any: [broken]", "weighted: [broken]"} {
			e, err := r.BuildText(entry, Env{})
			require.NoError(t, err)
			got, err := e.Evaluate(context.Background(), harness.Trial{})
			assert.ErrorContains(t, err, want)
			assert.Empty(t, got)
		}
	}
}

// Evaluators are called from many goroutines at once, and give the same then.
func TestConcurrentCalls(t *testing.T) {
	for _, d := range NewRegistry().Definitions() {
		for _, e := range hostileEvaluators(t, d.Name) {
			trial := func(i int) harness.Trial {
				return harness.Trial{
					Case:   harness.Case{ID: "case", Expected: []any{"a 1", `{"type": "array"}`, "[1]"}[i%3]},
					Output: harness.Output{Value: []any{"[1]", "a 1"}[i%2]},
				}
			}
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					alone, errAlone := e.Evaluate(context.Background(), trial(i))
					again, errAgain := e.Evaluate(context.Background(), trial(i))
					assert.Equal(t, alone, again, d.Name)
					assert.Equal(t, errAlone == nil, errAgain == nil, d.Name)
				})
			}
			wg.Wait()
		}
	}
}

func TestBuildErrors(t *testing.T) {
	for name, tt := range map[string]struct{ entry, want, hint string }{
		"unknown":          {"- equal", `2:3: unknown evaluator "equal"; did you mean "equals"?`, "known evaluators: NumericDiff, "},
		"unknown option":   {"- contains:\n    valu: a", `3:5: unknown key "valu"; did you mean "value"?`, "known keys"},
		"two names":        {"- contains: a\n  equals: b", "2:3: an evaluator is one name with its options, found 2 keys", "the options belong under the name"},
		"a list":           {"- [equals]", "2:3: expected the name of an evaluator", ""},
		"nothing":          {"- null", "2:3: expected an evaluator, found nothing", ""},
		"an empty map":     {"- {}", "2:3: expected the name of an evaluator", ""},
		"nothing behind":   {"- equals:", "2:3: equals: nothing follows the colon", "write - equals"},
		"the place":        {"- contains: {value: ''}", "2:21: value: the expected text is empty", ""},
		"a wrong type":     {"- levenshtein: {threshold: high}", "2:28: expected a number", ""},
		"two errors":       {"- levenshtein: {threshold: high, max_distance: far}", "2:48: expected a whole number", ""},
		"a map as name":    {"- equals: {name: {a: b}}", `2:18: "name" has to be a metric name`, ""},
		"a sign as name":   {"- equals: {name: '%'}", `2:18: "name" has to be a metric name`, ""},
		"in an expression": {"- expr: >-\n    1 + 1 +\n    lenght", "2:9: expression, line 1, column 9: unknown name lenght", ""},
		"in a list":        {"- all:\n  - equals\n  - {any: [equal]}", `4:12: unknown evaluator "equal"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := strict.Parse("suite.yaml", []byte("#\n"+tt.entry))
			require.NoError(t, err)
			_, err = NewRegistry().Build(n.Items()[0], Env{})
			require.ErrorContains(t, err, "suite.yaml:"+tt.want)
			if tt.hint != "" {
				var placed *strict.Error
				require.ErrorAs(t, err, &placed)
				assert.Contains(t, placed.Hint, tt.hint)
			}
		})
	}
}

// The errors of an evaluator of the user's own get a place too.
func TestBuildPlacesErrors(t *testing.T) {
	r := NewRegistry()
	require.NoError(t, r.Define(Definition{Name: "broken", Scalar: "x", New: func(Options) (harness.Evaluator, error) {
		return nil, errors.New("no key")
	}}))
	n, err := strict.Parse("suite.yaml", []byte("broken: {name: a}"))
	require.NoError(t, err)
	_, err = r.Build(n, Env{})
	assert.EqualError(t, err, "suite.yaml:1:9: broken: no key")
}

// An evaluator's options have a JSON Schema with a description of each.
func TestOptionsHaveSchemas(t *testing.T) {
	for _, d := range NewRegistry().Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			require.NotNil(t, d.Options)
			r := jsonschema.Reflector{
				Anonymous: true, DoNotReference: true, ExpandedStruct: true,
				Mapper: func(t reflect.Type) *jsonschema.Schema {
					if t == reflect.TypeFor[strict.Node]() { // an entry of a suite
						return &jsonschema.Schema{}
					}
					return nil
				},
			}
			s := r.Reflect(d.Options)
			require.Positive(t, s.Properties.Len())
			options := map[string]bool{}
			for p := s.Properties.Oldest(); p != nil; p = p.Next() {
				options[p.Key] = true
				assert.NotEmpty(t, p.Value.Description, p.Key)
			}
			if d.Scalar != "" {
				assert.True(t, options[d.Scalar], "the bare value stands for an option")
			}
			assert.False(t, options["name"], `"name" is for every evaluator`)
			_, err := json.Marshal(s)
			require.NoError(t, err)
		})
	}
}

// hostileTexts are strings that break programs.
func hostileTexts(t *testing.T) []string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "corpora", "blns.json")
	data, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the list of hostile strings is missing: %v", err)
		}
		t.Skipf("the list of hostile strings is not here: %v", err)
	}
	var texts []string
	require.NoError(t, json.Unmarshal(data, &texts))
	require.Greater(t, len(texts), 400)
	return append(texts, "\xff\xfe", "a\x00b", strings.Repeat("🏳️‍🌈", 1000), strings.Repeat("[", 12_000), strings.Repeat("\x80", 5000))
}

// Every evaluator survives every hostile string as output, as what is expected
// and as option, and never passes without anything to compare with.
func TestHostileTexts(t *testing.T) {
	texts := hostileTexts(t)
	needsNothing := map[string]bool{"is-json": true, "ValidJSON": true, "contains-json": true}
	for _, d := range NewRegistry().Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			for _, e := range hostileEvaluators(t, d.Name) {
				for i, text := range texts {
					other := texts[(i*7+1)%len(texts)]
					all := []any{nil, other, []any{other, text}, map[string]any{text: other}}
					for _, expected := range []any{text, all[i%len(all)]} {
						c := harness.Case{ID: "case", Expected: expected}
						scores, err := e.Evaluate(context.Background(), harness.Trial{Case: c, Number: 1, Output: harness.Output{Value: text}})
						if problem := problemOf(scores, err); problem != "" {
							t.Fatalf("%s: output %q, expected %q: %v", problem, cut(text, 100), c.Expected, err)
						}
						if err == nil && c.Expected == nil && !needsNothing[d.Name] {
							t.Fatalf("nothing is expected of %q, and it has a score", text)
						}
					}
				}
			}
			for _, text := range texts { // as an option: no panic, and a place in each error
				value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text, Line: 1, Column: 9}
				key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: d.Name, Line: 1, Column: 1}
				n := strict.Node{File: "suite.yaml", Node: &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1, Content: []*yaml.Node{key, value}}}
				e, err := NewRegistry().Build(n, Env{})
				if err != nil {
					require.True(t, strings.HasPrefix(err.Error(), "suite.yaml:1:"), err.Error())
				} else if c, ok := e.(io.Closer); ok {
					require.NoError(t, c.Close())
				}
			}
		})
	}
}

// problemOf says what no outcome of a built-in evaluator may be.
func problemOf(scores []harness.Score, err error) string {
	if err != nil {
		if len(err.Error()) > 2000 {
			return "a long error"
		}
		return ""
	}
	if len(scores) != 1 {
		return "not one score"
	}
	switch s := scores[0]; {
	case len(s.Reason) > maxReason:
		return "a long reason"
	case !finite(s.Value):
		return "no number"
	case s.Pass != nil && !*s.Pass && s.Reason == "":
		return "a failure without a reason"
	}
	return ""
}

// hostileEvaluators builds an evaluator for the test above; none for those that
// look at neither the text nor what is expected, or that start programs.
func hostileEvaluators(t *testing.T, name string) []harness.Evaluator {
	t.Helper()
	entries := map[string][]string{
		"latency": nil, "cost": nil, "exec": nil,
		"expr":         {`expr: text == expected`, `expr: output contains expected`},
		"all":          {"all: [equals, regex]"},
		"any":          {"any: [equals, contains]"},
		"weighted":     {"weighted: [equals, {levenshtein: {threshold: 0.5}}]"},
		"pattern":      {`pattern: '(\w+)'`},
		"match":        {"match", "match: {numeric: true, location: any}"},
		"string_check": {"string_check: eq", "string_check: ilike"},
		"numeric":      {"numeric", "numeric: {pick: only, decimal_comma: true}"},
	}
	texts, special := entries[name]
	if !special {
		texts = []string{name}
	}
	var out []harness.Evaluator
	for _, text := range texts {
		e, err := NewRegistry().BuildText(text, Env{})
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}
