//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// needGo skips a test where there is no go command.
func needGo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("the go command is needed to build a program: ", err)
	}
}

// program builds a command of this module.
func program(t *testing.T, pkg string) string {
	t.Helper()
	needGo(t)
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput()
	require.NoError(t, err, "go build %s: %s", pkg, out)
	return path
}

const (
	evalrun    = "github.com/evalrun/evalrun/cmd/evalrun"
	ownProgram = evalrun + "/cli/testdata/own" // an evalrun with evaluators of its own
)

// own gives a command of that program in a folder with a suite: four cases, asked
// one after the other, the third of which has that fate.
func own(t *testing.T, program, fate string, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), []byte(fmt.Sprintf(`name: own
dataset: {cases: [{id: a, input: ok}, {id: b, input: ok}, {id: c, input: %q}, {id: d, input: ok}]}
app: {echo: {}}
evaluators: [fate]
concurrency: 1
`, fate)), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return cmd
}

func again(cmd *exec.Cmd, args ...string) *exec.Cmd {
	next := exec.Command(cmd.Path, args...)
	next.Dir, next.Stdout, next.Stderr = cmd.Dir, &bytes.Buffer{}, &bytes.Buffer{}
	return next
}

func codeOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode() // -1 when a signal ended it
	}
	require.NoError(t, err)
	return 0
}

// TestEvaluatorsThatEndTheProcess: whatever ends it, that is no success, what was
// finished is kept, the run can be resumed, and the case is named.
func TestEvaluatorsThatEndTheProcess(t *testing.T) {
	path := program(t, ownProgram)
	for _, fate := range []string{"exit 0", "exit 1", "exit 70", "kill", "race", "overflow", "memory"} {
		t.Run(fate, func(t *testing.T) {
			if fate == "overflow" && testing.Short() {
				t.Skip("a stack of 1 GB")
			}
			cmd := own(t, path, fate, "run", "suite.yaml")
			if fate == "memory" { // 4 GB of address space
				cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `ulimit -v 4000000 && exec "$0" run suite.yaml`, cmd.Path}
			}
			err := cmd.Run()
			assert.Equal(t, 4, codeOf(t, err), "%s", cmd.Stderr)
			assert.Contains(t, fmt.Sprint(cmd.Stderr), "before the command did")
			assert.Contains(t, fmt.Sprint(cmd.Stderr), "main goes on")
			cmd.Path = path

			report := again(cmd, "gate")
			assert.Equal(t, 4, codeOf(t, report.Run()))
			assert.Contains(t, fmt.Sprint(report.Stdout), "INCOMPLETE")
			report = again(cmd, "report", "-o", "json")
			require.NoError(t, report.Run())
			assert.Contains(t, fmt.Sprint(report.Stdout), `while case \"c\", trial 1 was being asked or scored`)

			require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, "spare"), nil, 0o600))
			resumed := again(cmd, "run", "--resume")
			require.NoError(t, resumed.Run(), "%s%s", resumed.Stdout, resumed.Stderr)
			assert.Contains(t, strings.Join(strings.Fields(fmt.Sprint(resumed.Stdout)), " "), `while case "c"`)
		})
	}
}

// TestAppsAndReportersThatEndTheProcess are no success either.
func TestAppsAndReportersThatEndTheProcess(t *testing.T) {
	path := program(t, ownProgram)
	for own, text := range map[string]string{
		"target":   "name: s\ndataset: {cases: [{id: a, input: x}]}\napp: fatal\nevaluators: [{includes: {value: x}}]\n",
		"reporter": "name: s\ndataset: {cases: [{id: a, input: x}]}\napp: echo\nevaluators: [{includes: {value: x}}]\nreports: [fatal]\n",
	} {
		t.Run(own, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), []byte(text), 0o600))
			cmd := exec.CommandContext(t.Context(), path, "run", "suite.yaml")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "OWN="+own)
			out, err := cmd.CombinedOutput()
			assert.Equal(t, 4, codeOf(t, err), "%s", out)
			assert.Contains(t, string(out), "before the command did")
		})
	}
}

