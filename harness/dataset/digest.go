package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrChanged is the cause of an error that ends the reading of a file which is
// not what it was when it was opened first: its rows may be of both.
var ErrChanged = errors.New("the file was written to while it was in use")

// unchanged tells whether an open file is the one that was opened first, and as
// it was then, by its size and the time of its last change.
func (f *File) unchanged(file *os.File) error {
	now, err := file.Stat()
	if err != nil {
		return fmt.Errorf("dataset %s: %w", f.path, cause(err))
	}
	if f.was == nil {
		f.was = now
	}
	if os.SameFile(now, f.was) && now.Size() == f.was.Size() && now.ModTime().Equal(f.was.ModTime()) {
		return nil
	}
	return fmt.Errorf("dataset %s: %w: it had %d bytes and has %d now, last changed at %s",
		f.path, ErrChanged, f.was.Size(), now.Size(), now.ModTime().Format("15:04:05"))
}

// Digest is "sha256:" and the digest of the file's bytes, as they are on disk,
// in hexadecimal. It fails with ErrChanged when they are not those that Page
// reads.
func (f *File) Digest() (string, error) {
	file, err := f.open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("read dataset %s: %w", f.path, cause(err))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), f.unchanged(file)
}
