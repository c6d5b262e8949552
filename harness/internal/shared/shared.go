// Package shared finds the material of others that tests use: corpora of hostile
// texts, public data sets, the platform's documents. It is in the folder shared
// beside the project. A test is skipped without it, and fails where CI is set.
package shared

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// File is the path of a file or a folder, given from the folder shared on.
func File(t testing.TB, path string) string {
	t.Helper()
	return Files(t, path)[0]
}

// Files are those that match a pattern of [filepath.Glob]; at least one.
func Files(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "..", "shared", filepath.FromSlash(pattern)))
	require.NoError(t, err)
	if len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("there is no %s in the folder shared beside the project", pattern)
		}
		t.Skipf("there is no %s in a folder shared beside the project", pattern)
	}
	return files
}

// root is the project's folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, filepath.Dir(dir), dir, "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
}
