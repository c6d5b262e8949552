package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller may want to tell apart, with errors.Is.
var (
	// ErrNotFound: no such run.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous: several runs begin with that prefix.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrLocked: another process, or another Run of this one, is writing the run.
	ErrLocked = errors.New("run is being written elsewhere")
	// ErrDuplicateCase: the dataset holds a case ID twice.
	ErrDuplicateCase = errors.New("duplicate case ID")
	// ErrDatasetChanged: a case is not what it was when the run began.
	ErrDatasetChanged = errors.New("dataset changed")
	// ErrStarted: a run that has cases or results can't be discarded.
	ErrStarted = errors.New("run has started")
	// ErrPublished: results of the run went to another evaluation already.
	ErrPublished = errors.New("already published elsewhere")
	// ErrNewer: a newer version of this program wrote the database.
	ErrNewer = errors.New("database is newer than this program")
	// ErrDamaged: the database or a row of it is not as it was written.
	ErrDamaged = errors.New("database is damaged")
	// ErrFull: the disk is full.
	ErrFull = errors.New("disk is full")
	// ErrNotWritable: the folder or a file in it can't be written.
	ErrNotWritable = errors.New("not writable")
)

// primaryCode is SQLite's result code of an error, 0 when it is not SQLite's.
func primaryCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool {
	code := primaryCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

func constraint(err error) bool { return primaryCode(err) == sqlite3.SQLITE_CONSTRAINT }

// explained is an error that says already which folder it is about.
type explained struct{ err error }

func (e *explained) Error() string { return e.err.Error() }
func (e *explained) Unwrap() error { return e.err }

// explain puts a plain sentence, with the folder's name, before those errors
// that a user can do something about, once.
func (s *Store) explain(err error) error {
	var already *explained
	if err == nil || errors.As(err, &already) {
		return err
	}
	if plain := s.plain(err); plain != nil {
		return &explained{plain}
	}
	return err
}

// plain is nil for an error that speaks for itself.
func (s *Store) plain(err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%s in %s: %w", databaseName, s.dir, err)
	}
	switch primaryCode(err) {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w: %w", s.dir, ErrFull, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s: %w: %w", s.dir, ErrNotWritable, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s in %s: %w: move the file away to start anew: %w", databaseName, s.dir, ErrDamaged, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%s: reading or writing the disk failed: %w", s.dir, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s: another process kept the database busy: %w", s.dir, err)
	}
	return nil
}
