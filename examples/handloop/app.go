package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

// echo is an app that answers each question with itself after a pause:
// POST /answer {"question": "…"}.
func echo(delay time.Duration) http.Handler {
	return serve.Handler(func(ctx context.Context, question string) serve.Reply {
		if delay > 0 {
			pause := time.NewTimer(delay)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
		}
		return serve.Reply{Output: question}
	})
}

// writeCases writes n cases; the echo gets nine in ten of them right.
func writeCases(w io.Writer, n int) error {
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	for i := 1; i <= n; i++ {
		tc := testCase{ID: fmt.Sprintf("case-%07d", i), Input: fmt.Sprintf("What is said in sentence %d of the book?", i)}
		tc.Expected = tc.Input
		if i%10 == 0 {
			tc.Expected = "something else"
		}
		if err := lines.Encode(tc); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
