package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"

	"github.com/evalrun/evalrun/harness"
)

// Options say how to read a file.
type Options struct {
	// Format is jsonl, json, csv, tsv or yaml. Default: by the file's suffix,
	// before a .gz (.ndjson and .yml count too). Compression is found by itself.
	Format string
	// Map names the row's fields: ours (id, input, expected, extra, history,
	// metadata, cluster) to a field name or a jq expression over the row (see the
	// package comment).
	Map map[string]string
	// PageSize is how many cases a page has at most, default 500; fewer when they
	// are large.
	PageSize int
	// Root confines the path: it is relative to the root and can't leave it, not
	// by "..", not by a symbolic link. Default: any path.
	Root *os.Root
	// Items is the jq expression for the list in a JSON or YAML document, such as
	// ".examples". Default: the document when it is a list, else the only list
	// among the values of its keys.
	Items string
}

// File is an open dataset, a harness.Source. A cursor is a number of rows:
// reading on from where the last page ended costs nothing extra, any other
// cursor reads the file from its start and skips.
//
// A file that is written to while it is open is the error ErrChanged of the next
// page; so is one that was replaced when it has to be opened again.
//
// Page may be called by one goroutine at a time.
type File struct {
	path     string
	options  Options
	format   format
	mapping  *mapping
	was      fs.FileInfo // when it was opened first
	file     *os.File    // what rows reads
	rows     rows        // nil when there is no open position
	position int64
	ahead    *harness.Case // the case at position, when it is read already
}

var (
	_ harness.Source = (*File)(nil)
	_ io.Closer      = (*File)(nil)
)

// Open opens a dataset and reads its first row, so that a mapping that does not
// fit the file is found before anything else happens. Errors name the file, and
// the line where there is one. The caller closes the File.
func Open(path string, o Options) (*File, error) {
	f := &File{path: path, options: o}
	if f.options.PageSize <= 0 {
		f.options.PageSize = 500
	}
	var err error
	if f.format, err = formatOf(path, o.Format); err != nil {
		return nil, err
	}
	if f.mapping, err = newMapping(o.Map); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.rewind(); err != nil {
		return nil, err
	}
	c, err := f.next(context.Background())
	if err == nil {
		f.ahead = &c
	} else if !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	f.position = 0
	return f, nil
}

// Page gives the cases from the row that the cursor names. A row that can't be
// read ends a page, and is the error of the next one. After an error the same
// cursor may be asked again.
func (f *File) Page(ctx context.Context, cursor string) (harness.Page, error) {
	var start int64
	if cursor != "" {
		var err error
		if start, err = strconv.ParseInt(cursor, 10, 64); err != nil || start < 0 {
			return harness.Page{}, fmt.Errorf("%s: no page %q", f.path, cursor)
		}
	}
	if err := f.seek(ctx, start); err != nil {
		return harness.Page{}, errors.Join(err, f.Close())
	}
	page, err := f.page(ctx)
	changed := f.unchanged(f.file)
	switch {
	case changed != nil: // whatever else went wrong
		return harness.Page{}, errors.Join(changed, f.Close())
	case err == nil:
		return page, nil
	}
	err = errors.Join(err, f.Close())
	if len(page.Cases) > 0 && ctx.Err() == nil { // the rows before the broken one are whole
		page.Next = strconv.FormatInt(start+int64(len(page.Cases)), 10)
		return page, nil
	}
	return harness.Page{}, err
}

// page reads cases from the position on, as far as it gets.
func (f *File) page(ctx context.Context) (page harness.Page, err error) {
	for size := 0; len(page.Cases) < f.options.PageSize && size < maxPage; {
		if err := ctx.Err(); err != nil {
			return page, err
		}
		c, err := f.next(ctx)
		if errors.Is(err, io.EOF) {
			return page, nil
		}
		if err != nil {
			return page, err
		}
		page.Cases = append(page.Cases, c)
		size += textSize(c.Input) + textSize(c.Expected) + textSize(c.Extra) + textSize(c.History) + textSize(c.Metadata)
	}
	page.Next = strconv.FormatInt(f.position, 10)
	return page, nil
}

