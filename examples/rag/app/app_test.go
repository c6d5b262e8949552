package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func titles(found []passage) []string {
	var out []string
	for _, p := range found {
		out = append(out, p.title)
	}
	return out
}

func TestRetrieve(t *testing.T) {
	s := newShelf(handbook)
	require.Len(t, s.passages, 10)
	for question, want := range map[string][]string{
		"Are your tents waterproof?":       {"tents"},
		"What does express delivery cost?": {"express", "delivery costs"},
		"Bonjour!":                         nil,
		"":                                 nil,
	} {
		assert.Equal(t, want, titles(s.retrieve(question, 2)), question)
	}
	assert.Equal(t, "The handbook does not say.", s.answer("Bonjour!", nil))
}
