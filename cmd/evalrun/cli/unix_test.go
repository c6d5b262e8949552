//go:build unix

package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "report.json")
	write := func(path, text string, discard bool) {
		t.Helper()
		f, err := create(path)
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
		if discard {
			require.NoError(t, f.Discard())
			return
		}
		require.NoError(t, f.Close())
	}
	holds := func(text string, mode os.FileMode) {
		t.Helper()
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(data))
		info, err := os.Lstat(path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm())
		entries, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		assert.Len(t, entries, 1, "nothing else is left")
	}
	ordinary := filepath.Join(dir, "ordinary") // what the umask makes of a new file
	f, err := os.Create(ordinary)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	info, err := os.Stat(ordinary)
	require.NoError(t, err)

	write(path, "one", false)
	holds("one", info.Mode().Perm())
	require.NoError(t, os.Chmod(path, 0o600))
	write(path, "two", false)
	holds("two", 0o600)
	write(path, "half", true)
	holds("two", 0o600)

	link := filepath.Join(dir, "link.json")
	require.NoError(t, os.Symlink(path, link))
	write(link, "three", false)
	holds("three", 0o600)
	dangling, target := filepath.Join(dir, "dangling"), filepath.Join(dir, "later.json")
	require.NoError(t, os.Symlink(target, dangling))
	write(dangling, "four", false)
	assert.FileExists(t, target)
	for _, l := range []string{link, dangling} {
		info, err := os.Lstat(l)
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&os.ModeSymlink, "the link stays one")
	}
	write(os.DevNull, "gone", false)
	_, err = create(dir)
	assert.Error(t, err, "a folder")
	_, err = create(filepath.Join(ordinary, "report.json"))
	assert.Error(t, err, "below a file")
}

// A git that hangs, and a child of it that keeps its output open, are not waited
// for.
func TestRevisionOfASlowGit(t *testing.T) {
	dir := t.TempDir()
	const script = `#!/bin/sh
wait_for_the_end() { while [ -e "$0" ]; do sleep 0.1; done; }
wait_for_the_end &
wait_for_the_end
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o700))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	revisions := startRevisions(ctx, []string{"suite.yaml"})
	assert.Empty(t, revisions["suite.yaml"]())
	assert.NoError(t, ctx.Err())
}
