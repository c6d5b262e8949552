package suite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

func over(t *testing.T, dataset string) *suite.Suite {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.jsonl"), []byte(dataset), 0o600))
	s, err := suite.Parse(filepath.Join(dir, "s.yaml"), []byte("name: x\ndataset: {file: d.jsonl}\napp: echo\nevaluators: [equals]\n"), options())
	require.NoError(t, err)
	return s
}

// What Load can't see in the first row is found in the others.
func TestCheckDataset(t *testing.T) {
	n, err := over(t, `{"id": "a", "input": "x"}`+"\n"+`{"id": "b", "input": "x"}`).CheckDataset(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)

	n, err = over(t, `{"id": "a", "input": "x"}
{"id": "b", "inptu": "x"}
{"id": "c", "input": "x"
{"id": "a", "input": "y"}
{"id": "d", "input": "y"}`).CheckDataset(t.Context())
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 3, err)
	assert.Contains(t, lines[0], `d.jsonl:2: input: there is no field`)
	assert.Contains(t, lines[1], `d.jsonl:3: not valid JSON`)
	assert.Contains(t, lines[2], `d.jsonl:4: duplicate case ID "a"; the first one is case 1`)
	assert.EqualValues(t, 3, n)

	var many strings.Builder
	many.WriteString(`{"input": "x"}` + "\n")
	for range 500 {
		fmt.Fprintln(&many, "broken")
	}
	_, err = over(t, many.String()).CheckDataset(t.Context())
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 10)
	assert.Contains(t, err.Error(), "\nand 491 more")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = over(t, many.String()).CheckDataset(ctx)
	assert.ErrorIs(t, err, context.Canceled)

	inline, err := suite.Load("testdata/good/inline.yaml", options())
	require.NoError(t, err)
	n, err = inline.CheckDataset(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 3, n)
}

func TestPercentages(t *testing.T) {
	s, err := suite.Load("testdata/good/percent.yaml", options())
	require.NoError(t, err)
	assert.InDelta(t, 0.5, s.Sample, 1e-12)
}
