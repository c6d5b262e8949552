package evaltest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
)

// TestMain makes the test binary the evalrun command too.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"evalrun": func() { os.Exit(cli.Main()) }})
}

// leakless are tests after which no goroutine is left.
type leakless struct{ testscript.TestingM }

func (l leakless) Run() int {
	code := l.TestingM.Run()
	// database/sql ends this one a moment after Close returns.
	if err := goleak.Find(goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:", err)
		return 1
	}
	return code
}

// fixture is a module with evals of its own, whose package bot is compiled, with
// the race detector if this package is.
type fixture struct {
	program string // the test binary of package bot
	env     []string
}

func compile(t *testing.T) fixture {
	t.Helper()
	dir := t.TempDir()
	env, err := goEnv()
	require.NoError(t, err)
	f := fixture{program: filepath.Join(dir, "bot.test"), env: env}
	module := filepath.Join(dir, "module")
	require.NoError(t, copyModule(module))
	args := []string{"test", "-c", "-o", f.program}
	if raced() {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./bot")...)
	cmd.Dir, cmd.Env = module, append(os.Environ(), f.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "compile the fixture: %s", out)
	// Without its sources the binary looks for its package in the current folder.
	require.NoError(t, os.RemoveAll(module))
	return f
}

// raced tells whether this test has the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// goEnv lets a go command share the caches of this one, and need no network.
func goEnv() ([]string, error) {
	env := []string{"GOFLAGS=-mod=mod", "GOWORK=off"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return nil, fmt.Errorf("go env %s: %w", name, err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return append(env, "GOPROXY=off", "GOSUMDB=off"), nil
}

// copyModule copies the fixture, and gives it what this module needs.
func copyModule(dir string) error {
	if err := os.CopyFS(dir, os.DirFS("testdata/fixture")); err != nil {
		return err
	}
	for n := 2; n <= 8; n++ {
		if err := os.CopyFS(filepath.Join(dir, "many", "p"+strconv.Itoa(n)), os.DirFS("testdata/fixture/many/p1")); err != nil {
			return err
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return err
	}
	const path = "github.com/evalrun/evalrun"
	text := strings.Replace(string(mod), "module "+path, "module example.com/shop", 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", path, path, strconv.Quote(root))
	return errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644),
		os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644))
}
