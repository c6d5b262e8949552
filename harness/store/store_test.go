package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// openStore opens a store in a new folder and closes it with the test.
func openStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestOpenModes(t *testing.T) {
	s := openStore(t)
	for name, want := range map[string]os.FileMode{"": 0o700, databaseName: 0o600, databaseName + "-wal": 0o600, ".gitignore": 0o600} {
		info, err := os.Stat(filepath.Join(s.Dir(), name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), name)
	}
}

func TestOpenAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b", "100%#?&store")
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			s, err := Open(dir)
			if err == nil {
				err = s.write(context.Background(), func(tx *sql.Tx) error {
					_, err := tx.Exec("UPDATE runs SET status = status")
					return err
				})
			}
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
