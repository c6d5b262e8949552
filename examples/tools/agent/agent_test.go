package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestServe(t *testing.T) {
	for message, want := range map[string][]string{
		"Where is order 17?":       {"find_order"},
		"Cancel order 17":          {"find_order", "cancel_order"},
		"Cancel order 18":          {"find_order"},
		"Refund order 19, please":  {"find_order", "refund"},
		"Refund order 99, please":  {"find_order"},
		"Refund my order, please!": nil,
	} {
		a := agent{shop: shop()}
		assert.NotEmpty(t, a.serve(message))
		var got []string
		for _, c := range a.calls {
			got = append(got, c.Name)
		}
		assert.Equal(t, want, got, message)
	}
}
