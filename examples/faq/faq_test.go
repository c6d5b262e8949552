package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheKnowledgeIsWhole(t *testing.T) {
	entries := parse(knowledge)
	require.GreaterOrEqual(t, len(entries), 30)
	for _, e := range entries {
		assert.NotEmpty(t, e.question)
		assert.NotEmpty(t, e.answer, e.question)
	}
}

func TestEveryEntryAnswersItsOwnQuestion(t *testing.T) {
	ix := newIndex(parse(knowledge))
	for _, e := range ix.entries {
		reply := ix.answer(t.Context(), e.question)
		assert.Equal(t, e.answer, reply.Output, e.question)
		require.Len(t, reply.Chunks, 1)
		assert.Contains(t, reply.Chunks[0].Text, e.question)
	}
}

func TestAnswer(t *testing.T) {
	ix := newIndex(parse(knowledge))
	for _, tt := range []struct{ name, question, want string }{
		{"other words", "how can i TRACK my packages", "tracking link"},
		{"a word of the answer", "Do you deliver to Norway?", "European Union"},
		{"nothing near", "What is the capital of Australia?", unsure},
		{"no words", "??", unsure},
		{"only common words", "what is it", unsure},
		{"empty", "", unsure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Contains(t, ix.answer(t.Context(), tt.question).Output, tt.want)
		})
	}
}

func TestAnswersAreTheSameEachTime(t *testing.T) {
	a, b := newIndex(parse(knowledge)), newIndex(parse(knowledge))
	for _, q := range []string{"Do you sell skis?", "jacket", "order return refund delivery", "tent"} {
		for range 20 {
			assert.Equal(t, a.answer(t.Context(), q), b.answer(t.Context(), q), q)
		}
	}
}

func TestStem(t *testing.T) {
	for w, want := range map[string]string{
		"returned": "return", "returns": "return", "deliveries": "deliver", "delivery": "deliver",
		"size": "siz", "sizes": "siz", "bus": "bus", "vat": "vat",
	} {
		assert.Equal(t, want, stem(w), w)
	}
}
