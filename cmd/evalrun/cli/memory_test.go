//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// largeVariable is how many answers of 1 MB TestMemoryOfLargeAnswers asks for;
// its promise is about 10,000.
const largeVariable = "EVALRUN_LARGE"

// TestMemoryOfLargeAnswers runs suites whose app answers with megabytes, in a
// process of their own, and says how much memory that one had at most. Twice as
// many answers as the concurrency are there at once, with what evaluators make of
// them. On a busy machine garbage is collected late, so the limits are twice what a
// quiet one has.
//
//	EVALRUN_LARGE=10000 go test -run MemoryOfLarge -v -timeout 1h ./cmd/evalrun/cli
func TestMemoryOfLargeAnswers(t *testing.T) {
	many := 300
	if n, err := strconv.Atoi(os.Getenv(largeVariable)); err == nil {
		many = n
	}
	path := program(t, evalrun)
	for _, test := range []struct {
		name        string
		cases, size int
		limit       int64
		app         string
	}{
		{"http, 1 MB", many, 1 << 20, 400 << 20, "http: {url: URL}"},
		{"http, 9 MB", min(many/12, 300), 9 << 20, 1 << 30, "http: {url: URL}"},
		{"exec, 9 MB", min(many/12, 300), 9 << 20, 1 << 30, "exec: {command: [cat, answer.txt]}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := strings.Repeat("The quick brown fox \"jumps\" over the lazy dog — twice.\n", test.size/50)[:test.size]
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				_, _ = w.Write([]byte(line))
			}))
			defer server.Close()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "answer.txt"), []byte(line), 0o600))
			var cases bytes.Buffer
			for i := range test.cases {
				fmt.Fprintf(&cases, "{\"id\": \"%d\", \"input\": \"question %d\", \"expected\": \"fox\"}\n", i, i)
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "cases.jsonl"), cases.Bytes(), 0o600))
			app := strings.Replace(test.app, "URL", strconv.Quote(server.URL), 1)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), []byte(`name: large
dataset: {file: cases.jsonl}
evaluators: [icontains, not-equals]
concurrency: 16
app: {`+app+"}\n"), 0o600))
			for _, args := range [][]string{
				{"run", "suite.yaml", "-q"},
				{"report", "-o", "table", "-o", "jsonl:out.jsonl", "-o", "csv:out.csv", "-o", "out.junit.xml", "-o", "out.md"},
				{"show", "--case", "7"},
			} {
				if args[0] == "report" && test.size > 1<<20 {
					continue // it takes a minute
				}
				peak, took := peakOf(t, path, dir, args...)
				t.Logf("%d answers, evalrun %s: %d MB at most, %s", test.cases, strings.Join(args[:1], " "), peak>>20, took.Round(time.Millisecond))
				assert.Less(t, peak, test.limit, "%s", args)
			}
		})
	}
}

// peakOf runs a program and gives the most memory that it had, in bytes.
func peakOf(t *testing.T, program, dir string, args ...string) (int64, time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	require.NoError(t, cmd.Run(), "%s: %s", args, &stderr)
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		peak *= 1024
	}
	return peak, time.Since(begin)
}
