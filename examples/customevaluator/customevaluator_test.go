package customevaluator

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/examples/internal/command"
	"github.com/evalrun/evalrun/harness"
)

// build makes an evaluator of an entry as a suite has it.
func build(t *testing.T, entry string) harness.Evaluator {
	t.Helper()
	registry, err := Registry()
	require.NoError(t, err)
	e, err := registry.BuildText(entry, evaluator.Env{})
	require.NoError(t, err)
	return e
}

func TestReading(t *testing.T) {
	for name, tt := range map[string]struct {
		entry, answer  string
		words, longest float64
		reason         string
	}{
		"short":           {"reading: 3", "It is here. Now you go!", 6, 3, ""},
		"one is too long": {"reading: {max_words: 3}", "It is here. Where did you go?", 7, 4, "a sentence of 4 words, 3 at most"},
		"no end":          {"reading: 3", "and so on", 3, 3, ""},
		"a point inside":  {"reading: 3", "It costs 3.50 now", 4, 4, "a sentence of 4 words, 3 at most"},
		"the default":     {"reading", "It is here.", 3, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			scores, err := build(t, tt.entry).Evaluate(t.Context(), harness.Trial{Output: harness.Output{Value: tt.answer}})
			require.NoError(t, err)
			require.Len(t, scores, 3)
			assert.Equal(t, harness.PassIf(tt.reason == "", tt.reason), scores[0])
			assert.Equal(t, harness.Score{Name: "reading/words", Value: tt.words}, scores[1])
			assert.Equal(t, harness.Score{Name: "reading/longest", Value: tt.longest}, scores[2])
		})
	}
	_, err := build(t, "reading").Evaluate(t.Context(), harness.Trial{Output: harness.Output{Value: " "}})
	assert.Error(t, err, "no answer is no score")
}

func TestReadingRefusesOptions(t *testing.T) {
	registry, err := Registry()
	require.NoError(t, err)
	for entry, want := range map[string]string{
		"reading: 0":               "1:10: max_words is 0; expected 1 or more",
		"reading: {max_word: 3}":   `1:11: unknown key "max_word"; did you mean "max_words"?`,
		"reading: {max_words: ab}": "1:22: ",
	} {
		_, err := registry.BuildText(entry, evaluator.Env{})
		assert.ErrorContains(t, err, want, entry)
	}
}

func TestGrounded(t *testing.T) {
	c := harness.Case{Input: "Order 17 is late", Expected: "2 days"}
	for answer, reason := range map[string]string{
		"Order 17 is there in 2 days.":       "",
		"It is there soon.":                  `"It is there soon." does not contain "2 days"`,
		"In 2 days, or 5 at the very latest": `does not contain "5" (a number from nowhere)`,
	} {
		scores, err := build(t, "grounded").Evaluate(t.Context(), harness.Trial{Case: c, Output: harness.Output{Value: answer}})
		require.NoError(t, err)
		require.Len(t, scores, 1)
		assert.Equal(t, reason == "", *scores[0].Pass, answer)
		assert.Contains(t, scores[0].Reason, reason)
	}
}

// TestInGo: the same evaluators without a suite.
func TestInGo(t *testing.T) {
	report, err := harness.Run(t.Context(), harness.Config{
		Source: harness.Cases{{ID: "late", Input: "Where is my parcel?", Expected: "tracking link"}},
		App: harness.TextApp(func(context.Context, string) (string, error) {
			return "Here is the tracking link. It works.", nil
		}),
		Evaluators: []harness.Evaluator{build(t, "reading: 5"), build(t, "grounded")},
	})
	require.NoError(t, err)
	require.Zero(t, report.AppErrors())
	assert.Equal(t, 1.0, *report.Metric("grounded").PassRate)
	assert.Equal(t, 1.0, *report.Metric("reading").PassRate)
	assert.Equal(t, 7.0, report.Metric("reading/words").Mean)
}

// TestInASuite: and by their names.
func TestInASuite(t *testing.T) {
	registry, err := Registry()
	require.NoError(t, err)
	report := command.Passes(t, cli.Config{Evaluators: registry}, "suite.yaml")
	require.Contains(t, report.Evaluators, "reading/words")
	assert.InDelta(t, 32.0/3, *report.Evaluators["reading/words"].Mean, 0.001)
	assert.Contains(t, report.Evaluators, "brief/longest", "renamed with its parts")
}

// TestPartsInTheGate: a limit on a part is judged as any other; one on a part that
// nothing gives does not pass.
func TestPartsInTheGate(t *testing.T) {
	registry, err := Registry()
	require.NoError(t, err)
	text, err := os.ReadFile("suite.yaml")
	require.NoError(t, err)
	for check, want := range map[string]int{
		"reading/words.mean <= 5":      1,
		"reading/words.mean <= 50":     0,
		"reading/sentences.mean <= 50": 3,
		"readin/words.mean <= 50":      2,
	} {
		before, _, _ := strings.Cut(string(text), "gate:\n")
		path := filepath.Join(t.TempDir(), "suite.yaml")
		require.NoError(t, os.WriteFile(path, []byte(before+"gate: ["+check+"]\n"), 0o600))
		o := command.Run(t, cli.Config{Evaluators: registry}, path)
		assert.Equal(t, want, o.Code, "%s\n%s%s", check, o.Stdout, o.Stderr)
	}
}
