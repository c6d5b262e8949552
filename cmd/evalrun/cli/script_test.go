package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// TestMain makes the test binary three programs: evalrun, an evalrun with a bug
// in it, and the apps under test.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){
		"evalrun":     func() { os.Exit(cli.Main()) },
		"evalrun-bug": func() { os.Exit(cli.Run(context.Background(), cli.Config{Evaluators: buggy()})) },
		"testapp":     testApp,
	})
}

// leakless are tests after which no goroutine is left.
type leakless struct{ testscript.TestingM }

func (l leakless) Run() int {
	code := l.TestingM.Run()
	// database/sql keeps one goroutine per open database, and ends it a moment
	// after Close returns.
	if err := goleak.Find(goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:", err)
		return 1
	}
	return code
}

// buggy is a registry with a definition that panics when a suite names it.
func buggy() *evaluator.Registry {
	r := evaluator.NewRegistry()
	if err := r.Define(evaluator.Definition{Name: "bug", New: func(evaluator.Options) (harness.Evaluator, error) { panic("a bug") }}); err != nil {
		panic(err)
	}
	return r
}

// TestScripts runs testdata/script, each in a folder of its own. -update rewrites
// the outputs that they compare with.
func TestScripts(t *testing.T) { testscript.Run(t, scripts("testdata/script")) }

// scripts are the parameters of the scripts in a folder.
func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"PORT", "PORT2"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				e.Setenv(name, strconv.Itoa(port))
			}
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"interrupt": interrupt,
			"subst":     subst,
			"serve":     serve,
			"jsonenv":   jsonEnv,
			"same":      same,
		},
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// exits CODE PROGRAM ARG... runs a program and wants this exit code. Its output
// is in the files stdout and stderr, for grep.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := command(ctx, ts, args[1:])
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := exitOf(ts, cmd.Run())
	keep(ts, &stdout, &stderr)
	if code != want {
		ts.Fatalf("exit code %d, expected %d\nstdout:\n%s\nstderr:\n%s", code, want, &stdout, &stderr)
	}
}

// interrupt CODE SIGNAL COUNT FILE PROGRAM ARG... runs a program, sends it the
// signal COUNT times once FILE has something in it, and wants this exit code.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[1]]
	count, err := strconv.Atoi(args[2])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := command(ctx, ts, args[4:])
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Under nohup SIGHUP is ignored, and programs inherit that; not while it is
	// caught here.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	ts.Check(cmd.Start())
	for ctx.Err() == nil {
		if info, err := os.Stat(ts.MkAbs(args[3])); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for range count {
		ts.Check(cmd.Process.Signal(sig))
		time.Sleep(300 * time.Millisecond)
	}
	code := exitOf(ts, cmd.Wait())
	keep(ts, &stdout, &stderr)
	if code != want {
		ts.Fatalf("exit code %d, expected %d\nstdout:\n%s\nstderr:\n%s", code, want, &stdout, &stderr)
	}
}

// serve PORT ARG... runs evalrun serve in the background until the script ends.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	addr := "127.0.0.1:" + args[0]
	cmd := command(ctx, ts, append([]string{"evalrun", "serve", "--addr", addr}, args[1:]...))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	ts.Check(cmd.Start())
	ts.Defer(func() { cancel(); _ = cmd.Wait() })
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("evalrun serve does not answer on %s", addr)
}

func command(ctx context.Context, ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := lookPath(args[0], ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "PORT", "PORT2", "WORK", "SGP_API_KEY", "SGP_ACCOUNT_ID", "SGP_CLIENT_BASE_URL", "RETELL_API_KEY", "RETELL_BASE_URL", "SECRET", "CI", "GOCOVERDIR"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if full := filepath.Join(dir, name); fileExists(full) {
			return full, nil
		}
	}
	return "", fmt.Errorf("no program %s", name)
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func exitOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	case errors.As(err, &exit):
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	}
	ts.Check(err)
	return -1
}

func keep(ts *testscript.TestScript, stdout, stderr *bytes.Buffer) {
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), stdout.Bytes(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), stderr.Bytes(), 0o644))
}

// subst FILE... puts environment variables, written @NAME@, into files.
func subst(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := ts.ReadFile(name)
		for _, v := range []string{"PORT", "PORT2", "WORK", "DATASET"} {
			text = strings.ReplaceAll(text, "@"+v+"@", ts.Getenv(v))
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// same GOT WANT compares two texts.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if (args[0] == args[1]) == neg {
		ts.Fatalf("found %q, expected %q", args[0], args[1])
	}
}

// jsonenv NAME PATH FILE puts a value of a JSON document into the environment: the
// path has names and numbers between dots.
func jsonEnv(ts *testscript.TestScript, _ bool, args []string) {
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &value))
	for _, step := range strings.Split(args[1], ".") {
		found := false
		switch v := value.(type) {
		case map[string]any:
			value, found = v[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i < len(v) {
				value, found = v[i], true
			}
		}
		if !found {
			ts.Fatalf("%s has no %s", args[2], args[1])
		}
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}
