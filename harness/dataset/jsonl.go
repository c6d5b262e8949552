package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness/internal/jsonx"
)

// jsonl yields one row for each line that is not blank.
type jsonl struct {
	text *text
	in   *bufio.Reader
	path string
	line int
	long []byte // room for lines that the reader can't hold
}

func newJSONL(t *text, path string) *jsonl {
	return &jsonl{text: t, in: bufio.NewReaderSize(t, 64<<10), path: path}
}

func (j *jsonl) next() (row, error) {
	for {
		line, err := j.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return row{}, at(j.path, j.line+1, err)
		}
		j.line++
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) == 0 {
			if err != nil {
				return row{}, io.EOF
			}
			continue
		}
		v, bad := decodeRow(trimmed)
		if bad != nil {
			if err != nil && !errors.Is(bad, errNotUTF8) {
				bad = fmt.Errorf("%w (this is the last line; is the file complete?)", bad)
			}
			return row{}, brokenRow{at(j.path, j.line, bad)}
		}
		return row{line: j.line, value: v}, nil
	}
}

// readLine gives the next line, valid until the next call, with its line break;
// io.EOF comes together with a last line that has none.
func (j *jsonl) readLine() ([]byte, error) {
	j.text.restart()
	line, err := j.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	j.long = j.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		j.long = append(j.long, line...)
		line, err = j.in.ReadSlice('\n')
	}
	j.long = append(j.long, line...)
	line = j.long
	if cap(j.long) > 1<<20 {
		j.long = nil // a rare long line does not keep its room
	}
	return line, err
}

func (j *jsonl) close() error { return j.text.close() }

// decodeRow decodes one JSON value of a dataset.
func decodeRow(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errNotUTF8
	}
	v, err := jsonx.Decode(data)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("not valid JSON: %w (at character %d of the row)",
			err, utf8.RuneCount(data[:min(int(syntax.Offset), len(data))]))
	}
	if err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	return v, nil
}
