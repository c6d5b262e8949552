package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBaselines(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	first := createRun(t, s, Spec{Suite: "a", App: "x"})
	second := createRun(t, s, Spec{Suite: "a", App: "x"})
	other := createRun(t, s, Spec{Suite: "b"})
	for _, named := range []struct {
		run *Run
		app string
	}{{first, "x"}, {second, "x"}, {other, ""}} {
		require.NoError(t, named.run.Close())
		_, err := s.SetBaseline(ctx, "main", named.run.ID(), named.app)
		require.NoError(t, err)
	}
	b, err := s.Baseline(ctx, "main", "a", "x")
	require.NoError(t, err)
	assert.Equal(t, second.ID(), b.Run, "the last one has it")
	_, err = s.Baseline(ctx, "main", "a", "y")
	require.ErrorIs(t, err, ErrNotFound)

	all, err := s.Baselines(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []string{"a", "b"}, []string{all[0].Suite, all[1].Suite})

	n, err := s.RemoveBaseline(ctx, "main", "b")
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
	n, err = s.RemoveBaseline(ctx, "main", "")
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)

	for _, name := range []string{"", "a b", "main.json", "latest", "-x", "a\x1b"} {
		_, err := s.SetBaseline(ctx, name, first.ID(), "")
		assert.ErrorIs(t, err, ErrBaselineName, name)
	}
	_, err = s.SetBaseline(ctx, "main", "nothing", "")
	assert.ErrorIs(t, err, ErrNotFound)
}
