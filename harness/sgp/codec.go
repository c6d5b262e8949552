package sgp

import (
	"bytes"
	"encoding/json"
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

// decodeObject fills the struct that into points at from a JSON object. Names
// match exactly, unlike in encoding/json. A field of the wrong type is not an
// error: its text goes to Unknown, since the platform may widen what it sends.
func decodeObject(data []byte, into any) error {
	if string(bytes.TrimSpace(data)) == "null" {
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
		name, _, ok := fieldName(t.Field(i))
		raw, given := fields[name]
		if !ok || !given {
			continue
		}
		if decodeField(raw, v.Field(i)) {
			delete(fields, name)
		} else {
			v.Field(i).SetZero()
		}
	}
	if len(fields) > 0 {
		v.FieldByName("Unknown").Set(reflect.ValueOf(Unknown(fields)))
	}
	return nil
}

// decodeField decodes one value and tells whether it fitted. A number is taken
// for a string field and the other way round: version numbers come as both.
func decodeField(raw json.RawMessage, into reflect.Value) bool {
	switch p := into.Addr().Interface().(type) {
	case *any:
		v, err := DecodeValue(raw)
		*p = v
		return err == nil
	case *map[string]any:
		v, err := DecodeValue(raw)
		m, ok := v.(map[string]any)
		*p = m
		return err == nil && (ok || v == nil)
	}
	if json.Unmarshal(raw, into.Addr().Interface()) == nil {
		return true
	}
	text := string(raw)
	switch into.Kind() {
	case reflect.String:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			into.SetString(text)
			return true
		}
	case reflect.Int, reflect.Int64:
		if n, err := strconv.ParseFloat(strings.Trim(text, `"`), 64); err == nil && n == math.Trunc(n) && math.Abs(n) <= 1<<53 {
			into.SetInt(int64(n))
			return true
		}
	}
	return false
}

// encodeObject writes a struct as a JSON object: its fields in order, without
// those that are tagged omitzero and are zero, then Unknown by name.
func encodeObject(from any) ([]byte, error) {
	v := reflect.ValueOf(from)
	t := v.Type()
	unknown, _ := v.FieldByName("Unknown").Interface().(Unknown)
	var b bytes.Buffer
	b.WriteByte('{')
	add := func(name string, value any) error {
		data, err := encodeValue(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, err := encodeValue(name)
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

// encodeValue is json.Marshal without the escaping of <, > and &.
func encodeValue(v any) ([]byte, error) {
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