// TestProgramsOfTheirOwnEndAsTheCommandDoes: without such an evaluator nothing is
// different.
func TestProgramsOfTheirOwnEndAsTheCommandDoes(t *testing.T) {
	path := program(t, ownProgram)
	cmd := own(t, path, "ok", "run", "suite.yaml", "--json")
	require.NoError(t, cmd.Run(), "%s", cmd.Stderr)
	assert.Contains(t, fmt.Sprint(cmd.Stdout), `"verdict"`)
	assert.Equal(t, 1, strings.Count(fmt.Sprint(cmd.Stderr), "main goes on"))
	for code, args := range map[int][]string{
		1: {"gate", "--check", "fate.mean >= 2"},
		2: {"run", "no-such-suite.yaml"},
	} {
		next := again(cmd, args...)
		assert.Equal(t, code, codeOf(t, next.Run()), "%v: %s", args, next.Stderr)
	}
}

// TestSignalsToBothProcesses: one signal to the process that was started, or to
// its group as a terminal sends it, counts once.
func TestSignalsToBothProcesses(t *testing.T) {
	path := program(t, ownProgram)
	for _, test := range []struct {
		sig   syscall.Signal
		group bool
		times int
		want  int
		says  string
	}{
		{syscall.SIGINT, false, 1, 130, "stopping"},
		{syscall.SIGINT, true, 1, 130, "stopping"},
		{syscall.SIGTERM, false, 1, 143, "stopping"},
		{syscall.SIGHUP, false, 1, 143, "stopping"},
		{syscall.SIGINT, true, 2, 130, "leaving"},
	} {
		t.Run(fmt.Sprint(test.sig, test.group, test.times), func(t *testing.T) {
			fate := "sleep 1s"
			if test.times > 1 {
				fate = "sleep 1m"
			}
			cmd := own(t, path, fate, "run", "suite.yaml")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			caught := make(chan os.Signal, 1) // else programs below nohup inherit that it is ignored
			signal.Notify(caught, syscall.SIGHUP)
			defer signal.Stop(caught)
			require.NoError(t, cmd.Start())
			asleep(t, cmd.Dir)
			pid := cmd.Process.Pid
			if test.group {
				pid = -pid
			}
			for range test.times {
				require.NoError(t, syscall.Kill(pid, test.sig))
				time.Sleep(200 * time.Millisecond)
			}
			assert.Equal(t, test.want, codeOf(t, cmd.Wait()), "%s", cmd.Stderr)
			assert.Contains(t, fmt.Sprint(cmd.Stderr), test.says)
			if test.times == 1 {
				assert.NotContains(t, fmt.Sprint(cmd.Stderr), "leaving", "the signal counted twice")
			}
		})
	}
}

// TestKilledParent: when the process that was started is killed, the other one
// ends as well, and the run can be resumed.
func TestKilledParent(t *testing.T) {
	path := program(t, ownProgram)
	cmd := own(t, path, "sleep 1h", "run", "suite.yaml")
	require.NoError(t, cmd.Start())
	asleep(t, cmd.Dir)
	st, err := store.Open(filepath.Join(cmd.Dir, ".evalrun"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, st.Close()) }()
	info, err := st.Info(t.Context(), "latest")
	require.NoError(t, err)
	require.Equal(t, store.Running, info.Status)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool {
		info, err = st.Info(t.Context(), "latest")
		return assert.NoError(t, err) && info.Status == store.Interrupted
	}, time.Minute, 20*time.Millisecond, "the second process goes on")
	assert.Equal(t, []harness.Key{{Case: "c", Trial: 1}}, info.Asked)
}

// asleep waits for the evaluator to sleep.
func asleep(t *testing.T, dir string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "asleep"))
		return err == nil
	}, 2*time.Minute, 5*time.Millisecond)
}

// TestExitWithinGoTest: in a test os.Exit(0) panics, by package testing's doing, so
// it is an error of its trial; any other code ends the test as failed, and the
// store says that the run was cut off, and where.
func TestExitWithinGoTest(t *testing.T) {
	needGo(t)
	eval := func(code string) (out string, info store.Info) {
		dir := filepath.Join(t.TempDir(), "store")
		cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./testdata/tested")
		cmd.Env = append(os.Environ(), "EVAL_STORE="+dir, "EVAL_CODE="+code)
		data, err := cmd.CombinedOutput()
		assert.Equal(t, 1, codeOf(t, err), "%s", data)
		st, err := store.Open(dir)
		require.NoError(t, err)
		defer func() { assert.NoError(t, st.Close()) }()
		info, err = st.Info(t.Context(), "latest")
		require.NoError(t, err)
		assert.Equal(t, store.Interrupted, info.Status)
		return string(data), info
	}
	out, _ := eval("0")
	assert.Contains(t, out, "b app panicked: unexpected call to os.Exit(0) during test")
	_, info := eval("1")
	assert.Equal(t, []harness.Key{{Case: "b", Trial: 1}}, info.Asked)
}
