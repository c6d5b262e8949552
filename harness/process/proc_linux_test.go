package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noChildren checks that no process of ours is left, not even a zombie.
func noChildren(t *testing.T) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		rest := string(data[strings.LastIndexByte(string(data), ')')+1:])
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			assert.Fail(t, "a child is left", "%s", data)
		}
	}
}

// gone waits until the process with that number has ended.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		return err != nil || strings.Contains(string(data), ") Z ") // its new parent has not collected it
	}, 10*time.Second, 5*time.Millisecond, "process %d is still there", n)
}

// collected waits until a child of ours has ended and this process knows it: a
// zombie does not count, it may be there before anybody has noticed.
func collected(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
		return err != nil
	}, 10*time.Second, 5*time.Millisecond, "process %d is still there", pid)
}

func TestProcessesDieWithTheirParent(t *testing.T) {
	home := t.TempDir()
	keeper := exec.Command(os.Args[0])
	keeper.Env = []string{childEnv + "=keeper", "HOME=" + home}
	out, err := keeper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid []byte
	require.Eventually(t, func() bool {
		pid, err = os.ReadFile(home + "/pid")
		return err == nil && len(pid) > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, keeper.Process.Kill())
	_ = keeper.Wait()
	gone(t, string(pid))
}
