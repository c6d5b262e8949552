package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

type config struct {
	cases, url, out string
	concurrency     int
}

type testCase struct {
	ID       string `json:"id"`
	Input    string `json:"input"`
	Expected string `json:"expected"`
}

type result struct {
	ID      string  `json:"id"`
	Output  string  `json:"output"`
	Right   bool    `json:"right"`
	Seconds float64 `json:"seconds"`
}

type tally struct{ asked, right int }

// loop asks every case and writes every result: one goroutine reads, as many as
// configured ask, one writes. The first error ends it.
func loop(ctx context.Context, c config) (tally, error) {
	in, err := os.Open(c.cases)
	if err != nil {
		return tally{}, err
	}
	defer in.Close()
	out, err := os.Create(c.out)
	if err != nil {
		return tally{}, err
	}
	defer out.Close()

	transport := &http.Transport{MaxIdleConnsPerHost: c.concurrency}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}

	todo := make(chan testCase, c.concurrency)
	done := make(chan result, c.concurrency)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(todo)
		return read(ctx, in, todo)
	})
	g.Go(func() error {
		defer close(done)
		asking, ctx := errgroup.WithContext(ctx)
		for range c.concurrency {
			asking.Go(func() error { return work(ctx, client, c.url, todo, done) })
		}
		return asking.Wait()
	})
	var t tally
	g.Go(func() (err error) {
		t, err = write(out, done)
		return err
	})
	if err := g.Wait(); err != nil {
		return t, err
	}
	return t, out.Close()
}

func read(ctx context.Context, in io.Reader, todo chan<- testCase) error {
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		var tc testCase
		if err := json.Unmarshal(lines.Bytes(), &tc); err != nil {
			return fmt.Errorf("case %d: %w", n, err)
		}
		select {
		case todo <- tc:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return lines.Err()
}

func work(ctx context.Context, client *http.Client, url string, todo <-chan testCase, done chan<- result) error {
	for tc := range todo {
		started := time.Now()
		output, err := ask(ctx, client, url, tc.Input)
		if err != nil {
			return fmt.Errorf("case %s: %w", tc.ID, err)
		}
		r := result{ID: tc.ID, Output: output, Right: output == tc.Expected, Seconds: time.Since(started).Seconds()}
		select {
		case done <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func ask(ctx context.Context, client *http.Client, url, question string) (string, error) {
	body, err := json.Marshal(map[string]string{"question": question})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", response.Status)
	}
	var reply struct {
		Answer string `json:"answer"`
	}
	err = json.NewDecoder(response.Body).Decode(&reply)
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
	return reply.Answer, err
}

func write(out io.Writer, done <-chan result) (tally, error) {
	var t tally
	buffered := bufio.NewWriter(out)
	lines := json.NewEncoder(buffered)
	var failed error
	for r := range done { // to the end also after an error, so that no one waits
		t.asked++
		if r.Right {
			t.right++
		}
		if failed == nil {
			failed = lines.Encode(r)
		}
	}
	if failed != nil {
		return t, failed
	}
	return t, buffered.Flush()
}