// maxPage is about how many bytes of text a page may have.
const maxPage = 1 << 20

// textSize is the length of the texts in a value.
func textSize(v any) int {
	n := 0
	switch v := v.(type) {
	case string:
		n = len(v)
	case []any:
		for _, item := range v {
			n += textSize(item)
		}
	case map[string]any:
		for _, item := range v {
			n += textSize(item)
		}
	}
	return n
}

// Rows reads all rows from the first. A row that is broken is an error, after
// which reading goes on as long as the next row can be found: lines of JSON Lines
// and rows of a table can be, and so can rows that the mapping does not fit. The
// position of Page is lost.
func (f *File) Rows(ctx context.Context) iter.Seq2[harness.Case, error] {
	return func(yield func(harness.Case, error) bool) {
		if err := f.rewind(); err != nil {
			yield(harness.Case{}, err)
			return
		}
		for ctx.Err() == nil {
			c, err := f.next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			var broken brokenRow
			if !yield(c, err) || err != nil && !errors.As(err, &broken) {
				return
			}
		}
		yield(harness.Case{}, ctx.Err())
	}
}

// seek makes start the position.
func (f *File) seek(ctx context.Context, start int64) error {
	if f.rows == nil || start < f.position {
		if err := f.rewind(); err != nil {
			return err
		}
	}
	for f.position < start {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.ahead = nil
		if _, err := f.rows.next(); errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: no page %d: it has %d rows", f.path, start, f.position)
		} else if err != nil {
			return err
		}
		f.position++
	}
	return nil
}

// next gives the case at the position and moves on; io.EOF after the last.
func (f *File) next(ctx context.Context) (harness.Case, error) {
	if c := f.ahead; c != nil {
		f.ahead = nil
		f.position++
		return *c, nil
	}
	r, err := f.rows.next()
	var broken brokenRow
	if err != nil && !errors.As(err, &broken) {
		return harness.Case{}, err
	}
	f.position++
	if err != nil {
		return harness.Case{}, err
	}
	origin := f.path + ":" + strconv.Itoa(r.line)
	if r.line == 0 {
		origin = fmt.Sprintf("%s: item %d", f.path, f.position)
	}
	c, err := f.mapping.apply(ctx, &r)
	if err != nil {
		return harness.Case{}, brokenRow{fmt.Errorf("%s: %w", origin, err)}
	}
	if c.ID == "" {
		c.ID = strconv.FormatInt(f.position, 10)
	}
	c.Origin = origin
	return c, nil
}

// rewind opens the file anew, at its first row.
func (f *File) rewind() error {
	if err := f.Close(); err != nil {
		return err
	}
	file, err := f.open()
	if err != nil {
		return err
	}
	err = f.unchanged(file)
	var r rows
	if err == nil {
		r, err = openRows(file, f)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.rows, f.position, f.ahead = file, r, 0, nil
	return nil
}

// open opens the file itself; only a regular one: a pipe or a device could keep
// us waiting for ever.
func (f *File) open() (*os.File, error) {
	stat, open := os.Stat, os.Open
	if f.options.Root != nil {
		stat, open = f.options.Root.Stat, f.options.Root.Open
	}
	info, err := stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("open dataset %s: %w", f.path, cause(err))
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("open dataset %s: it is a folder", f.path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("open dataset %s: it is not a regular file", f.path)
	}
	file, err := open(f.path)
	if err != nil {
		return nil, fmt.Errorf("open dataset %s: %w", f.path, cause(err))
	}
	return file, nil
}

// Close closes the file. Another Page would open it again.
func (f *File) Close() error {
	if f.rows == nil {
		return nil
	}
	err := f.rows.close()
	f.file, f.rows, f.ahead = nil, nil, nil
	return err
}

// cause is the error without the operation and path that the message has.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
