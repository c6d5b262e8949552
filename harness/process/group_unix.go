//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// signalGroup sends SIGTERM, or SIGKILL, to every process of the group. A group
// that is gone is not an error.
func signalGroup(cmd *exec.Cmd, kill bool) {
	sig := syscall.SIGTERM
	if kill {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(-cmd.Process.Pid, sig)
}
