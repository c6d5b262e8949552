package sgpserver

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// object is a JSON object as it came, so that fields which this package does not
// know are kept and given back.
type object map[string]json.RawMessage

// set sets a field to a string.
func (o object) set(name, value string) { o[name] = quote(value) }

// drop removes fields that only the server may set.
func (o object) drop(names ...string) {
	for _, name := range names {
		delete(o, name)
	}
}

// has tells whether the field is there and not null.
func (o object) has(name string) bool {
	raw, ok := o[name]
	return ok && kindOf(raw) != kindNull
}

// encode is the object's JSON with its fields in the order of their names.
func (o object) encode() json.RawMessage {
	size := 2
	for name, raw := range o {
		size += len(name) + len(raw) + 4
	}
	b := append(make([]byte, 0, size), '{')
	for i, name := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		b = append(b, o[name]...)
	}
	return append(b, '}')
}

// decodeObject reads back an object that the store kept.
func decodeObject(raw json.RawMessage) (object, error) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err
}

// quote is the JSON string of s, without the escaping of <, > and &.
func quote(s string) json.RawMessage { return appendQuoted(make([]byte, 0, len(s)+2), s) }

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return append(b, encode(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// unquote reads a JSON string.
func unquote(raw json.RawMessage) (s string, ok bool) {
	if kindOf(raw) != kindString {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	ok = json.Unmarshal(raw, &s) == nil
	return s, ok
}

// encode is v as JSON. It is for values that can't fail: strings, numbers and
// structs of these.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// array joins encoded values to a JSON array.
func array(items []json.RawMessage) json.RawMessage {
	b := append([]byte{'['}, bytes.Join(asBytes(items), []byte{','})...)
	return append(b, ']')
}

func asBytes(items []json.RawMessage) [][]byte {
	out := make([][]byte, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// stamp writes a time as the platform does: UTC, with microseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// kind is what a JSON value is.
type kind byte

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// kindOf looks at the first byte of a value without leading space.
func kindOf(raw json.RawMessage) kind {
	if len(raw) == 0 {
		return kindNull
	}
	switch raw[0] {
	case '"':
		return kindString
	case '{':
		return kindObject
	case '[':
		return kindArray
	case 't', 'f':
		return kindBool
	case 'n':
		return kindNull
	}
	return kindNumber
}
