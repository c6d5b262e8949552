package evaluator

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// decodeJSON reads a text that is one JSON value, with numbers as json.Number.
func decodeJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the text is empty")
		}
		return nil, err
	}
	if rest := strings.TrimLeft(s[d.InputOffset():], " \t\r\n"); rest != "" {
		return nil, errors.New("text follows the JSON value")
	}
	return v, nil
}

// toJSON gives what JSON would decode to, with numbers as json.Number: a Go
// value of any type, of a dataset or of an app, becomes comparable.
func toJSON(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, json.Number:
		return v, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return decodeJSON(string(data))
}

// outputJSON is the answer as a JSON value: a text is read as JSON, any other
// value is taken as it is.
func outputJSON(o harness.Output) (any, error) {
	if s, ok := o.Value.(string); ok {
		return decodeJSON(s)
	}
	return toJSON(o.Value)
}

// isStructure tells a list or a map from a plain value.
func isStructure(v any) bool {
	switch v.(type) {
	case nil, string, bool, json.Number, float64, float32,
		int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return false
	}
	return true
}

// kindOf names the kind of a JSON value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any, []string:
		return "a list"
	}
	if isStructure(v) {
		return "a map"
	}
	return "a number"
}

// equalJSON compares values that decodeJSON or toJSON gave. The order of the
// keys of an object and the spelling of a number do not count.
func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, x := range a {
			y, ok := b[k]
			if !ok || !equalJSON(x, y) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(string(a), string(b))
	}
	return a == b
}

// equalNumbers compares whole numbers digit by digit, others as float64.
func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(a+b, ".eE") && a != "-0" && b != "-0" {
		return false // JSON spells a whole number in one way, -0 aside
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
