package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// echo is an app that answers each question with itself after a pause:
// POST /answer {"question": "…"} gives {"answer": "…"}.
func echo(delay time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ready\n")
	})
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Question string `json:"question"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
			http.Error(w, "the request is not understood: "+err.Error(), http.StatusBadRequest)
			return
		}
		if delay > 0 {
			pause := time.NewTimer(delay)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"answer": request.Question})
	})
	return mux
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
