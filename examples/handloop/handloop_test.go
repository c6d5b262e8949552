package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cases writes a file of n cases and gives its path.
func cases(t *testing.T, n int) string {
	var b bytes.Buffer
	require.NoError(t, writeCases(&b, n))
	path := filepath.Join(t.TempDir(), "cases.jsonl")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

func TestLoop(t *testing.T) {
	app := httptest.NewServer(echo(time.Millisecond))
	defer app.Close()
	c := config{cases: cases(t, 250), url: app.URL + "/answer", out: filepath.Join(t.TempDir(), "out.jsonl"), concurrency: 8}
	got, err := loop(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, tally{asked: 250, right: 225}, got)

	data, err := os.ReadFile(c.out)
	require.NoError(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		var r result
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		assert.Contains(t, r.Output, "What is said")
		seen[r.ID] = true
	}
	assert.Len(t, seen, 250)
}

func TestLoopEndsAtTheFirstError(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusInternalServerError)
	}))
	defer broken.Close()
	good := httptest.NewServer(echo(0))
	defer good.Close()
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte(`{"id": "1", "input": "a"}`+"\nbroken\n"), 0o600))
	out := filepath.Join(t.TempDir(), "out.jsonl")
	for _, tt := range []struct {
		name, says string
		c          config
	}{
		{"the app fails", "status 500", config{cases(t, 100), broken.URL + "/answer", out, 4}},
		{"a broken case", "case 2", config{bad, good.URL + "/answer", out, 4}},
		{"no cases", "no such file", config{"nowhere.jsonl", good.URL, out, 4}},
		{"no place for results", "no such file", config{bad, good.URL, filepath.Join(bad, "no", "x"), 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loop(t.Context(), tt.c)
			if tt.name == "no place for results" {
				require.Error(t, err) // the wording differs between systems
				return
			}
			assert.ErrorContains(t, err, tt.says)
		})
	}
}

func TestLoopEndsWithItsContext(t *testing.T) {
	app := httptest.NewServer(echo(time.Hour))
	defer app.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := loop(ctx, config{cases(t, 100), app.URL + "/answer", filepath.Join(t.TempDir(), "out.jsonl"), 4})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-make", "3"}, &out, io.Discard))
	assert.Equal(t, 3, strings.Count(out.String(), "\n"))
	assert.ErrorContains(t, run(t.Context(), nil, io.Discard, io.Discard), "-cases and -url are needed")
	assert.Error(t, run(t.Context(), []string{"-unknown"}, io.Discard, io.Discard))

	app := httptest.NewServer(echo(0))
	defer app.Close()
	out.Reset()
	args := []string{"-cases", cases(t, 20), "-url", app.URL + "/answer", "-out", filepath.Join(t.TempDir(), "o")}
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	assert.Contains(t, out.String(), "18 of 20 right in ")
}
