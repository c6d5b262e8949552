package sgpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

const (
	// defaultMaxBody is how many bytes a request may have when Config says nothing.
	defaultMaxBody = 64 << 20
	// maxDepth is how deep the JSON of a request may nest.
	maxDepth = 256
)

// readBody reads the request's JSON, without its white space. It is nil when the
// request has no body at all.
func (s *server) readBody(r *http.Request) (json.RawMessage, error) {
	if r.ContentLength > s.MaxBody {
		return nil, tooLarge(s.MaxBody)
	}
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, s.MaxBody))
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, tooLarge(s.MaxBody)
	case err != nil:
		return nil, &statusError{http.StatusBadRequest, "the request's body could not be read"}
	case len(data) == 0:
		return nil, nil
	}
	return parseBody(data)
}

// parseBody checks that data is one JSON text that may be kept as it is.
func parseBody(data []byte) (json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, badJSON(0, "not valid UTF-8")
	}
	var compact bytes.Buffer
	compact.Grow(len(data))
	if err := json.Compact(&compact, data); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, badJSON(int(syntax.Offset), syntax.Error())
		}
		return nil, badJSON(0, err.Error())
	}
	if at, deep := tooDeep(compact.Bytes()); deep {
		return nil, badJSON(at, fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	return compact.Bytes(), nil
}

// tooDeep tells whether and where valid JSON nests deeper than maxDepth.
func tooDeep(data []byte) (at int, deep bool) {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i, true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return 0, false
}

// readObject reads a request whose body is one object. An empty body is an empty
// object when it may be.
func (s *server) readObject(r *http.Request, mayBeEmpty bool) (fields, error) {
	raw, err := s.readBody(r)
	if err != nil {
		return fields{}, err
	}
	if raw == nil {
		if !mayBeEmpty {
			return fields{}, invalid{{Loc: []any{"body"}, Msg: "Field required", Type: "missing"}}
		}
		raw = json.RawMessage("{}")
	}
	o, err := decodeObject(raw)
	if err != nil || o == nil {
		return fields{}, invalid{{Loc: []any{"body"}, Msg: "Input should be a valid dictionary", Type: "dict_type", Input: shown(raw)}}
	}
	return newFields(&checker{}, o, "body"), nil
}

// maxBatch is how many items a batch may have. They take more memory than their
// bytes do.
const maxBatch = 50_000

// readBatch reads a request whose body is a bare array of objects. Items that
// are no objects are problems already, and left out.
func (s *server) readBatch(r *http.Request) ([]fields, *checker, error) {
	raw, err := s.readBody(r)
	if err != nil {
		return nil, nil, err
	}
	if raw == nil {
		return nil, nil, invalid{{Loc: []any{"body"}, Msg: "Field required", Type: "missing"}}
	}
	var items []json.RawMessage
	if kindOf(raw) != kindArray || json.Unmarshal(raw, &items) != nil {
		return nil, nil, invalid{{Loc: []any{"body"}, Msg: "Input should be a valid list", Type: "list_type", Input: shown(raw)}}
	}
	if len(items) > maxBatch {
		return nil, nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the batch has %d items; at most %d are taken at once", len(items), maxBatch)}
	}
	c := &checker{}
	batch := make([]fields, 0, len(items))
	for i, item := range items {
		o, err := decodeObject(item)
		if err != nil || o == nil {
			c.add([]any{"body", i}, "dict_type", "Input should be a valid dictionary", item, nil)
			continue
		}
		batch = append(batch, newFields(c, o, "body", i))
	}
	return batch, c, nil
}

// shown is a value that an error may repeat, or nothing when it is long.
func shown(raw json.RawMessage) json.RawMessage {
	if len(raw) > maxInput {
		return nil
	}
	return raw
}

func badJSON(at int, why string) error {
	return invalid{{
		Loc: []any{"body", at}, Msg: "JSON decode error", Type: "json_invalid",
		Input: json.RawMessage("{}"), Ctx: map[string]any{"error": why},
	}}
}

func tooLarge(limit int64) error {
	return &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d bytes", limit)}
}
