//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the largest that the process was, in MB.
func peakMemory(s *os.ProcessState) float64 {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	unit := 1024.0 // kilobytes, but on macOS bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(r.Maxrss) * unit / 1e6
}
