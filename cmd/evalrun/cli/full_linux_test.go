package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/store"
)

// smallDisk is a file system of its own, of so many KiB.
func smallDisk(t *testing.T, kib int) (dir string, resize func(options string)) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("mount a small disk: ", err)
		}
		t.Skip("a small disk can't be mounted (who may is root): ", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, func(options string) {
		flags := uintptr(syscall.MS_REMOUNT)
		if options == "ro" {
			flags, options = flags|syscall.MS_RDONLY, ""
		}
		require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", flags, options))
	}
}

const fullCases = 60

// fullSuite has answers of 20 KB.
func fullSuite(t *testing.T, app string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var cases bytes.Buffer
	for i := range fullCases {
		fmt.Fprintf(&cases, "{\"id\": \"%d\", \"input\": \"%s\", \"expected\": \"x\"}\n", i, strings.Repeat("x", 20_000))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cases.jsonl"), cases.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), []byte(
		"name: full\ndataset: {file: cases.jsonl}\napp: {"+app+"}\nevaluators: [contains]\nconcurrency: 4\nretries: 0\n"), 0o600))
	return dir
}

// exitIn runs evalrun in a folder, and gives its exit code and messages.
func exitIn(t *testing.T, path, dir string, args ...string) (code int, stderr string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	return codeOf(t, cmd.Run()), errs.String()
}

// TestFullDisk has the disk get full at ever later writes: the run never ends
// with 0 then, what it has is right, and it goes on when there is room.
func TestFullDisk(t *testing.T) {
	path := program(t, evalrun)
	app := startCountingApp(t)
	dir := fullSuite(t, "http: {url: '"+app.URL+"'}")
	codes := map[int]int{}
	for kib := 4; codes[0] < 2; kib += 4 + kib/8 {
		require.Less(t, kib, 1<<14)
		disk, resize := smallDisk(t, kib)
		folder := filepath.Join(disk, "store")
		before, _ := app.total()
		code, stderr := exitIn(t, path, dir, "run", "suite.yaml", "-q", "--store", folder)
		codes[code]++
		asked, _ := app.total()
		resize("size=64m")
		completed := int64(0)
		resume := []string{"run", "suite.yaml", "-q", "--store", folder}
		switch code {
		case 0:
		case 2:
			require.Equal(t, before, asked, "%d KiB: something was asked: %s", kib, stderr)
		case 4:
			require.Contains(t, stderr, folder, "%d KiB", kib)
			resume = append(resume, "--resume")
		default:
			t.Fatalf("%d KiB: exit code %d: %s", kib, code, stderr)
		}
		if code != 2 {
			completed = completedIn(t, folder)
		}
		if code != 0 {
			again, stderr := exitIn(t, path, dir, resume...)
			require.Zero(t, again, "%d KiB, after %d: %s", kib, code, stderr)
		}
		after, _ := app.total()
		require.Equal(t, fullCases-int(completed), after-asked, "%d KiB, after %d: what is stored is not asked again", kib, code)
		require.Equal(t, int64(fullCases), completedIn(t, folder))
	}
	t.Logf("exit codes: %v", codes)
	assert.NotZero(t, codes[2])
	assert.NotZero(t, codes[4])
}

// completedIn reads all results of the newest run.
func completedIn(t *testing.T, folder string) int64 {
	t.Helper()
	st, err := store.Open(folder)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	info, err := st.Info(t.Context(), "latest")
	require.NoError(t, err)
	n := int64(0)
	for r, err := range st.Results(t.Context(), info.ID, store.Query{}) {
		require.NoError(t, err)
		require.Equal(t, r.Case.Input, r.Output.Value)
		n++
	}
	require.Equal(t, info.Completed, n)
	return n
}

// TestReportsOnAFullDisk: a report that can't be written is named and is no
// success, and nothing of it is left under its name.
func TestReportsOnAFullDisk(t *testing.T) {
	path := program(t, evalrun)
	dir := fullSuite(t, "echo: {}")
	disk, _ := smallDisk(t, 64)
	good := filepath.Join(dir, "good.json")
	code, stderr := exitIn(t, path, dir, "run", "suite.yaml", "-o", "jsonl:"+filepath.Join(disk, "out.jsonl"), "-o", good)
	assert.Equal(t, 4, code)
	assert.Contains(t, stderr, "out.jsonl")
	assert.Contains(t, stderr, "no space left")
	left, err := os.ReadDir(disk)
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.FileExists(t, good)
	for _, args := range [][]string{
		{"run", "suite.yaml", "-o", "json:/dev/full"},
		{"report", "-o", "junit:/dev/full"},
		{"report", "-o", "csv:" + filepath.Join(disk, "out.csv")},
	} {
		code, stderr := exitIn(t, path, dir, args...)
		assert.Equal(t, 4, code, args)
		assert.Contains(t, stderr, "no space left", args)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	for _, args := range [][]string{{"run", "suite.yaml", "--json"}, {"show"}, {"gate"}, {"list"}, {"schema"}, {"version"}} {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.Stdout = dir, full
		assert.NotZero(t, codeOf(t, cmd.Run()), args)
	}
}

// TestFileSizeLimit: a file that must not grow (ulimit -f, a quota) is like a
// full disk.
func TestFileSizeLimit(t *testing.T) {
	path := program(t, evalrun)
	dir := fullSuite(t, "echo: {}")
	cmd := exec.Command("/bin/sh", "-c", `ulimit -f 1000 && exec "$0" run suite.yaml -q`, path)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	assert.Equal(t, 4, codeOf(t, cmd.Run()), "%s", &stderr)
	assert.Contains(t, stderr.String(), "reading or writing the disk failed")
	code, out := exitIn(t, path, dir, "run", "--resume", "-q")
	assert.Zero(t, code, out)
	assert.Equal(t, int64(fullCases), completedIn(t, filepath.Join(dir, ".evalrun")))
}

// TestReadOnlyFolder: nothing is asked when nothing can be kept.
func TestReadOnlyFolder(t *testing.T) {
	path := program(t, evalrun)
	app := startCountingApp(t)
	dir := fullSuite(t, "http: {url: '"+app.URL+"'}")
	disk, remount := smallDisk(t, 4096)
	code, stderr := exitIn(t, path, dir, "run", "suite.yaml", "-q", "--store", filepath.Join(disk, "old"))
	require.Zero(t, code, stderr)
	calls, _ := app.total()
	remount("ro")
	for _, args := range [][]string{
		{"--store", filepath.Join(disk, "new")},
		{"--store", filepath.Join(disk, "old")},
		{"-o", filepath.Join(disk, "report.json")},
	} {
		code, stderr = exitIn(t, path, dir, append([]string{"run", "suite.yaml", "-q"}, args...)...)
		assert.Equal(t, 2, code, "%s: %s", args, stderr)
		assert.Contains(t, stderr, disk)
	}
	again, _ := app.total()
	assert.Equal(t, calls, again)
}
