package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the database engine
)

// databaseName is the database's file within the store's folder.
const databaseName = "evalrun.db"

// Store is a folder with the database of all runs and of the local platform.
// Its methods may be called from many goroutines, and several processes may have
// the same folder open.
type Store struct {
	dir    string
	writer *sql.DB // one connection; used by the leader of a group only
	read   *sql.DB // a small pool that can't write
	group  group
	stmts  statements
}

// Open opens the store in dir and creates it when there is none: the folder with
// mode 0700, the database with 0600, and a .gitignore, since outputs are seldom
// meant for a repository. An older database is migrated; a newer one is refused
// with ErrNewer, a damaged one with ErrDamaged.
func Open(dir string) (*Store, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string) (*Store, error) {
	path, err := prepareFolder(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", ErrNotWritable, err)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, group: newGroup()}
	// Caches are small: a run is written and read from one end to the other, and
	// the system caches the file.
	if s.writer, err = connect(path, 1, "_txlock=immediate",
		"page_size(8192)", "cache_size(-2000)", "wal_autocheckpoint(1000)", "journal_size_limit(67108864)"); err != nil {
		return nil, err
	}
	if s.read, err = connect(path, 4, "_txlock=deferred", "cache_size(-1000)", "query_only(1)"); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	ctx := context.Background()
	err = enableWAL(ctx, s.writer)
	if err == nil {
		err = migrate(ctx, s.writer, migrations())
	}
	if err == nil {
		err = s.stmts.prepare(ctx, s.writer)
	}
	if err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

// Close waits for the writes that are under way and closes the database. Runs
// must be closed before.
func (s *Store) Close() error {
	s.group.writer <- struct{}{}
	defer func() { <-s.group.writer }()
	err := errors.Join(s.read.Close(), s.stmts.close(), s.writer.Close())
	if err != nil {
		return fmt.Errorf("store: close %s: %w", s.dir, err)
	}
	return nil
}

// Dir is the folder, as Open got it.
func (s *Store) Dir() string { return s.dir }

// prepareFolder makes the folder and an empty database file, with modes that
// SQLite's own side files take over, and returns the file's absolute path.
func prepareFolder(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(abs, 0o700); err != nil {
			return "", fmt.Errorf("create the folder: %w", err)
		}
		// Best effort: a missing .gitignore loses nothing.
		_ = os.WriteFile(filepath.Join(abs, ".gitignore"), []byte("*\n"), 0o600)
	}
	path := filepath.Join(abs, databaseName)
	// O_EXCL: a database that is there must not be opened and closed here, since
	// closing any descriptor of a file drops this process's POSIX locks on it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return path, f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("create the database: %w", err)
	}
	return path, nil
}

// connect gives a pool of up to n connections with these pragmas.
func connect(path string, n int, txlock string, pragmas ...string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	all := append([]string{"busy_timeout(20000)", "synchronous(FULL)", "fullfsync(1)", "temp_store(MEMORY)"}, pragmas...)
	dsn := (&url.URL{Scheme: "file", Path: slashed}).String() + "?" + txlock
	for _, p := range all {
		dsn += "&_pragma=" + url.QueryEscape(p)
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// enableWAL switches the database to a write-ahead log, once and for all. Two
// processes that switch at the same time exclude each other without waiting,
// so this tries for a while.
func enableWAL(ctx context.Context, db *sql.DB) error {
	var mode string
	for attempt := 0; ; attempt++ {
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		if err == nil && mode == "wal" {
			return nil
		}
		if err != nil && !busy(err) {
			return err
		}
		if attempt == 200 {
			return errors.Join(fmt.Errorf("write-ahead log can't be used here: journal mode stays %q", mode), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
