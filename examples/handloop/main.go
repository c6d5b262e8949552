// Command handloop is an eval written by hand: read cases, ask an app over HTTP,
// many at once, compare, write JSON lines. It has nothing that a long or paid run
// needs (no resume, no retries, no errors kept apart from wrong answers, nothing
// synced) and is the yardstick for what these cost in evalrun: .ci/bench times
// both on the same cases.
//
//	go run ./examples/handloop -serve 127.0.0.1:8080 -delay 100ms   # the app: it echoes
//	go run ./examples/handloop -make 10000 > cases.jsonl
//	go run ./examples/handloop -cases cases.jsonl -url http://127.0.0.1:8080/answer -out results.jsonl
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "handloop:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("handloop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		addr        = flags.String("serve", "", "be the app at this address in place of running the loop")
		delay       = flags.Duration("delay", 0, "how long the app takes for each answer")
		count       = flags.Int("make", 0, "write so many cases to standard output in place of running the loop")
		cases       = flags.String("cases", "", "file of cases: JSON lines with id, input, expected")
		url         = flags.String("url", "", "where the app answers")
		out         = flags.String("out", "results.jsonl", "file for the results")
		concurrency = flags.Int("concurrency", 32, "how many cases are asked at once")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case *addr != "":
		return serve.Listen(ctx, *addr, echo(*delay), stderr)
	case *count > 0:
		return writeCases(stdout, *count)
	case *cases == "" || *url == "":
		return errors.New("-cases and -url are needed, or one of -serve and -make")
	}
	started := time.Now()
	t, err := loop(ctx, config{cases: *cases, url: *url, out: *out, concurrency: *concurrency})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d of %d right in %s\n", t.right, t.asked, time.Since(started).Round(time.Millisecond))
	return err
}
