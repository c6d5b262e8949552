package reduce_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/reduce"
)

func TestReduce(t *testing.T) {
	for _, tt := range []struct {
		reducer string
		scores  []float64
		want    float64
	}{
		{"mean", []float64{1, 0, 1, 0}, 0.5},
		{"", []float64{0.25, 0.75}, 0.5},
		{"median", []float64{1, 0, 0.3}, 0.3},
		{"median", []float64{1, 0, 0.25, 0.75}, 0.5},
		{"mode", []float64{1, 0, 1}, 1},
		{"mode", []float64{1, 0}, 0},
		{"max", []float64{0.2, 0.9, 0.1}, 0.9},
		{"at_least_k:2", []float64{1, 0, 1}, 1},
		{"at_least_k:2", []float64{1, 0, 0.9}, 0},
		{"pass_at_k:2", []float64{1, 1, 0, 0, 0}, 0.7},
		{"pass_k:3", []float64{1, 1, 1, 1, 0}, 0.4},
		{"pass_k:1", []float64{1, 0}, 0.5},
	} {
		r, err := reduce.Parse(tt.reducer)
		require.NoError(t, err)
		assert.InDelta(t, tt.want, r.Reduce(tt.scores), 1e-12, "%s of %v", r, tt.scores)
		again, err := reduce.Parse(r.String())
		require.NoError(t, err)
		assert.Equal(t, r.String(), again.String())
		assert.True(t, math.IsNaN(r.Reduce(nil)))
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		k, trials  int
	}{
		{"average", `no reducer "average"; there are mean`, 0, 3},
		{"mean", "takes no k", 2, 3},
		{"pass_at_k", "needs a k", 0, 3},
		{"pass_at_k", "needs as many trials, and there are 3", 5, 3},
	} {
		_, err := reduce.New(tt.name, tt.k, tt.trials)
		assert.ErrorContains(t, err, tt.says)
	}
	_, err := reduce.Parse("pass_k:many")
	assert.ErrorContains(t, err, "k is not a number")
}
