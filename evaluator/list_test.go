package evaluator

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
)

// best is the highest sum of values by trying every pairing.
func best(value [][]float64, row int, taken []bool) float64 {
	if row == len(value) {
		return 0
	}
	highest := 0.0
	if len(value) > len(taken) { // some row stays without a partner
		highest = best(value, row+1, taken)
	}
	for j := range taken {
		if !taken[j] {
			taken[j] = true
			highest = max(highest, value[row][j]+best(value, row+1, taken))
			taken[j] = false
		}
	}
	return highest
}

func TestAssign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "columns")
		value := make([][]float64, rows)
		for i := range value {
			value[i] = rapid.SliceOfN(rapid.Float64Range(0, 1), columns, columns).Draw(t, "values")
		}
		partner, err := assign(context.Background(), value)
		require.NoError(t, err)
		require.Len(t, partner, rows)
		sum, used := 0.0, map[int]bool{}
		for i, j := range partner {
			if j >= 0 {
				require.False(t, used[j], "each column once")
				used[j] = true
				sum += value[i][j]
			}
		}
		require.Len(t, used, min(rows, columns))
		assert.InDelta(t, best(value, 0, make([]bool, columns)), sum, 1e-9)
	})
}

func TestListsThatAreTooLong(t *testing.T) {
	e, err := NewRegistry().BuildText("list-contains", Env{})
	require.NoError(t, err)
	long := make([]any, maxItems+1)
	for i := range long {
		long[i] = strconv.Itoa(i)
	}
	_, err = e.Evaluate(context.Background(), harness.Trial{
		Case: harness.Case{Expected: long[:maxItems]}, Output: harness.Output{Value: long},
	})
	assert.ErrorContains(t, err, "too many items to match: 501 and 500")

	scores, err := e.Evaluate(context.Background(), harness.Trial{
		Case: harness.Case{Expected: long[:maxItems]}, Output: harness.Output{Value: long[:maxItems]},
	})
	require.NoError(t, err)
	assert.InDelta(t, 1, scores[0].Value, 0)

	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = e.Evaluate(stopped, harness.Trial{
		Case: harness.Case{Expected: long[:2]}, Output: harness.Output{Value: long[1:3]},
	})
	assert.ErrorIs(t, err, context.Canceled)
}
