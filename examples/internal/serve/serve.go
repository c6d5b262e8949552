// Package serve makes an app of a function, for the examples: the function
// answers questions as JSON lines on standard input and output, or over HTTP.
package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Answer answers one question. It may be called from many goroutines at once, and
// need not answer once ctx has ended.
type Answer func(ctx context.Context, question string) Reply

// Reply is what an app says to one question.
type Reply struct {
	Output string `json:"output"`
	// Chunks are the passages that the answer rests on.
	Chunks []Chunk `json:"chunks,omitempty"`
}

// Chunk is a passage with where it is from.
type Chunk struct {
	Text     string         `json:"text"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Main runs the app as its arguments say, until its input or the process ends,
// and gives the exit code.
func Main(answer Answer) int {
	flags := flag.NewFlagSet(os.Args[0], flag.ContinueOnError)
	addr := flags.String("addr", "", "answer over HTTP at this address, such as 127.0.0.1:8080 (default: JSON lines on standard input and output)")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *addr == "" {
		err = Lines(ctx, os.Stdin, os.Stdout, answer)
	} else {
		err = Listen(ctx, *addr, Handler(answer), os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Lines answers requests of one JSON line each, {"id": …, "input": "…"}, with
// one JSON line each, {"id": …, "output": "…"}, until r ends.
func Lines(ctx context.Context, r io.Reader, w io.Writer, answer Answer) error {
	in := bufio.NewReader(r)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := out.Encode(answerLine(ctx, line, answer)); err != nil {
				return fmt.Errorf("write a reply: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
	}
}

// line is one reply: an answer, or an error.
type line struct {
	ID any `json:"id"`
	*Reply
	Error string `json:"error,omitempty"`
}

func answerLine(ctx context.Context, data []byte, answer Answer) line {
	var request struct {
		ID    any    `json:"id"`
		Input string `json:"input"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return line{ID: request.ID, Error: "the request is not understood: " + err.Error()}
	}
	reply := answer(ctx, request.Input)
	return line{ID: request.ID, Reply: &reply}
}

// Handler answers POST /answer with a body like {"question": "…"}, and
// GET /health when it is ready.
func Handler(answer Answer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ready\n")
	})
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Question string `json:"question"`
		}
		body := http.MaxBytesReader(w, r.Body, 1<<20)
		if err := json.NewDecoder(body).Decode(&request); err != nil {
			http.Error(w, "the request is not understood: "+err.Error(), http.StatusBadRequest)
			return
		}
		reply := answer(r.Context(), request.Question)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"answer": reply.Output, "chunks": reply.Chunks})
	})
	return mux
}

// Listen serves HTTP at addr until ctx ends and running requests are answered.
// It writes the address to log, which tells the port when addr leaves it open.
func Listen(ctx context.Context, addr string, h http.Handler, log io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "listening on http://%s\n", l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(last)
	<-failed
	return err
}
