// Package sgp runs the example in this folder.
package sgp

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/examples/internal/build"
)

// TestScript runs run.sh: the server, the push, the run and the looks at the
// platform are real.
func TestScript(t *testing.T) {
	build.Need(t, "bash")
	build.Need(t, "curl")
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "bash", "run.sh")
	cmd.Env = append(os.Environ(), "EVALRUN="+build.Program(t, "github.com/evalrun/evalrun/cmd/evalrun", "evalrun"), "SGP_API_KEY=not-for-the-local-one")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s%s", &stdout, &stderr)

	_, rest, found := strings.Cut(stdout.String(), "=== what the platform has\n")
	require.True(t, found, "%s", &stdout)
	lines := strings.Split(rest, "\n")
	var evaluation struct {
		Status    string `json:"status"`
		Completed int    `json:"completed_test_case_result_count"`
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &evaluation), lines[0])
	assert.Equal(t, "COMPLETED", evaluation.Status)
	assert.Equal(t, 2500, evaluation.Completed)
	var results struct {
		Total int `json:"total_item_count"`
		Items []struct {
			Version string `json:"evaluation_dataset_version_num"`
			Result  map[string]float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &results), lines[1])
	assert.Equal(t, 2500, results.Total)
	require.Len(t, results.Items, 1)
	assert.Equal(t, "1", results.Items[0].Version)
	assert.Contains(t, results.Items[0].Result, "equals")
	assert.Equal(t, 2, strings.Count(stdout.String(), "2,500 found, each once"), "by the run, and asked again")
	assert.NotContains(t, stdout.String()+stderr.String(), "not-for-the-local-one")
}
