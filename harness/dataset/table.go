package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// header is the first row of a table.
type header struct {
	names []string
	index map[string]int
}

// table yields the rows of comma-, semicolon- or tab-separated values (RFC 4180).
type table struct {
	text   *text
	in     *csv.Reader
	path   string
	header *header // nil when the file is empty
	line   int     // where the last row began
}

// newTable reads the header, and checks the mapping against it: the columns of
// an empty table are known as well.
func newTable(t *text, path string, comma rune, m *mapping) (*table, error) {
	buffered := bufio.NewReaderSize(t, 64<<10)
	if comma == ',' && semicolons(buffered) {
		comma = ';'
	}
	in := csv.NewReader(buffered)
	in.Comma = comma
	in.ReuseRecord = true
	b := &table{text: t, in: in, path: path}
	cells, err := in.Read()
	if errors.Is(err, io.EOF) {
		return b, nil
	}
	if err != nil {
		return nil, b.fail(err, 0)
	}
	h := &header{index: make(map[string]int, len(cells))}
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			return nil, at(path, 1, errNotUTF8)
		}
		name := strings.TrimSpace(cell)
		if _, twice := h.index[name]; twice && name != "" {
			return nil, at(path, 1, fmt.Errorf("the header names the column %q twice", name))
		}
		h.names = append(h.names, name)
		h.index[name] = i
	}
	b.header, b.line = h, 1
	if err := m.fits(&row{table: h, cells: make([]string, len(cells))}); err != nil {
		return nil, at(path, 1, err)
	}
	return b, nil
}

// semicolons tells whether the header has semicolons and no comma, as where the
// comma is the decimal point.
func semicolons(in *bufio.Reader) bool {
	head, _ := in.Peek(4 << 10) // an error comes again at the read
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.IndexByte(line, ';') >= 0 && bytes.IndexByte(line, ',') < 0
}

func (b *table) next() (row, error) {
	if b.header == nil {
		return row{}, io.EOF
	}
	b.text.restart()
	cells, err := b.in.Read()
	if errors.Is(err, io.EOF) {
		return row{}, io.EOF
	}
	if err != nil {
		return row{}, b.fail(err, len(cells))
	}
	line, _ := b.in.FieldPos(0)
	b.line = line
	for _, cell := range cells {
		if !utf8.ValidString(cell) {
			return row{}, brokenRow{at(b.path, line, errNotUTF8)}
		}
	}
	return row{line: line, table: b.header, cells: cells}, nil
}

// fail gives the reader's errors our form; cells is how many the row has.
func (b *table) fail(err error, cells int) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return at(b.path, b.line+1, err)
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return brokenRow{at(b.path, parse.StartLine, fmt.Errorf("the row has %d cells, the header has %d", cells, len(b.header.names)))}
	case parse.StartLine != parse.Line:
		return at(b.path, parse.StartLine, fmt.Errorf("the row that begins here is broken at line %d: %w", parse.Line, parse.Err))
	}
	return at(b.path, parse.StartLine, fmt.Errorf("broken at character %d: %w", parse.Column, parse.Err))
}

func (b *table) close() error { return b.text.close() }
