package cli

import (
	"context"
	"testing"
)

// An evaluator in Go, an app or a reporter, shares its process with the command, and
// one call of os.Exit(0) in it would end a half-done run as a success. Nothing in the process can prevent
// that, so a program with such code of its own runs the command in a second
// process of itself (the child) and looks how that one ended: the child writes
// its exit code, as the mark of its end, to a pipe. Without the mark the command
// was cut off, whatever the exit status.

// Run runs the command and returns its exit code. It handles SIGINT, SIGTERM and
// SIGHUP while it runs.
//
// With Evaluators, Targets or Reporters of the program's own the command runs in a
// second process of the same program and arguments, so that code which ends its process (os.Exit, a
// fatal error, too much memory) can't pass for success: Run then gives 4,
// incomplete. What main does before Run is done in both processes, what it does
// after Run in the first alone. There is no second process in tests, with a
// Stdout or Stderr, for a second Run of the process, and on Windows.
func Run(ctx context.Context, c Config) int {
	if !c.own() || c.Stdout != nil || c.Stderr != nil || testing.Testing() {
		return run(ctx, c)
	}
	if end, ok := becomeChild(); ok {
		end(run(ctx, c))
	}
	if code, ok := supervise(newApp(c)); ok {
		return code
	}
	return run(ctx, c)
}
