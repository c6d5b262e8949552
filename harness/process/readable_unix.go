//go:build unix

package process

import (
	"os"
	"syscall"
)

// readNow reads what the pipe holds at this moment, without waiting; nothing at
// its end.
func readNow(f *os.File, p []byte) int {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	if conn.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), p)
		return true
	}) != nil || err != nil {
		return 0
	}
	return n
}
