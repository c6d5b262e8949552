package evaluator

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func evaluate(t *testing.T, entry string, expected, output any) (harness.Score, error) {
	t.Helper()
	e, err := NewRegistry().BuildText(entry, Env{Dir: "testdata"})
	require.NoError(t, err)
	scores, err := e.Evaluate(context.Background(), harness.Trial{Case: harness.Case{Expected: expected}, Output: harness.Output{Value: output}})
	if err != nil {
		return harness.Score{}, err
	}
	require.Len(t, scores, 1)
	return scores[0], nil
}

// Values of Go programs and exact numbers of datasets compare like JSON.
func TestGoValues(t *testing.T) {
	type point struct{ X, Y int }
	long, other := json.Number("1234567890123456789"), json.Number("1234567890123456788")
	for i, tt := range []struct {
		entry            string
		expected, output any
		value            float64
	}{
		{"equals", point{1, 2}, map[string]any{"X": 1.0, "Y": 2.0}, 1},
		{"equals", map[string]any{"X": 1}, point{1, 2}, 0},
		{"equals", []string{"a"}, []any{"a"}, 1},
		{"equals", []any{1}, []any{1, 2}, 0},
		{"equals", []any{1}, map[string]any{}, 0},
		{"equals", map[string]any{"a": 1}, []any{1}, 0},
		{"equals", map[string]any{"a": 1}, map[string]any{"b": 1}, 0},
		{"equals", 7, "7", 1},
		{"equals", []any{long}, []any{long}, 1},
		{"equals", []any{long}, []any{other}, 0},
		{"equals", []any{0}, "[-0]", 1},
		{"equals", []any{json.Number("1e400")}, []any{json.Number("1.0e400")}, 0},
		{"numeric", 7, "it is 7", 1},
		{"numeric", uint8(7), int64(7), 1},
		{"numeric", float32(0.5), "1/2", 1},
		{"numeric", long, "1234567890123456789", 1},
		{"NumericDiff", 100, json.Number("100"), 1},
		{"contains-any", []string{"a", "b"}, "b", 1},
		{"list-contains", []string{"a", "b"}, []string{"b", "a"}, 1},
		{"json-diff", []any{json.Number("1e400")}, []any{json.Number("1e400")}, 1},
		{"json-diff", []any{json.Number("1e400")}, []any{json.Number("2e400")}, 0},
		{"is-json", nil, point{1, 2}, 1},
	} {
		s, err := evaluate(t, tt.entry, tt.expected, tt.output)
		require.NoError(t, err, "%d: %s", i, tt.entry)
		assert.InDelta(t, tt.value, s.Value, 1e-9, "%d: %s: %s", i, tt.entry, s.Reason)
	}
}

func TestValuesThatJSONCannotCarry(t *testing.T) {
	for _, entry := range []string{"equals", "json-diff"} {
		_, err := evaluate(t, entry, func() {}, map[string]any{})
		assert.ErrorContains(t, err, "the expected value is not JSON", entry)
	}
	_, err := evaluate(t, "json-diff", map[string]any{}, func() {})
	assert.ErrorContains(t, err, "the output is not JSON")
	_, err = evaluate(t, "list-contains", func() {}, []any{})
	assert.Error(t, err)
	_, err = evaluate(t, "json-schema", func() {}, "{}")
	assert.Error(t, err)
}

func TestJSONDiffOfManyPlaces(t *testing.T) {
	found, want := map[string]any{}, map[string]any{}
	for i := range 30 {
		found[strconv.Itoa(i)], want[strconv.Itoa(i)] = strings.Repeat("a", 500), strings.Repeat("b", 500)
	}
	s, err := evaluate(t, "json-diff: {threshold: 1}", want, found)
	require.NoError(t, err)
	assert.Zero(t, s.Value)
	assert.True(t, strings.HasSuffix(s.Reason, "; and 22 more"), s.Reason)
}

func TestJSONDiffOfHugeTexts(t *testing.T) {
	a := strings.Repeat("0123456789", 100_000)
	b := strings.Repeat("9876543210", 100_000)
	_, err := evaluate(t, "json-diff", []any{a, a}, []any{b, b})
	assert.ErrorContains(t, err, "too long to compare")
	_, err = evaluate(t, "list-contains", []any{a}, []any{b})
	assert.ErrorContains(t, err, "too long to compare")
	_, err = evaluate(t, "levenshtein", a, b)
	assert.ErrorContains(t, err, "too long to compare")
}

func TestSchemaFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "schema.yaml"), []byte("type: array\nitems: {type: string}\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "huge.json"), make([]byte, maxSchemaFile+1), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(dir, "link.json")))

	e, err := NewRegistry().BuildText("json-schema: {file: schema.yaml}", Env{Dir: dir})
	require.NoError(t, err)
	scores, err := e.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: []any{"a", 1}}})
	require.NoError(t, err)
	assert.Contains(t, scores[0].Reason, "at /1: got number, want string")

	for file, want := range map[string]string{
		"huge.json": "is larger than", "broken.json": "schema file", "link.json": "schema file", "/etc/hostname": "schema file",
	} {
		_, err := NewRegistry().BuildText("json-schema: {file: "+file+"}", Env{Dir: dir})
		assert.ErrorContains(t, err, want, file)
	}
	_, err = NewRegistry().BuildText("json-schema: {file: a.json}", Env{Dir: filepath.Join(dir, "nowhere")})
	assert.ErrorContains(t, err, "schema file")
}

// The worked answers of GSM8K end in "#### N": an expected text gives N, also
// when an app's answer says it in a sentence.
func TestNumericOnGSM8K(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "gsm8k_test.jsonl"))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("GSM8K is missing: %v", err)
		}
		t.Skipf("GSM8K is not here: %v", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	e, err := NewRegistry().BuildText("numeric", Env{})
	require.NoError(t, err)
	rows := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct{ Question, Answer string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &row))
		_, answer, ok := strings.Cut(row.Answer, "#### ")
		require.True(t, ok)
		rows++
		for _, say := range []string{"%s", "The answer is **$%s**.", "so %s dollars", "\\boxed{%s}"} {
			trial := harness.Trial{Case: harness.Case{Expected: row.Answer}, Output: harness.Output{Value: fmt.Sprintf(say, answer)}}
			scores, err := e.Evaluate(context.Background(), trial)
			require.NoError(t, err)
			require.True(t, *scores[0].Pass, "%s: %s", row.Answer, scores[0].Reason)
		}
		trial := harness.Trial{Case: harness.Case{Expected: row.Answer}, Output: harness.Output{Value: answer + " or 987654321"}}
		scores, err := e.Evaluate(context.Background(), trial)
		require.NoError(t, err)
		require.False(t, *scores[0].Pass)
	}
	require.NoError(t, lines.Err())
	assert.Equal(t, 1319, rows)
}
