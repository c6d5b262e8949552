package dataset_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatCanNotBeOpened(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.jsonl"), 0o700))
	makePipe(t, filepath.Join(dir, "pipe.jsonl"))
	tests := []struct{ name, want string }{
		{"missing.jsonl", "no such file or directory"},
		{"folder.jsonl", "it is a folder"},
		{"pipe.jsonl", "it is not a regular file"},
	}
	for _, tt := range tests {
		path := filepath.Join(dir, tt.name)
		_, err := dataset.Open(path, dataset.Options{})
		require.EqualError(t, err, "open dataset "+path+": "+tt.want)
	}
	_, err := dataset.Open("/dev/zero", dataset.Options{Format: "jsonl"})
	require.EqualError(t, err, "open dataset /dev/zero: it is not a regular file")
}

func TestRootConfines(t *testing.T) {
	base := t.TempDir()
	inside, outside := filepath.Join(base, "in"), filepath.Join(base, "out.jsonl")
	require.NoError(t, os.MkdirAll(filepath.Join(inside, "sub"), 0o700))
	for _, path := range []string{outside, filepath.Join(inside, "sub", "ok.jsonl")} {
		require.NoError(t, os.WriteFile(path, []byte(`{"input":"x"}`), 0o600))
	}
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "link.jsonl")))
	require.NoError(t, os.Symlink("..", filepath.Join(inside, "up")))
	require.NoError(t, os.Symlink("sub/ok.jsonl", filepath.Join(inside, "near.jsonl")))
	root, err := os.OpenRoot(inside)
	require.NoError(t, err)
	defer root.Close()

	for _, path := range []string{"sub/ok.jsonl", "near.jsonl", "sub/../sub/ok.jsonl"} {
		cases, err := all(t, path, dataset.Options{Root: root})
		require.NoError(t, err, path)
		assert.Equal(t, path+":1", cases[0].Origin)
	}
	for _, path := range []string{"../out.jsonl", "link.jsonl", "up/out.jsonl", outside, "/etc/passwd", "sub/../../out.jsonl", "%2e%2e/out.jsonl", `..\out.jsonl`} {
		_, err := dataset.Open(path, dataset.Options{Root: root, Format: "jsonl"})
		require.ErrorContains(t, err, "open dataset "+path+": ", path)
	}
}
