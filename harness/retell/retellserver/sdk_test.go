package retellserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// Retell's official client, from npm, does on this server what it does on the
// platform (testdata/sdk/client.mjs).
func TestOfficialClient(t *testing.T) {
	dir := installClient(t)
	server := retellserver.New(retellserver.Config{APIKey: "key_1", Faults: retellserver.Faults{Request: clientFaults}})
	srv := httptest.NewServer(checked(t, server))
	defer srv.Close()

	env := append(os.Environ(), "RETELL_BASE_URL="+srv.URL, "RETELL_API_KEY=key_1", "RETELL_LOG=off")
	out, err := command(t, dir, env, "node", "client.mjs")
	require.NoError(t, err, "%s", out)
	var seen map[string]any
	require.NoError(t, json.Unmarshal(out, &seen), "%s", out)
	assert.Equal(t, map[string]any{
		"started": "in_progress",
		"counts":  []any{3.0, 1.0, 1.0, 5.0},
		"batches": 1.0,
		"pages":   3.0,
		"runs": []any{
			[]any{"case 0", "fail", "string", true},
			[]any{"case 1", "error", "string", true},
			[]any{"case 2", "pass", "string", true},
			[]any{"case 3", "pass", "string", true},
			[]any{"case 4", "pass", "string", true},
		},
		"updated": []any{"renamed", "You want to move your appointment to Friday.", "case 0"},
		"got":     "renamed",
		"left":    []any{"case 3", "case 2", "case 1", "renamed"},
		"twice":   []any{1.0, 2.0},
		"errors": map[string]any{
			"deleted":            "NotFoundError: 404 The requested resource was not found.",
			"unknown in a batch": seen["errors"].(map[string]any)["unknown in a batch"],
			"none in a batch":    "BadRequestError: 400 Invalid request format, please check API reference. /test_case_definition_ids: minItems: got 0, want 1.",
			"wrong key":          "AuthenticationError: 401 API key is missing or invalid.",
			"no type":            "BadRequestError: 400 Invalid request format, please check API reference. type must be retell-llm or conversation-flow.",
			"payment":            "APIError: 402 Trial has ended, please add payment method.",
			"limited":            "RateLimitError: 429 Account rate limited, please throttle your requests.",
			"broken":             "InternalServerError: 500 An unexpected server error occurred.",
			"dropped":            "APIConnectionError: Connection error.",
		},
	}, seen)
	assert.Contains(t, seen["errors"].(map[string]any)["unknown in a batch"], "BadRequestError: 400 Invalid request format, please check API reference. /test_case_definition_ids/0")
	assert.Len(t, server.Batches(), 3)
}

// clientFaults are those that the client's program knows of: IDs of runs, a 402
// for the fourth batch, and a 500 after the fifth was created.
func clientFaults(r retellserver.Request) retellserver.Fault {
	soon := http.Header{"Retry-After-Ms": {"1"}}
	switch {
	case r.Op == retellserver.OpCreateBatch && r.N == 4:
		return retellserver.Fault{Status: http.StatusPaymentRequired}
	case r.Op == retellserver.OpGetRun && r.ID == "429":
		return retellserver.Fault{Status: http.StatusTooManyRequests, Header: soon}
	case r.Op == retellserver.OpGetRun && r.ID == "500":
		return retellserver.Fault{Status: http.StatusInternalServerError}
	case r.Op == retellserver.OpGetRun && r.ID == "drop":
		return retellserver.Fault{DropBefore: true}
	case r.Op == retellserver.OpCreateBatch && r.N == 5:
		return retellserver.Fault{DropAfter: true, Status: http.StatusInternalServerError, Header: soon}
	}
	return retellserver.Fault{}
}

// checked holds what the client sends, and what it gets, against the contract.
func checked(t *testing.T, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, err := body.ReadFrom(r.Body)
		assert.NoError(t, err)
		e := exchange{req: r, body: body.Bytes()}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, e.request())
		e.status, e.header, e.answer = answer.Code, answer.Header(), answer.Body.Bytes()
		e.check(t)
		for name, values := range e.header {
			w.Header()[name] = values
		}
		w.WriteHeader(e.status)
		_, _ = w.Write(e.answer)
	})
}

// installClient puts the client and its program into a folder. Without node, npm
// or the registry the test is skipped; in CI they have to be there.
func installClient(t *testing.T) string {
	t.Helper()
	unable := t.Skipf
	if os.Getenv("CI") != "" {
		unable = t.Fatalf
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			unable("the official client is not run: %v", err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "client.mjs"} {
		data, err := os.ReadFile(filepath.Join("testdata/sdk", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	if out, err := command(t, dir, os.Environ(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		unable("the official client is not run: npm ci: %v\n%s", err, out)
	}
	return dir
}

// command runs a program and gives its output; with an error, its messages too.
func command(t *testing.T, dir string, env []string, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		out = append(out, stderr.Bytes()...)
	}
	return out, err
}
