// Package build makes programs of this module for the tests of the examples.
package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Program builds the main package of an import path, or of ".", and gives the path
// of the program in a folder of the test's. Without a go command the test is
// skipped; in CI it fails.
func Program(t testing.TB, pkg, name string) string {
	t.Helper()
	Need(t, "go")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %s\n%s", pkg, err, out)
	}
	return path
}

// Need skips the test when a command is not there; in CI it fails.
func Need(t testing.TB, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("the command %s is needed: %s", command, err)
	}
}
