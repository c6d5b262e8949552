package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lock keeps a run to one writer: a lock on DIR/locks/ID.lock that the system
// takes away when the process ends, however it ends. The file holds the process
// ID, for messages only, and is removed with the lock.
type lock struct {
	file *flock.Flock
}

func (s *Store) lockPath(id string) string { return filepath.Join(s.dir, "locks", id+".lock") }

// lockRun takes the lock. Whoever looks whether a run is locked holds the lock
// for a moment, so this tries for a tenth of a second before it gives up.
func (s *Store) lockRun(ctx context.Context, id string) (*lock, error) {
	path := s.lockPath(id)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of locks: %w", err)
	}
	for attempt := 0; ; attempt++ {
		l, err := tryLock(path)
		if l != nil || err != nil {
			return l, err
		}
		if attempt == 20 {
			return nil, fmt.Errorf("run %s: %w%s", id, ErrLocked, lockHolder(path))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tryLock gives nil when another has the lock, or had it and removed the file
// just now.
func tryLock(path string) (*lock, error) {
	f := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY))
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, f.Close()
	}
	// The one who had the lock may have removed the file after we opened it. A
	// lock on a file that no other process can find is worth nothing.
	locked, err := f.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Stat(path); err == nil && os.SameFile(locked, there) {
			// Without the process ID a message is less helpful, no more.
			_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
			return &lock{file: f}, nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return nil, f.Close()
}

// release gives the lock back and removes its file.
func (l *lock) release() error {
	removed := os.Remove(l.file.Path()) // while it is ours
	err := l.file.Close()
	if removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		// Windows does not remove an open file; one that stays does no harm.
		_ = os.Remove(l.file.Path())
	}
	return err
}

// locked tells whether some process writes the run.
func (s *Store) locked(id string) (bool, error) {
	path := s.lockPath(id)
	f := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := f.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the lock %s: %w", path, err)
	}
	return !ok, f.Close()
}

// lockHolder is the end of a sentence: who has the lock, if that can be read.
func lockHolder(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return ""
	}
	if pid == os.Getpid() {
		return " in this process"
	}
	return fmt.Sprintf(" by process %d", pid)
}
