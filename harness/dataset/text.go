package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	// maxRow is the longest row, in bytes after decompression.
	maxRow = 64 << 20
	// maxDocument is the largest document that is read whole, likewise.
	maxDocument = 64 << 20
)

// text is a file's text: decompressed, without a byte order mark, in UTF-8 if
// the mark says that it is something else. It fails when more than maxRow bytes
// are read between two calls of restart.
type text struct {
	file  *os.File
	in    io.Reader
	since int64 // bytes read since restart
}

func openText(file *os.File) (*text, error) {
	const size = 64 << 10
	in := bufio.NewReaderSize(file, size)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, badGzip(err)
		}
		in = bufio.NewReaderSize(z, size)
	}
	head, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, badGzip(err)
	}
	t := &text{file: file, in: in}
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		t.in = transform.NewReader(in, unicode.BOMOverride(transform.Nop))
	}
	return t, nil
}

var errRowTooLong = fmt.Errorf("the row is longer than %d MiB", maxRow>>20)

// Read reads decompressed UTF-8 text.
func (t *text) Read(p []byte) (int, error) {
	if t.since > maxRow {
		return 0, errRowTooLong
	}
	n, err := t.in.Read(p)
	t.since += int64(n)
	return n, badGzip(err)
}

// restart begins a row.
func (t *text) restart() { t.since = 0 }

func (t *text) close() error { return t.file.Close() }

// badGzip says in words what a broken compressed file gives.
func badGzip(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the compressed data ends too early; is the file complete?")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("the compressed data is damaged: %w", err)
	}
	return err
}
