package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/examples/internal/build"
)

// TestTheCommand builds it and does with it what the README says, in a copy of
// the suite.
func TestTheCommand(t *testing.T) {
	program := build.Program(t, ".", "customcommand")
	text, err := os.ReadFile("suite.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	save := func(text []byte) { require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), text, 0o600)) }
	save(text)
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var o, e bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &o, &e
		err := cmd.Run()
		require.NotNil(t, cmd.ProcessState, "%v", err)
		require.Equal(t, want, cmd.ProcessState.ExitCode(), "%s%s", &o, &e)
		return o.String(), e.String()
	}
	const message = "help-desk: pass, 4 cases\n- hours, polite: no please, thank, sorry or welcome in it\n"

	stdout, _ := run(0, "run", "suite.yaml")
	assert.Contains(t, stdout, "polite")
	written, err := os.ReadFile(filepath.Join(dir, "out", "message.txt"))
	require.NoError(t, err)
	assert.Equal(t, message, string(written))
	stdout, _ = run(0, "report", "-o", "chat", "-o", "chat:again.txt")
	assert.Equal(t, message, stdout)
	assert.FileExists(t, filepath.Join(dir, "again.txt"))
	stdout, _ = run(0, "validate", "suite.yaml")
	assert.Contains(t, stdout, "suite.yaml: ok")
	stdout, _ = run(0, "schema")
	for _, name := range []string{`"polite"`, `"desk"`, `"greeting"`, `"chat"`} {
		assert.Contains(t, stdout, name)
	}

	for _, slip := range []struct{ right, wrong, want string }{
		{"- polite", "- polit", `unknown evaluator "polit"; did you mean "polite"?`},
		{"desk: {", "desks: {", `unknown kind of app "desks"; did you mean "desk"?`},
		{"greeting:", "greting:", `unknown key "greting"; did you mean "greeting"?`},
		{"- chat:", "- chatt:", `unknown report format "chatt"; did you mean "chat"?`},
	} {
		require.Contains(t, string(text), slip.right)
		save(bytes.ReplaceAll(text, []byte(slip.right), []byte(slip.wrong)))
		_, stderr := run(2, "validate", "suite.yaml")
		assert.Contains(t, stderr, slip.want)
	}
}
