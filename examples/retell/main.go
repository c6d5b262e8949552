// Command retell stands in for Retell's test API, with the test cases of a file: an
// account is not needed, and nobody is called.
//
//	go run ./examples/retell -addr 127.0.0.1:8401 examples/retell/cases.yaml
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/evalrun/evalrun/examples/internal/serve"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

func main() {
	addr := flag.String("addr", retellserver.DefaultAddr, "where to listen")
	speed := flag.Float64("speed", 1000, "how many simulated seconds pass in one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	platform, err := standIn(flag.Arg(0), *speed)
	if err == nil {
		err = serve.Listen(ctx, *addr, platform, os.Stderr)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// standIn has the test cases of a file, and answers GET /health when it is ready.
func standIn(file string, speed float64) (http.Handler, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the file of test cases: %w", err)
	}
	parsed, err := retell.ParseDefinitions(file, data, nil)
	if err != nil {
		return nil, err
	}
	config := retellserver.Config{Seed: 7, Speed: speed}
	for _, in := range parsed.Cases {
		config.Definitions = append(config.Definitions, retell.TestCaseDefinition{
			Name: in.Name, ResponseEngine: *in.ResponseEngine, UserPrompt: in.UserPrompt, Metrics: in.Metrics,
			DynamicVariables: in.DynamicVariables, ToolMocks: in.ToolMocks, LLMModel: in.LLMModel,
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/", retellserver.New(config))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ready\n") })
	return mux, nil
}
