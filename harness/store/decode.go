package store

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

var errSyntax = errors.New("stored JSON is malformed")

// decoder reads what encoder wrote. Damaged input gives an error, never a panic.
// The first trouble stays in err, and every method returns at once after it.
type decoder struct {
	data []byte
	pos  int
	err  error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.pos = len(d.data)
}

// peek is the next byte, 0 at the end.
func (d *decoder) peek() byte {
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; c {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte, which must be c.
func (d *decoder) expect(c byte) {
	if d.peek() != c || d.pos >= len(d.data) {
		d.fail(errSyntax)
		return
	}
	d.pos++
}

// next tells whether a list or an object that ends with end has another element;
// i is how many were read.
func (d *decoder) next(i int, end byte) bool {
	if d.err != nil {
		return false
	}
	if d.peek() == end {
		d.pos++
		return false
	}
	if i > 0 {
		d.expect(',')
	}
	return d.err == nil
}

// name reads the name of an object's element. It is valid until the next call.
func (d *decoder) name() []byte {
	raw, plain := d.token()
	d.expect(':')
	if plain {
		return raw
	}
	return []byte(d.unescape(raw))
}

// token reads a string and gives what is between its quotes; plain when nothing
// is escaped in it.
func (d *decoder) token() (raw []byte, plain bool) {
	d.expect('"')
	plain = true
	for i := d.pos; i < len(d.data); i++ {
		switch d.data[i] {
		case '"':
			raw = d.data[d.pos:i]
			d.pos = i + 1
			return raw, plain
		case '\\':
			plain = false
			i++
		}
	}
	d.fail(errSyntax)
	return nil, true
}

func (d *decoder) string() string {
	raw, plain := d.token()
	if plain {
		return string(raw)
	}
	return d.original(d.unescape(raw))
}

// original undoes what encoder.string did to a string that JSON can't carry.
func (d *decoder) original(s string) string {
	if len(s) < 2 || s[0] != escapeByte || s[1] != escapeBytes {
		return s
	}
	data, err := base64.StdEncoding.DecodeString(s[2:])
	if err != nil {
		d.fail(errSyntax)
	}
	return string(data)
}

// unescape replaces the escapes of JSON (RFC 8259, section 7).
func (d *decoder) unescape(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++
		if i >= len(raw) {
			d.fail(errSyntax)
			return ""
		}
		switch c := raw[i]; c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			r := hexRune(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				r = utf16.DecodeRune(r, hexRune(raw[i+3:]))
				i += 6
			}
			if r < 0 {
				d.fail(errSyntax)
				return ""
			}
			b.WriteRune(r)
		default:
			d.fail(errSyntax)
			return ""
		}
	}
	return b.String()
}

// hexRune reads four hexadecimal digits; -1 when there are none.
func hexRune(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// digits reads the characters of a number.
func (d *decoder) digits() []byte {
	d.peek()
	start := d.pos
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.pos++
			continue
		}
		break
	}
	return d.data[start:d.pos]
}

func (d *decoder) integer() int64 {
	n, err := strconv.ParseInt(string(d.digits()), 10, 64)
	if err != nil {
		d.fail(errSyntax)
	}
	return n
}

// float reads a number, also one that is not finite.
func (d *decoder) float() float64 {
	if d.peek() == '"' {
		f, ok := d.text().(float64)
		if !ok {
			d.fail(errSyntax)
		}
		return f
	}
	f, err := strconv.ParseFloat(string(d.digits()), 64)
	if err != nil && !math.IsInf(f, 0) {
		d.fail(errSyntax)
	}
	return f
}

// text reads a string, or the number that stands as one.
func (d *decoder) text() any {
	raw, plain := d.token()
	if plain {
		return string(raw)
	}
	s := d.unescape(raw)
	if len(s) < 2 || s[0] != escapeByte || s[1] != escapeNumber {
		return d.original(s)
	}
	f, err := strconv.ParseFloat(s[2:], 64)
	if err != nil {
		d.fail(errSyntax)
	}
	return f
}

// number reads a number: a float64, or a json.Number when a float64 would not
// keep an integer's digits or has no such large number.
func (d *decoder) number() any {
	raw := d.digits()
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !math.IsInf(f, 0) || len(raw) == 0 {
		d.fail(errSyntax)
		return nil
	}
	integer := strings.Trim(string(raw[1:]), "0123456789") == ""
	if err == nil && (len(raw) <= 15 || !integer || strconv.FormatFloat(f, 'f', -1, 64) == string(raw)) {
		return f
	}
	if !json.Valid(raw) {
		d.fail(errSyntax)
	}
	return json.Number(raw) // of more digits or size than a float64 has
}

func (d *decoder) bool() bool {
	v, ok := d.word().(bool)
	if !ok {
		d.fail(errSyntax)
	}
	return v
}

// word reads true, false or null.
func (d *decoder) word() any {
	d.peek()
	rest := d.data[d.pos:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		d.pos += 4
		return true
	case len(rest) >= 5 && string(rest[:5]) == "false":
		d.pos += 5
		return false
	case len(rest) >= 4 && string(rest[:4]) == "null":
		d.pos += 4
		return nil
	}
	d.fail(errSyntax)
	return nil
}

// value reads any value: a string, float64, bool, nil, map[string]any or []any.
func (d *decoder) value(depth int) any {
	if depth > maxDepth {
		d.fail(errTooDeep)
		return nil
	}
	switch d.peek() {
	case '"':
		return d.text()
	case '{':
		return d.object(depth)
	case '[':
		d.pos++
		list := []any{}
		for i := 0; d.next(i, ']'); i++ {
			list = append(list, d.value(depth+1))
		}
		return list
	case 't', 'f', 'n':
		return d.word()
	}
	return d.number()
}

func (d *decoder) object(depth int) map[string]any {
	d.expect('{')
	m := map[string]any{}
	for i := 0; d.next(i, '}'); i++ {
		key := d.string()
		d.expect(':')
		m[key] = d.value(depth + 1)
	}
	return m
}

// end tells the trouble, if there was any or something is left.
func (d *decoder) end() error {
	if d.err == nil && (d.peek() != 0 || d.pos < len(d.data)) {
		d.err = errSyntax
	}
	return d.err
}
