package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
	"github.com/evalrun/evalrun/harness/runner"
)

// fullAfter is standard output on a disk that takes so many writes.
type fullAfter struct{ left int }

func (w *fullAfter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

// A plan that can't be shown is not carried out; what is carried out is carried
// out whole.
func TestRetellPushOntoAFullDisk(t *testing.T) {
	server := httptest.NewServer(retellserver.New(retellserver.Config{}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "cases.yaml")
	require.NoError(t, os.WriteFile(file, []byte("test_cases: [{name: a, user_prompt: p, metrics: []}, {name: b, user_prompt: p, metrics: []}]"), 0o600))
	push := func(want, writes int, flags ...string) {
		var stderr bytes.Buffer
		code := run(context.Background(), Config{
			Args: append([]string{"retell", "push", "--llm-id", "llm_1", file}, flags...), Stdout: &fullAfter{writes}, Stderr: &stderr,
			Getenv: func(name string) (string, bool) { return server.URL, name == "RETELL_BASE_URL" },
		})
		assert.Equal(t, want, code, "%d %v", writes, flags)
		assert.Contains(t, stderr.String(), "no space left", "%d %v", writes, flags)
	}
	client, err := retell.New(retell.Config{BaseURL: server.URL})
	require.NoError(t, err)
	defer client.Close()
	there := func() int {
		page, err := client.ListTestCaseDefinitions(t.Context(), retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"}, retell.ListOptions{})
		require.NoError(t, err)
		return len(page.Items)
	}
	push(runner.CodeUsage, 0, "--dry-run")
	push(runner.CodeUsage, 0)
	assert.Zero(t, there())
	push(runner.CodeIncomplete, 1)
	assert.Equal(t, 2, there())
}
