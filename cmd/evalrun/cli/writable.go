package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/evalrun/evalrun/harness/runner"
)

// writable finds out whether the outputs can be written, before anything is paid
// for.
func writable(outputs []output) error {
	for _, o := range outputs {
		if o.path == "" {
			continue
		}
		if err := o.writable(); err != nil {
			return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("report %s:%s can't be written: %w", o.format, o.path, err)}
		}
	}
	return nil
}

func (o output) writable() error {
	path := o.place()
	if strings.HasSuffix(o.path, "/") {
		return errors.New("expected the path of a file, found a folder's")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		return nil // opening a pipe would wait for its reader
	case err == nil && o.suite != nil: // written in place
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(path)
	for !present(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	probe, err := os.CreateTemp(dir, ".evalrun-*") // fails when dir is no folder, too
	if err != nil {
		return fmt.Errorf("no file can be made in %s: %w", shownPath(dir), cause(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func present(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// cause is an error of the file system without its path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
