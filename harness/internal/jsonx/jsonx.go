// Package jsonx decodes JSON values with exact whole numbers and evaluates jq
// expressions over them.
//
// A value is what encoding/json decodes into an any: nil, bool, float64, string,
// []any, map[string]any; and a json.Number in place of a float64 for a whole
// number that a float64 would change, such as a 19-digit ID.
package jsonx

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decode decodes one JSON text. Errors are those of encoding/json; half of a
// surrogate pair in an escape becomes U+FFFD, as there.
func Decode(data []byte) (any, error) {
	var v any
	if !hasLongNumber(data) {
		err := json.Unmarshal(data, &v)
		return v, err
	}
	if !json.Valid(data) { // for the error, and for what follows the value
		return nil, json.Unmarshal(data, &v)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return Normal(v), nil
}

// hasLongNumber tells whether 16 digits in a row occur anywhere: a whole number
// with fewer is exact as a float64.
func hasLongNumber(data []byte) bool {
	run := 0
	for _, c := range data {
		if c-'0' > 9 {
			run = 0
		} else if run++; run == 16 {
			return true
		}
	}
	return false
}

// Normal gives a value of jq, or one decoded with UseNumber, the types that the
// package comment names. It changes lists and maps in place.
func Normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(string(v))
	case int:
		if f := float64(v); -1<<53 <= v && v <= 1<<53 {
			return f
		}
		return number(strconv.Itoa(v))
	case *big.Int:
		return number(v.String())
	case float64: // jq can make these, JSON can't carry them
		if math.IsNaN(v) {
			return nil
		}
		return max(-math.MaxFloat64, min(v, math.MaxFloat64))
	case []any:
		for i := range v {
			v[i] = Normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = Normal(v[k])
		}
	}
	return v
}

// number is the float64 of a JSON number, or the number itself when it is whole
// and a float64 would be written with other digits.
func number(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return json.Number(text)
	}
	if !strings.ContainsAny(text, ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != text {
		return json.Number(text)
	}
	return f
}
