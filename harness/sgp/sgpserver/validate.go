package sgpserver

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// maxProblems bounds how many problems one 422 lists, and maxInput how long the
// offending value may be to be shown with one.
const (
	maxProblems = 100
	maxInput    = 1 << 10
)

// problem is one entry of an HTTPValidationError. Loc leads to the value: "body",
// the index in a batch, the field.
type problem struct {
	Loc   []any           `json:"loc"`
	Msg   string          `json:"msg"`
	Type  string          `json:"type"`
	Input json.RawMessage `json:"input,omitempty"`
	Ctx   map[string]any  `json:"ctx,omitempty"`
}

// checker gathers the problems of one request.
type checker struct{ problems []problem }

// add notes a problem. The words and types are those of pydantic, which the
// platform's errors come from.
func (c *checker) add(loc []any, kind, msg string, input json.RawMessage, ctx map[string]any) {
	if len(c.problems) >= maxProblems {
		return
	}
	if len(input) > maxInput {
		input = nil
	}
	c.problems = append(c.problems, problem{Loc: loc, Msg: msg, Type: kind, Input: input, Ctx: ctx})
}

// err is the 422 when there are problems, else nil.
func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return invalid(c.problems)
}

// fields checks the fields of one object of the request. Checking removes the
// nulls of optional fields, because responses do not know null; changed tells
// the enclosing object that it has to be encoded anew.
type fields struct {
	*checker
	object
	loc     []any
	changed *bool
}

func newFields(c *checker, o object, loc ...any) fields {
	return fields{c, o, loc, new(bool)}
}

// at is the place of a field of the object, or of something within it.
func (f fields) at(more ...any) []any { return append(slices.Clone(f.loc), more...) }

// wrong notes that a field has not the value that it should have.
func (f fields) wrong(kind, msg string, name string) {
	f.add(f.at(name), kind, msg, f.object[name], nil)
}

// given tells whether the field has a value to check. A needed field that is not
// there is a problem; null counts as not there for one that is not needed.
func (f fields) given(name string, need bool) bool {
	raw, ok := f.object[name]
	switch {
	case !ok && need:
		f.add(f.at(name), "missing", "Field required", f.object.encode(), nil)
	case ok && !need && kindOf(raw) == kindNull:
		delete(f.object, name)
		*f.changed = true
		return false
	}
	return ok
}

// text checks a string and gives its value.
func (f fields) text(name string, need bool) (string, bool) {
	if !f.given(name, need) {
		return "", false
	}
	s, ok := unquote(f.object[name])
	if !ok {
		f.wrong("string_type", "Input should be a valid string", name)
	}
	return s, ok
}

// oneOf checks a string that must be one of the values.
func (f fields) oneOf(name string, need bool, values ...string) (string, bool) {
	if !f.given(name, need) {
		return "", false
	}
	if s, ok := unquote(f.object[name]); ok && slices.Contains(values, s) {
		return s, true
	}
	expected := choices(values)
	f.add(f.at(name), "enum", "Input should be "+expected, f.object[name], map[string]any{"expected": expected})
	return "", false
}

// choices lists values as 'a', 'b' or 'c'.
func choices(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + v + "'"
	}
	if last := len(quoted) - 1; last > 0 {
		return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
	}
	return strings.Join(quoted, "")
}

// boolean checks true or false and gives the value.
func (f fields) boolean(name string) (value, ok bool) {
	if !f.given(name, false) {
		return false, false
	}
	if kindOf(f.object[name]) != kindBool {
		f.wrong("bool_type", "Input should be a valid boolean", name)
		return false, false
	}
	return string(f.object[name]) == "true", true
}

// integer checks a whole number.
func (f fields) integer(name string) {
	if !f.given(name, false) {
		return
	}
	var n float64
	if kindOf(f.object[name]) != kindNumber || json.Unmarshal(f.object[name], &n) != nil || n != math.Trunc(n) {
		f.wrong("int_type", "Input should be a valid integer", name)
	}
}

// dict checks an object, and its fields with check (nil: any).
func (f fields) dict(name string, need bool, check func(fields)) {
	if !f.given(name, need) {
		return
	}
	o, err := decodeObject(f.object[name])
	if err != nil || o == nil {
		f.wrong("dict_type", "Input should be a valid dictionary", name)
		return
	}
	if check == nil {
		return
	}
	child := newFields(f.checker, o, f.at(name)...)
	check(child)
	if *child.changed {
		f.object[name] = child.encode()
		*f.changed = true
	}
}

// texts checks an array of strings.
func (f fields) texts(name string) {
	items, _ := f.list(name, false)
	for i, item := range items {
		if kindOf(item) != kindString {
			f.add(f.at(name, i), "string_type", "Input should be a valid string", item, nil)
		}
	}
}

// time checks a date-time of RFC 3339 and gives it as the server writes times.
func (f fields) time(name string) (string, bool) {
	text, ok := f.text(name, false)
	if !ok {
		return "", false
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		f.wrong("datetime_parsing", "Input should be a valid datetime", name)
		return "", false
	}
	return stamp(t), true
}

// list checks an array and gives its elements.
func (f fields) list(name string, need bool) ([]json.RawMessage, bool) {
	if !f.given(name, need) {
		return nil, false
	}
	var items []json.RawMessage
	if kindOf(f.object[name]) != kindArray || json.Unmarshal(f.object[name], &items) != nil {
		f.wrong("list_type", "Input should be a valid list", name)
		return nil, false
	}
	return items, true
}

// value notes that a value can't be used for a reason of its own.
func (f fields) value(name, format string, args ...any) {
	f.wrong("value_error", "Value error, "+fmt.Sprintf(format, args...), name)
}
