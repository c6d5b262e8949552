package evaluator

import (
	"context"
	"strings"
	"testing"

	"github.com/agnivade/levenshtein"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The distance has an independent implementation to agree with.
func TestDistanceAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few letters and long texts: several words of 64 rows, and matches.
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abé世")), 0, 300, -1)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		d, err := distance(context.Background(), a, b, newWork())
		require.NoError(t, err)
		assert.Equal(t, levenshtein.ComputeDistance(a, b), d)
		back, err := distance(context.Background(), b, a, newWork())
		require.NoError(t, err)
		assert.Equal(t, d, back, "it is symmetric")
	})
}

func FuzzDistance(f *testing.F) {
	f.Add("kitten", "sitting")
	f.Add("\xe2\x82", "\xe2\x82\xac")
	f.Add(strings.Repeat("ab", 70), strings.Repeat("ba", 70))
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 2000 || len(b) > 2000 {
			return
		}
		d, err := distance(context.Background(), a, b, newWork())
		require.NoError(t, err)
		assert.Equal(t, levenshtein.ComputeDistance(a, b), d)
		value, _, err := similarity(context.Background(), a, b, newWork())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, value, 0.0)
		assert.LessOrEqual(t, value, 1.0)
	})
}

func TestDistanceOfHugeTexts(t *testing.T) {
	ctx := context.Background()
	huge := strings.Repeat("0123456789", 1_000_000) // 10 MB
	d, err := distance(ctx, huge, "an answer of some length, as an app should give", newWork())
	require.NoError(t, err)
	assert.Greater(t, d, 9_999_000)

	d, err = distance(ctx, huge, huge+"x", newWork())
	require.NoError(t, err)
	assert.Equal(t, 1, d, "what both begin with costs nothing")

	_, err = distance(ctx, huge, strings.Repeat("9876543210", 1_000_000), newWork())
	assert.ErrorContains(t, err, "too long to compare: 10000000 and 10000000 characters")

	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = distance(stopped, "kitten", "sitting", newWork())
	assert.ErrorIs(t, err, context.Canceled)
}
