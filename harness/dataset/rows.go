package dataset

import (
	"errors"
	"fmt"
	"os"
)

// rows yields a file's rows in order.
type rows interface {
	// next gives the next row, io.EOF after the last. The row is valid until the
	// next call. Errors name the file and the line.
	next() (row, error)
	close() error
}

// row is one row of a file: a JSON value, or the cells of a table.
type row struct {
	line  int // where it begins, from 1; 0 when not known
	value any
	table *header // nil: value holds it all
	cells []string
}

// openRows makes the rows of an open file, which they close.
func openRows(file *os.File, f *File) (rows, error) {
	t, err := openText(file)
	if err != nil {
		return nil, fmt.Errorf("open dataset %s: %w", f.path, err)
	}
	switch f.format {
	case formatJSONL:
		return newJSONL(t, f.path), nil
	case formatCSV:
		return newTable(t, f.path, ',', f.mapping)
	case formatTSV:
		return newTable(t, f.path, '\t', f.mapping)
	case formatYAML:
		return newYAML(t, f.path, f.options.Items)
	default:
		return newJSON(t, f.path, f.options.Items)
	}
}

// brokenRow is an error of one row, after which the next one can be read.
type brokenRow struct{ error }

// Unwrap gives the error.
func (b brokenRow) Unwrap() error { return b.error }

// at puts a place before an error.
func at(path string, line int, err error) error {
	return fmt.Errorf("%s:%d: %w", path, line, err)
}

var errNotUTF8 = errors.New("not valid UTF-8: save the file as UTF-8, for instance with iconv -f LATIN1 -t UTF-8")

// names lists the fields that the row has, for messages.
func (r *row) names() []string {
	if r.table != nil {
		return r.table.names
	}
	m, _ := r.value.(map[string]any)
	return sortedKeys(m)
}

// field looks up a field by its exact name.
func (r *row) field(name string) (any, bool) {
	if r.table != nil {
		i, ok := r.table.index[name]
		if !ok {
			return nil, false
		}
		return r.cells[i], true
	}
	m, _ := r.value.(map[string]any)
	v, ok := m[name]
	return v, ok
}

// whole is the row as one JSON value.
func (r *row) whole() any {
	if r.value == nil && r.table != nil {
		m := make(map[string]any, len(r.cells))
		for i, name := range r.table.names {
			m[name] = r.cells[i]
		}
		r.value = m
	}
	return r.value
}
