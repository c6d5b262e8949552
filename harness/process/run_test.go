package process_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunGivesStandardOutput(t *testing.T) {
	for _, in := range []string{"", "hi\n", "a\x00b", "\xff\xfe", strings.Repeat("long ", 1<<20)} {
		out, err := process.Run(t.Context(), self("echo"), []byte(in))
		require.NoError(t, err)
		assert.Equal(t, in, string(out))
	}
}

func TestRunNaughtyStringsArriveExactly(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "corpora/blns.json"))
	require.NoError(t, err)
	var naughty []string
	require.NoError(t, json.Unmarshal(data, &naughty))
	require.Greater(t, len(naughty), 500)
	naughty = append(naughty, "$(id)", "`id`", "-rf", "--help", "; rm x", "a\x00b")
	all := strings.Join(naughty, "\x00\n")
	out, err := process.Run(t.Context(), self("echo"), []byte(all))
	require.NoError(t, err)
	assert.Equal(t, all, string(out))

	var args []string // what an argument can carry arrives as it is too: no shell
	for _, s := range naughty {
		if !strings.Contains(s, "\x00") {
			args = append(args, s)
		}
	}
	out, err = process.Run(t.Context(), self("args", args...), nil)
	require.NoError(t, err)
	var got []string
	require.NoError(t, json.Unmarshal(out, &got))
	want, _ := json.Marshal(args) // invalid UTF-8 changes in JSON, on both sides alike
	have, _ := json.Marshal(got)
	assert.Equal(t, string(want), string(have))
}

func TestRunIgnoresInputThatIsNotRead(t *testing.T) {
	out, err := process.Run(t.Context(), self("deaf"), make([]byte, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, "deaf", string(out))
}

func TestRunEnvironmentIsShort(t *testing.T) {
	t.Setenv("SECRET_KEY", "s3cret")
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("TMPDIR", "/tmp")
	c := self("env")
	c.Env["NAMED"], c.Env["TMPDIR"] = "yes", "/elsewhere"
	out, err := process.Run(t.Context(), c, nil)
	require.NoError(t, err)
	var env []string
	require.NoError(t, json.Unmarshal(out, &env))
	assert.ElementsMatch(t, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C.UTF-8",
		"TMPDIR=/elsewhere", "NAMED=yes", childEnv + "=env",
	}, env)
}

func TestRunStartsInDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	c := self("dir")
	c.Dir = dir
	out, err := process.Run(t.Context(), c, nil)
	require.NoError(t, err)
	assert.Equal(t, dir, string(out))
}

func TestRunErrors(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("not a program"), 0o600))
	tests := []struct {
		name    string
		command process.Command
		want    string
		is      error
	}{
		{"nothing named", process.Command{}, "command: cannot start: no program is named", nil},
		{"not in PATH", process.Command{Argv: []string{"no-such-program"}}, "no-such-program: cannot start: executable file not found in $PATH", exec.ErrNotFound},
		{"no such file", process.Command{Argv: []string{"./no/such"}}, "./no/such: cannot start: no such file or directory", fs.ErrNotExist},
		{"not executable", process.Command{Argv: []string{plain}}, plain + ": cannot start: permission denied", fs.ErrPermission},
		{"no such folder", process.Command{Argv: self("echo").Argv, Dir: dir + "/none"}, os.Args[0] + ": cannot start in " + dir + "/none: there is no such folder", fs.ErrNotExist},
		{"status", self("fail"), os.Args[0] + ": exit status 7: boom: no model\nstandard error: first line", nil},
		{"too much", self("flood"), os.Args[0] + ": wrote more than 10485760 bytes to standard output", process.ErrOutput},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := process.Run(t.Context(), tt.command, []byte("input"))
			require.EqualError(t, err, tt.want)
			assert.Nil(t, out)
			var e *process.Error
			assert.ErrorAs(t, err, &e)
			if tt.is != nil {
				assert.ErrorIs(t, err, tt.is)
			}
		})
	}
}

func TestRunKeepsTheEndOfStandardError(t *testing.T) {
	_, err := process.Run(t.Context(), self("noise"), nil)
	var e *process.Error
	require.ErrorAs(t, err, &e)
	assert.LessOrEqual(t, len(e.Stderr), 2<<11)
	assert.True(t, strings.HasSuffix(e.Stderr, "line 99999 \uFFFD"), "%q", e.Stderr)
	assert.True(t, strings.HasPrefix(e.Stderr, "line "), "the first line is whole: %q", e.Stderr[:20])
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
}

func TestRunEndsWithItsContext(t *testing.T) {
	for _, mode := range []string{"hang", "stubborn", "polite"} {
		t.Run(mode, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer cancel()
			out, err := process.Run(ctx, self(mode), nil)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Nil(t, out, "half an answer is none")
			noChildren(t)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := process.Run(ctx, self("echo"), nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRunDoesNotWaitForGrandchildren(t *testing.T) {
	out, err := process.Run(t.Context(), self("parent"), nil)
	require.NoError(t, err)
	gone(t, string(out)) // killed with the group of its parent
}

func TestRunManyAtOnce(t *testing.T) {
	const n = 64
	errs := make(chan error, n)
	for i := range n {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if i%4 == 0 {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				_, err := process.Run(ctx, self("hang"), nil)
				if err == nil {
					err = assert.AnError
				} else {
					err = nil
				}
				errs <- err
				return
			}
			out, err := process.Run(ctx, self("echo"), []byte("x"))
			if err == nil && string(out) != "x" {
				err = assert.AnError
			}
			errs <- err
		}()
	}
	for range n {
		require.NoError(t, <-errs)
	}
	noChildren(t)
}
