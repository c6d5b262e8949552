package target_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/target"
)

// BenchmarkHTTP compares the app with a client written by hand, doing the same:
// encode the input, POST it, read the reply, decode the answer.
func BenchmarkHTTP(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"answer":"42"}`)
	}))
	defer s.Close()
	const concurrency = 32

	b.Run("by hand", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
		defer client.CloseIdleConnections()
		b.SetParallelism(concurrency / 2)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				body, _ := json.Marshal(map[string]any{"question": "What is six times seven?"})
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL, bytes.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				data, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				var reply struct{ Answer string }
				if err != nil || json.Unmarshal(data, &reply) != nil || reply.Answer != "42" {
					b.Error("no answer", err)
					return
				}
			}
		})
	})
	b.Run("app", func(b *testing.B) {
		app, err := target.New("http", options(b, `{url: "`+s.URL+`", body: {question: "{{ .Input }}"}, output: .answer}`), target.Env{Concurrency: concurrency})
		if err != nil {
			b.Fatal(err)
		}
		defer app.(io.Closer).Close()
		b.SetParallelism(concurrency / 2)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				out, err := app.Respond(b.Context(), harness.Input{ID: "a", Value: "What is six times seven?"})
				if err != nil || out.Value != "42" {
					b.Error("no answer", err)
					return
				}
			}
		})
	})
}

func BenchmarkExecLines(b *testing.B) {
	app := build(b, "exec", child("worker")+"protocol: jsonl\nprocesses: 1\n")
	for b.Loop() {
		if _, err := app.Respond(b.Context(), harness.Input{ID: "a", Value: "hi"}); err != nil {
			b.Fatal(err)
		}
	}
}
