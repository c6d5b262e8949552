//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// awaitExit returns when the process has ended and was collected. Its number may
// then be given to another process, which happens after all others were used up:
// the group is signalled once more within Grace, so that can't hit a stranger
// in practice.
func awaitExit(cmd *exec.Cmd) (reap func() error) {
	err := cmd.Wait()
	return func() error { return err }
}
