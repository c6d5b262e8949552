package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Output is a file of the suite that is being written, such as a report's. It
// appears under its name, whole and on disk, when Close has returned nil; Discard
// gives it up.
type Output struct {
	*os.File
	root       *os.Root
	temp, name string // temp is "" when the file itself is written, a pipe say
}

// Create opens a file of the suite for writing, and makes the folders above it. A
// file that is there is replaced by Close.
func (s *Suite) Create(path string) (*Output, error) {
	dir, name := s.folder.dir, path
	if s.folder.anywhere {
		full := s.folder.join(path)
		dir, name = filepath.Dir(full), filepath.Base(full)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	} else if err := s.folder.local(path); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	out, err := createIn(root, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", path, outside(err)), root.Close())
	}
	return out, nil
}

// CreateFile opens any file for writing, likewise; the path is no suite's.
func CreateFile(path string) (*Output, error) {
	dir, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	return (&Suite{folder: folder{dir, true}}).Create(path)
}

func createIn(root *os.Root, name string) (*Output, error) {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	info, err := root.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		file, err := root.OpenFile(name, os.O_WRONLY, 0)
		return &Output{File: file, root: root, name: name}, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err // a link that leads outside, for one
	}
	temp := name + "." + strconv.Itoa(os.Getpid()) + ".tmp"
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	return &Output{File: file, root: root, temp: temp, name: name}, err
}

// Close puts the file in its place.
func (o *Output) Close() error {
	if o.temp == "" {
		return errors.Join(o.File.Close(), o.root.Close())
	}
	err := errors.Join(o.Sync(), o.File.Close())
	if err == nil {
		err = o.root.Rename(o.temp, o.name)
	}
	if err != nil {
		err = errors.Join(err, o.root.Remove(o.temp))
	}
	return errors.Join(err, o.root.Close())
}

// Discard gives the file up.
func (o *Output) Discard() error {
	err := o.File.Close()
	if o.temp != "" {
		err = errors.Join(err, o.root.Remove(o.temp))
	}
	return errors.Join(err, o.root.Close())
}
