//go:build !unix

package process

import "os/exec"

// ownGroup does nothing: there are no process groups here.
func ownGroup(*exec.Cmd) {}

// awaitExit returns when the process has ended and was collected.
func awaitExit(cmd *exec.Cmd) (reap func() error) {
	err := cmd.Wait()
	return func() error { return err }
}

// signalGroup kills the process, which has no gentler way to be ended here.
// What it started lives on.
func signalGroup(cmd *exec.Cmd, _ bool) { _ = cmd.Process.Kill() }
