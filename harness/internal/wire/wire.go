// Package wire decodes and encodes the JSON objects of platforms without losing
// what it does not know. A type of a platform is a struct with a field
//
//	Unknown wire.Unknown `json:"-"`
//
// whose UnmarshalJSON calls [Decode] or [DecodeExact], and MarshalJSON [Encode].
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Unknown holds the fields of a JSON object that have no Go field here, and
// those whose value did not fit its Go field. They are kept when an object is
// decoded and written back when it is encoded.
type Unknown map[string]json.RawMessage

// Decode fills the struct that into points at from a JSON object. Names match
// exactly, unlike in encoding/json. A field of the wrong type is not an error: its
// text goes to Unknown, since the platform may widen what it sends. A number is
// taken for a string and the other way round, and null for nothing.
func Decode(data []byte, into any) error { return decode(data, into, false) }

// DecodeExact is Decode without those liberties: what is encoded again is the same
// JSON. null, a number for a string and "" for what may be absent go to Unknown,
// and null is no object.
func DecodeExact(data []byte, into any) error { return decode(data, into, true) }

func decode(data []byte, into any, exact bool) error {
	if string(bytes.TrimSpace(data)) == "null" {
		if exact {
			return errors.New("null in place of an object")
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	v.SetZero()
	t := v.Type()
	for i := range t.NumField() {
		name, omit, ok := fieldName(t.Field(i))
		raw, given := fields[name]
		if !ok || !given {
			continue
		}
		fits := decodeField(raw, v.Field(i), exact)
		if !fits {
			v.Field(i).SetZero()
		}
		if fits && !(exact && omit && v.Field(i).IsZero()) { // which would not be written
			delete(fields, name)
		}
	}
	if len(fields) > 0 {
		v.FieldByName("Unknown").Set(reflect.ValueOf(Unknown(fields)))
	}
	return nil
}

// decodeField decodes one value and tells whether it fitted.
func decodeField(raw json.RawMessage, into reflect.Value, exact bool) bool {
	switch p := into.Addr().Interface().(type) {
	case *json.RawMessage:
		*p = raw
		return true
	case *any:
		v, err := DecodeValue(raw)
		*p = v
		return err == nil
	case *map[string]any:
		v, err := DecodeValue(raw)
		m, ok := v.(map[string]any)
		*p = m
		return err == nil && (ok || v == nil && !exact)
	}
	text := string(raw)
	if exact && text == "null" {
		return false
	}
	if json.Unmarshal(raw, into.Addr().Interface()) == nil {
		return !exact || !hasNull(raw, into)
	}
	switch into.Kind() {
	case reflect.String:
		if _, err := strconv.ParseFloat(text, 64); err == nil && !exact {
			into.SetString(text)
			return true
		}
	case reflect.Int, reflect.Int64:
		if !exact {
			text = strings.Trim(text, `"`)
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil && n == math.Trunc(n) && math.Abs(n) <= 1<<53 {
			into.SetInt(int64(n))
			return true
		}
	}
	return false
}

// hasNull tells whether null became "" in a list or map of strings.
func hasNull(raw json.RawMessage, v reflect.Value) bool {
	if k := v.Kind(); k != reflect.Slice && k != reflect.Map || v.Type().Elem().Kind() != reflect.String {
		return false
	}
	var list []*string
	var m map[string]*string
	_ = json.Unmarshal(raw, &list)
	_ = json.Unmarshal(raw, &m)
	return slices.Contains(list, nil) || slices.Contains(slices.Collect(maps.Values(m)), nil)
}

// Encode writes a struct as a JSON object: its fields in order, without
// those that are tagged omitzero and are zero, then Unknown by name.
func Encode(from any) ([]byte, error) {
	v := reflect.ValueOf(from)
	t := v.Type()
	unknown, _ := v.FieldByName("Unknown").Interface().(Unknown)
	var b bytes.Buffer
	b.WriteByte('{')
	add := func(name string, value any) error {
		data, err := Marshal(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, err := Marshal(name)
		if err != nil {
			return err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(data)
		return nil
	}
	written := map[string]bool{}
	for i := range t.NumField() {
		name, omit, ok := fieldName(t.Field(i))
		if !ok {
			continue
		}
		if _, kept := unknown[name]; v.Field(i).IsZero() && (omit || kept) {
			continue
		}
		if err := add(name, v.Field(i).Interface()); err != nil {
			return nil, err
		}
		written[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		if written[name] {
			continue
		}
		if err := add(name, unknown[name]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// fieldName is the JSON name of a struct field, false for one that has none.
func fieldName(f reflect.StructField) (name string, omit, ok bool) {
	tag := f.Tag.Get("json")
	name, options, _ := strings.Cut(tag, ",")
	return name, options == "omitzero", name != "" && name != "-"
}

// Marshal is json.Marshal without the escaping of <, > and &.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// DecodeValue decodes any JSON value into string, float64, bool, nil, []any and
// map[string]any. An integer that float64 can't hold exactly, and a number
// beyond its range, is a json.Number, so that it is written back as it was.
func DecodeValue(data []byte) (any, error) {
	if !json.Valid(data) { // a Decoder would leave what follows the value
		var v any
		return nil, json.Unmarshal(data, &v)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return plainNumbers(v), nil
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return plainNumber(v)
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

func plainNumber(n json.Number) any {
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return n
	}
	if math.Abs(f) >= 1<<53 && !strings.ContainsAny(n.String(), ".eE") {
		return n
	}
	return f
}
