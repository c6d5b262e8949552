package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/store"
)

func TestSetGate(t *testing.T) {
	s, err := store.Open(t.TempDir())
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	run, err := s.Create(t.Context(), store.Spec{Suite: "s", Gate: []string{"equals.mean >= 0.5"}, Seed: 7})
	require.NoError(t, err)
	for _, checks := range [][]string{{"equals.mean >= 0.9", `"odd".mean > 0`}, {}} {
		require.NoError(t, run.SetGate(t.Context(), checks))
		assert.Equal(t, checks, run.Spec().Gate)
		info, err := s.Info(t.Context(), run.ID())
		require.NoError(t, err)
		assert.ElementsMatch(t, checks, info.Spec.Gate)
		assert.Equal(t, int64(7), info.Spec.Seed, "the rest stays as it is")
	}
	require.NoError(t, run.Close())
	assert.Error(t, run.SetGate(t.Context(), nil), "the run is closed")
}
