package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The limits of a document. They keep what a hostile one can cost to about a
// second and 200 MB.
const (
	// MaxSize is the most bytes that a document may have.
	MaxSize = 8 << 20
	// MaxParts is about the most keys, values and items.
	MaxParts = 1_000_000
	// MaxDepth is how deep lists and maps may stand in each other.
	MaxDepth = 100
	// MaxAliased is the most keys, values and items that aliases may add.
	MaxAliased = 50_000
)

// Parse reads one YAML document. An empty one gives the zero Node. The file is
// its name in errors; nothing is read from disk.
func Parse(file string, data []byte) (Node, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := checkText(file, data); err != nil {
		return Node{}, err
	}
	doc, err := parseOne(file, data)
	if err != nil || doc == nil {
		return Node{}, err
	}
	c := checker{file: file, expanding: map[*yaml.Node]bool{}}
	if err := c.check(doc, 1); err != nil {
		return Node{}, err
	}
	if err := Join(c.errs...); err != nil {
		return Node{}, err
	}
	return Node{Node: doc, File: file}, nil
}

// checkText refuses what is no text, or too much of it, before the parser sees
// it.
func checkText(file string, data []byte) error {
	if len(data) > MaxSize {
		return &Error{File: file, Message: fmt.Sprintf("the file has %.1f MB; the most is %d MB",
			float64(len(data))/(1<<20), MaxSize>>20), Hint: "put test cases into a dataset file of their own, which has no limit"}
	}
	line, start, parts := 1, 0, 0
	for i := 0; i < len(data); {
		c := data[i]
		size := 1
		switch {
		case c == '\n':
			line, start = line+1, i+1
		case c < 0x20 && c != '\t' && c != '\r' || c == 0x7f:
			return &Error{File: file, Line: line, Column: column(data[start:i]),
				Message: fmt.Sprintf("control character %#02x; this is not a text file", c)}
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRune(data[i:]); r == utf8.RuneError && size == 1 {
				return &Error{File: file, Line: line, Column: column(data[start:i]),
					Message: fmt.Sprintf("byte %#02x is not UTF-8 text", c), Hint: "save the file as UTF-8"}
			}
		case strings.IndexByte("[{,:-?", c) >= 0:
			parts++
		}
		i += size
	}
	if parts > MaxParts {
		return &Error{File: file, Message: fmt.Sprintf("the file has more than %d keys, values and items", MaxParts),
			Hint: "put test cases into a dataset file of their own, which has no limit"}
	}
	return nil
}

func column(before []byte) int { return utf8.RuneCount(before) + 1 }

// parseOne parses the document and makes sure that it is the only one. The
// parser panics on some malformed input, which is a syntax error like any other.
func parseOne(file string, data []byte) (root *yaml.Node, err error) {
	defer func() {
		if v := recover(); v != nil {
			root, err = nil, &Error{File: file, Message: fmt.Sprintf("not valid YAML: %v", v)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(file, data, err)
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntaxError(file, data, err)
	default:
		return nil, &Error{File: file, Line: second.Line, Column: second.Column,
			Message: "a second document starts here; a file holds one"}
	}
	if len(doc.Content) != 1 {
		return nil, nil
	}
	return doc.Content[0], nil
}

var (
	errorLine     = regexp.MustCompile(`^line (\d+): (.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError gives an error of the parser the form of ours. The parser tells
// the line only, so that the column is that of the line's first character.
func syntaxError(file string, data []byte, err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{File: file, Message: "not valid YAML: " + text}
	if m := errorLine.FindStringSubmatch(text); m != nil {
		e.Message = "not valid YAML: " + m[2]
		e.Line, _ = strconv.Atoi(m[1])
		if strings.HasPrefix(m[2], "did not find expected") {
			e.Line++ // these lines count from 0, those of other messages from 1
		}
	}
	lines := bytes.Split(data, []byte("\n"))
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		e.Message = fmt.Sprintf("unknown alias *%s: no value is marked &%s above", m[1], m[1])
		for i, l := range lines {
			if at := bytes.Index(l, []byte("*"+m[1])); at >= 0 {
				e.Line, e.Column = i+1, column(l[:at])
				return e
			}
		}
	}
	if e.Line == 0 {
		e.Line = 1
	}
	e.Line, e.Column = min(e.Line, len(lines)), 1
	if l := lines[e.Line-1]; e.Line > 0 {
		if at := bytes.IndexFunc(l, func(r rune) bool { return r != ' ' && r != '\t' && r != '\r' }); at > 0 {
			e.Column = at + 1
		}
		if bytes.HasPrefix(bytes.TrimLeft(l, " "), []byte("\t")) {
			e.Hint = "YAML is indented with spaces, not with tabs"
		}
	}
	switch {
	case strings.Contains(e.Message, "mapping values are not allowed"):
		e.Hint = `text with ": " in it needs quotes; keys of one map stand in one column`
	case strings.Contains(e.Message, "did not find expected ','") && bytes.Contains(lines[e.Line-1], []byte("${")):
		e.Hint = `text with ${…} in it needs quotes inside of { } and [ ]`
	case strings.Contains(e.Message, "did not find expected ','") && bytes.Contains(lines[e.Line-1], []byte("{")):
		e.Hint = `text with { } [ ] , or # in it needs quotes inside of { } and [ ]`
	}
	return e
}
