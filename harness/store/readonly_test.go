//go:build unix

package store

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// createAsUser creates a run in another process, as a user whom file modes hold
// back, and gives what it says.
func createAsUser(t *testing.T, dir string) string {
	t.Helper()
	cmd := child(t, "create", dir)
	if os.Geteuid() == 0 { // nothing holds root back: become nobody
		bin := filepath.Join(publicDir(t), "child")
		copyFile(t, cmd.Path, bin)
		cmd.Path = bin
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Dir = "/"
	out, err := cmd.Output()
	require.Error(t, err, "a run could be created")
	return string(out)
}

// publicDir is a folder for the test that every user may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "store")
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700)
		require.NoError(t, os.RemoveAll(dir))
	})
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	require.NoError(t, os.Chmod(to, 0o755))
}

func TestReadOnlyFolder(t *testing.T) {
	parent := publicDir(t)
	require.NoError(t, os.Chmod(parent, 0o555))
	dir := filepath.Join(parent, "store")
	assert.Contains(t, createAsUser(t, dir), "store: open "+dir+": not writable: create the folder: mkdir "+dir+": permission denied")

	dir = publicDir(t)
	require.NoError(t, os.Chmod(dir, 0o555))
	assert.Contains(t, createAsUser(t, dir), "store: open "+dir+": not writable: create the database: ")
}

func TestReadOnlyDatabase(t *testing.T) {
	good, _ := closedStore(t, 1)
	for name, modes := range map[string][2]os.FileMode{"folder": {0o555, 0o666}, "file": {0o777, 0o444}, "unreadable": {0o777, 0}} {
		t.Run(name, func(t *testing.T) {
			dir := publicDir(t)
			path := filepath.Join(dir, databaseName)
			require.NoError(t, os.WriteFile(path, good, modes[1]))
			require.NoError(t, os.Chmod(path, modes[1]))
			require.NoError(t, os.Chmod(dir, modes[0]))
			said := createAsUser(t, dir)
			assert.Contains(t, said, dir)
			assert.Contains(t, said, ErrNotWritable.Error())
		})
	}
}
