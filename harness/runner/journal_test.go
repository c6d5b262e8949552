package runner

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

func TestJournal(t *testing.T) {
	st := openStore(t)
	run, err := st.Create(t.Context(), store.Spec{Suite: "s"})
	require.NoError(t, err)
	defer func() { assert.NoError(t, run.Close()) }()
	news := make(chan struct{}, 1)
	j := &journal{run: run, redact: NewRedactor("hunter2-hunter2"), news: news}

	page := []harness.Case{{ID: "a", Seq: 0}, {ID: "b", Seq: 1}}
	there, err := j.Plan(t.Context(), page)
	require.NoError(t, err)
	assert.Empty(t, there.Finished)
	for _, c := range page { // nobody reads the news: writing does not wait for it
		require.NoError(t, j.Write(t.Context(), []harness.Result{{
			Case: c, Trial: 1, Attempts: 1, Output: &harness.Output{Value: "the key is hunter2-hunter2"},
		}}))
	}
	assert.Len(t, news, 1)
	there, err = j.Plan(t.Context(), page)
	require.NoError(t, err)
	assert.Len(t, there.Finished, 2)
	for r, err := range st.Results(t.Context(), run.ID(), store.Query{}) {
		require.NoError(t, err)
		assert.Equal(t, "the key is [redacted]", r.Output.Value)
	}

	require.NoError(t, run.Close())
	<-news
	late := []harness.Result{{Case: page[0], Trial: 2, Attempts: 1, Output: &harness.Output{}}}
	assert.Error(t, j.Write(t.Context(), late))
	assert.Empty(t, news, "what is not stored is no news")
}
