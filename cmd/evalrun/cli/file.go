package cli

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// file is a file that is written whole or given up.
type file interface {
	io.WriteCloser
	// Discard closes the file in place of Close when what was written is not whole.
	Discard() error
}

// create opens a file to write to, and makes the folders above it. A regular file
// appears, or is replaced, only when it is whole; symbolic links are followed and
// stay. Anything else that is there, such as a pipe or a device, is written to
// as it is.
func create(path string) (file, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return openDirect(path)
	}
	if _, lerr := os.Lstat(path); err != nil && lerr == nil { // a link to what is not there yet
		return openDirect(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-"+rand.Text()[:8])
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the umask
	if err != nil {
		return nil, err
	}
	out := &atomicFile{f, path}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(err, out.Discard())
		}
	}
	return out, nil
}

// atomicFile appears under its name only when it is whole and on disk.
type atomicFile struct {
	*os.File
	path string
}

// Discard gives the file up.
func (f *atomicFile) Discard() error {
	return errors.Join(f.File.Close(), os.Remove(f.Name()))
}

// Close puts the file in its place.
func (f *atomicFile) Close() error {
	err := errors.Join(f.Sync(), f.File.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(f.path))
}

// syncFolder makes a rename survive a power cut, where folders can be synced.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// directFile is written to as it is.
type directFile struct{ *os.File }

// Discard only closes it: what was written can't be taken back.
func (f directFile) Discard() error { return f.Close() }

func openDirect(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	return directFile{f}, nil
}
