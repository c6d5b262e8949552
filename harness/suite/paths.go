package suite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/evalrun/evalrun/harness/strict"
)

// folder is the suite's folder, which the suite's paths do not leave: not by
// "..", not by an absolute path and not by a symbolic link, unless anywhere is
// set.
type folder struct {
	dir      string
	anywhere bool
}

// OpenRoot opens the suite's folder for reading and writing what is below it;
// nil when the suite may use any path. The caller closes it.
func (s *Suite) OpenRoot() (*os.Root, error) {
	if s.folder.anywhere {
		return nil, nil
	}
	return os.OpenRoot(s.folder.dir)
}

var errOutside = errors.New("the path leaves the suite's folder")

const outsideHint = "--allow-path lets a suite use any path"

func (f folder) join(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.dir, filepath.FromSlash(path))
}

// local refuses paths that leave the folder by how they are written.
func (f folder) local(path string) error {
	switch {
	case path == "":
		return errors.New("the path is empty")
	case strings.ContainsRune(path, 0):
		return errors.New("the path has a zero byte in it")
	case !f.anywhere && !filepath.IsLocal(filepath.FromSlash(path)):
		return errOutside
	}
	return nil
}

// stat looks at a path of the suite, following links as far as they stay below
// the folder.
func (f folder) stat(path string) (fs.FileInfo, error) {
	if err := f.local(path); err != nil {
		return nil, err
	}
	if f.anywhere {
		return os.Stat(f.join(path))
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(path))
	return info, outside(err)
}

// outside makes one error of the operating system's several for a path that
// leaves a root.
func outside(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && strings.Contains(p.Err.Error(), "escapes") {
		return errOutside
	}
	return err
}

// file checks a path that has to be a file that can be read.
func (f folder) file(n strict.Node, path string) error {
	info, err := f.stat(path)
	switch {
	case err != nil:
		return f.problem(n, path, err)
	case info.IsDir():
		return n.Errorf("%s is a folder; expected a file", strict.Quote(path))
	case !info.Mode().IsRegular():
		return n.Errorf("%s is no regular file", strict.Quote(path))
	}
	return nil
}

// directory checks a path that has to be a folder.
func (f folder) directory(n strict.Node, path string) error {
	info, err := f.stat(path)
	switch {
	case err != nil:
		return f.problem(n, path, err)
	case !info.IsDir():
		return n.Errorf("%s is a file; expected a folder", strict.Quote(path))
	}
	return nil
}

// output checks a path that a file will be written to: as much of it as there
// is has to be below the folder, and no folder may stand in its place.
func (f folder) output(n strict.Node, path string) error {
	info, err := f.stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return f.problem(n, path, err)
	case !info.Mode().IsRegular():
		return n.Errorf("%s is no regular file", strict.Quote(path))
	default:
		return nil
	}
	for up := filepath.Dir(path); up != "." && up != filepath.Dir(up); up = filepath.Dir(up) {
		info, err := f.stat(up)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return f.problem(n, path, err)
		case !info.IsDir():
			return n.Errorf("%s is a file; expected a folder", strict.Quote(up))
		}
		return nil
	}
	return nil
}

// problem says what is wrong with a path, and which file may be meant.
func (f folder) problem(n strict.Node, path string, err error) error {
	var p *fs.PathError
	var e *strict.Error
	switch {
	case errors.Is(err, errOutside):
		e = n.Errorf("path %s leaves the suite's folder", strict.Quote(path))
		e.Hint = outsideHint
	case errors.Is(err, fs.ErrNotExist):
		e = n.Errorf("no such file: %s%s", strict.Quote(path), f.meant(path))
		e.Hint = "paths are relative to the suite file"
	case errors.As(err, &p):
		e = n.Errorf("%s: %v", strict.Quote(path), p.Err)
	default:
		e = n.Errorf("%s: %v", strict.Quote(path), err)
	}
	return e
}

// meant names a file of the same folder with a name like the missing one's.
func (f folder) meant(path string) string {
	dir := filepath.Dir(path)
	if _, err := f.stat(dir); err != nil {
		return ""
	}
	entries, err := os.ReadDir(f.join(dir))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries[:min(len(entries), 1000)] {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if near := strict.Nearest(filepath.Base(path), names); near != "" {
		return "; did you mean " + strict.Quote(filepath.ToSlash(filepath.Join(dir, near))) + "?"
	}
	return ""
}
