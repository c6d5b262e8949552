package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/internal/jsonx"
)

// list yields the items of a list in a JSON document, as a stream.
type list struct {
	text  *text
	lines lines
	dec   *json.Decoder
	path  string
	depth int  // how many objects the list stands in
	empty bool // the file has no document at all
}

// newJSON finds the list of rows in a JSON document.
func newJSON(t *text, path, items string) (rows, error) {
	keys, plain := jsonx.Path(items)
	if items != "" && !plain {
		return newDocument(t, path, items)
	}
	l := newList(t, path)
	first, err := l.token()
	switch {
	case errors.Is(err, io.EOF):
		l.empty = true
		return l, nil
	case err != nil:
		return nil, err
	case first == json.Delim('[') && items == "":
		return l, nil
	case first != json.Delim('{'):
		return nil, l.fail(errors.New("want a list of rows" + orWithItems(items)))
	}
	if items == "" {
		key, err := l.onlyList()
		if err != nil {
			return nil, err
		}
		again, err := reopen(t.file)
		if err != nil {
			return nil, at(path, 1, err)
		}
		l, keys = newList(again, path), []string{key}
		if _, err := l.token(); err != nil {
			return nil, err
		}
	}
	return l, l.enter(keys)
}

func orWithItems(items string) string {
	if items == "" {
		return ", or an object with a list in it"
	}
	return " at " + items
}

func newList(t *text, path string) *list {
	l := &list{text: t, path: path}
	l.lines.in = t
	l.dec = json.NewDecoder(&l.lines)
	return l
}

// reopen reads the file from its start.
func reopen(file *os.File) (*text, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return openText(file)
}

// onlyList reads the document, whose first brace was read, and gives the key
// whose value is a list.
func (l *list) onlyList() (string, error) {
	var found []string
	for l.dec.More() {
		key, err := l.token()
		if err != nil {
			return "", err
		}
		value, err := l.token()
		if err != nil {
			return "", err
		}
		if value == json.Delim('[') {
			found = append(found, key.(string))
		}
		if err := l.skip(value); err != nil {
			return "", err
		}
	}
	if _, err := l.token(); err != nil {
		return "", err
	}
	return only(found, l.path)
}

// only gives the one key of an object whose value is a list.
func only(found []string, path string) (string, error) {
	switch len(found) {
	case 0:
		return "", at(path, 1, errors.New("the object holds no list of rows"))
	case 1:
		return found[0], nil
	}
	slices.Sort(found)
	return "", at(path, 1, fmt.Errorf("the object holds several lists (%s): say with items which has the rows, for instance .%s",
		strings.Join(found, ", "), found[0]))
}

// enter goes down the keys to the list; the first brace was read.
func (l *list) enter(keys []string) error {
	for i, want := range keys {
		l.depth++
		for {
			if !l.dec.More() {
				if _, err := l.token(); err != nil {
					return err
				}
				return l.fail(fmt.Errorf("there is no .%s", strings.Join(keys[:i+1], ".")))
			}
			key, err := l.token()
			if err != nil {
				return err
			}
			value, err := l.token()
			if err != nil {
				return err
			}
			if key != want {
				if err := l.skip(value); err != nil {
					return err
				}
				continue
			}
			if last := i == len(keys)-1; last && value != json.Delim('[') {
				return l.fail(fmt.Errorf(".%s is not a list", strings.Join(keys, ".")))
			} else if !last && value != json.Delim('{') {
				return l.fail(fmt.Errorf(".%s is not an object", strings.Join(keys[:i+1], ".")))
			}
			break
		}
	}
	return nil
}

// skip reads to the end of the value that begins with the token.
func (l *list) skip(begin json.Token) error {
	depth := 0
	for t := begin; ; {
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if t, err = l.token(); err != nil {
			return err
		}
	}
}

func (l *list) next() (row, error) {
	if l.empty {
		return row{}, io.EOF
	}
	l.text.restart()
	if !l.dec.More() {
		return row{}, l.finish()
	}
	var raw json.RawMessage
	if err := l.dec.Decode(&raw); err != nil {
		return row{}, l.broken(err)
	}
	line := l.lines.at(l.dec.InputOffset() - int64(len(raw)))
	v, err := decodeRow(raw)
	if err != nil {
		return row{}, at(l.path, line, err)
	}
	return row{line: line, value: v}, nil
}

// finish reads what follows the list; io.EOF says that all of it is well.
func (l *list) finish() error {
	if _, err := l.token(); err != nil { // the list's bracket
		return err
	}
	for l.depth > 0 {
		t, err := l.token()
		if err != nil {
			return err
		}
		if t == json.Delim('}') {
			l.depth--
		} else if err := l.skip(t); err != nil {
			return err
		}
	}
	if _, err := l.dec.Token(); errors.Is(err, io.EOF) {
		l.empty = true
		return io.EOF
	}
	return l.fail(errors.New("something follows the end of the document"))
}

// token reads a token. io.EOF is an error but for the first one.
func (l *list) token() (json.Token, error) {
	l.text.restart()
	t, err := l.dec.Token()
	if err == nil {
		l.lines.at(l.dec.InputOffset()) // lets go of the line breaks before it
		return t, nil
	}
	if errors.Is(err, io.EOF) && l.dec.InputOffset() == 0 {
		return t, err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends too early; is the file complete?")
	}
	return t, l.fail(err)
}

// fail puts the current place before an error.
func (l *list) fail(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		err = fmt.Errorf("not valid JSON: %w", err)
	}
	return at(l.path, l.lines.at(l.dec.InputOffset()), err)
}

// broken is the error of a row that does not decode: the decoder has not moved,
// so that the row is looked at once more for the place.
func (l *list) broken(err error) error {
	line := l.lines.at(l.dec.InputOffset())
	rest, _ := io.ReadAll(l.dec.Buffered())
	start := bytes.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune(" \t\r\n,", r) })
	if start >= 0 {
		line += bytes.Count(rest[:start], []byte("\n"))
		rest = rest[start:]
	}
	var syntax *json.SyntaxError
	var v json.RawMessage
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the document ends inside of the row that begins here; is the file complete?")
	case errors.As(err, &syntax):
		if errors.As(json.Unmarshal(rest, &v), &syntax) {
			line += bytes.Count(rest[:min(int(syntax.Offset), len(rest))], []byte("\n"))
		}
		err = fmt.Errorf("not valid JSON: %w", err)
	}
	return at(l.path, line, err)
}

func (l *list) close() error { return l.text.close() }

// lines reads on and knows on which line an offset is.
type lines struct {
	in     io.Reader
	offset int64   // how much was read
	breaks []int64 // offsets of line breaks that at has not passed
	passed int
}

// Read notes the line breaks of what is read.
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	for i := 0; i < n; {
		k := bytes.IndexByte(p[i:n], '\n')
		if k < 0 {
			break
		}
		l.breaks = append(l.breaks, l.offset+int64(i+k))
		i += k + 1
	}
	l.offset += int64(n)
	return n, err
}

// at is the line of an offset, from 1. Offsets must not decrease from call to
// call, or the answer is that of an earlier one.
func (l *lines) at(offset int64) int {
	n, _ := slices.BinarySearch(l.breaks, offset)
	l.passed += n
	if n == len(l.breaks) {
		l.breaks = l.breaks[:0]
	} else {
		l.breaks = l.breaks[n:] // the next that needs room copies what is left
	}
	return l.passed + 1
}
