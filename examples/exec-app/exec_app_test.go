// Package execapp tests the bots of this folder.
package execapp

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/examples/internal/build"
	"github.com/evalrun/evalrun/examples/internal/command"
)

func TestSuite(t *testing.T) {
	build.Need(t, "python3")
	build.Need(t, "node")
	o := command.Run(t, cli.Config{}, "suite.yaml")
	require.Zero(t, o.Code, "%s%s", o.Stdout, o.Stderr)
	require.Len(t, o.Reports, 2)
	for _, app := range []string{"python", "node"} {
		r := o.Reports[app]
		assert.Equal(t, "complete", r.Status, app)
		assert.Equal(t, 8, r.Cases.Completed, app)
		assert.Equal(t, 8, r.Evaluators["equals"].N, app)
	}
}

// TestErrors: a bot says of what it can't answer that it can't, and goes on.
func TestErrors(t *testing.T) {
	for _, bot := range [][]string{{"python3", "bot.py"}, {"node", "bot.mjs"}} {
		t.Run(bot[0], func(t *testing.T) {
			build.Need(t, bot[0])
			cmd := exec.CommandContext(t.Context(), bot[0], bot[1])
			cmd.Stdin = strings.NewReader(`{"id": "a", "input": {"date": "2024-02-29"}}` + "\n" + `{"id": "b", "input": "2024-02-29"}` + "\n")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.NoError(t, err, "%s", &stderr)
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			require.Len(t, lines, 2)
			assert.JSONEq(t, `{"id": "a", "error": "expected a question in words"}`, lines[0])
			assert.JSONEq(t, `{"id": "b", "output": "Thursday"}`, lines[1])
		})
	}
}

// TestAnAppThatFails: an error of the app is no wrong answer, and no success.
func TestAnAppThatFails(t *testing.T) {
	build.Need(t, "python3")
	o := command.Run(t, cli.Config{}, "broken.yaml")
	assert.Equal(t, 4, o.Code, "%s%s", o.Stdout, o.Stderr)
	r := o.Reports["exec"]
	assert.Equal(t, 1, r.Cases.Errored)
	assert.Equal(t, 1, r.Evaluators["equals"].N, "the case with the error is not scored")
	assert.Contains(t, o.Stdout, "expected a question in words")
}
