package store

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
)

// Rows hold JSON, so that any SQLite tool can look into them. What JSON can't
// carry is a string that begins with U+0000 and a letter: "b" and the base64 of
// a string that is not valid UTF-8 or itself begins with U+0000, "f" and the
// name of a number that is not finite.
const (
	escapeByte   = 0
	escapeBytes  = 'b'
	escapeNumber = 'f'
)

// maxDepth bounds the nesting of values, on the way in and out: twice what
// encoding/json reads.
const maxDepth = 20_000

var errTooDeep = errors.New("value is nested too deeply or contains itself")

// encoder appends JSON to buf. It is faster than encoding/json and keeps every
// byte; the same value always gives the same bytes. The first trouble stays in
// err.
type encoder struct {
	buf  []byte
	keys []string // scratch for the sorted keys of the objects that are open
	err  error
}

func (e *encoder) name(first bool, name string) {
	if !first {
		e.buf = append(e.buf, ',')
	}
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

func (e *encoder) string(s string) {
	start := len(e.buf)
	e.buf = append(e.buf, '"')
	plain, from := true, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			plain = plain && c < utf8.RuneSelf
			continue
		}
		if c == escapeByte && i == 0 {
			break // plain or not, the next line sees it
		}
		e.buf = append(e.buf, s[from:i]...)
		e.buf = appendEscaped(e.buf, c)
		from = i + 1
	}
	if !plain && !utf8.ValidString(s) || len(s) > 0 && s[0] == escapeByte {
		e.buf = append(e.buf[:start], `"\u0000`...)
		e.buf = append(e.buf, escapeBytes)
		e.buf = base64.StdEncoding.AppendEncode(e.buf, []byte(s))
	} else {
		e.buf = append(e.buf, s[from:]...)
	}
	e.buf = append(e.buf, '"')
}

func appendEscaped(buf []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(buf, '\\', c)
	case '\n':
		return append(buf, '\\', 'n')
	case '\t':
		return append(buf, '\\', 't')
	case '\r':
		return append(buf, '\\', 'r')
	}
	return append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

func (e *encoder) float(f float64) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		e.buf = append(e.buf, `"\u0000`...)
		e.buf = append(e.buf, escapeNumber)
		e.buf = strconv.AppendFloat(e.buf, f, 'g', -1, 64)
		e.buf = append(e.buf, '"')
	case f == math.Trunc(f) && math.Abs(f) < 1<<53 && !(f == 0 && math.Signbit(f)):
		e.buf = strconv.AppendInt(e.buf, int64(f), 10)
	default:
		e.buf = strconv.AppendFloat(e.buf, f, 'g', -1, 64)
	}
}

// value appends what JSON decodes to, and the Go values that encoding/json
// knows otherwise.
func (e *encoder) value(v any, depth int) {
	if depth > maxDepth {
		e.fail(errTooDeep)
		return
	}
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, "null"...)
	case string:
		e.string(v)
	case bool:
		e.buf = strconv.AppendBool(e.buf, v)
	case float64:
		e.float(v)
	case int:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case int64:
		e.buf = strconv.AppendInt(e.buf, v, 10)
	case map[string]any:
		e.object(v, depth)
	case []any:
		e.buf = append(e.buf, '[')
		for i, item := range v {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			e.value(item, depth+1)
			if e.err != nil {
				return
			}
		}
		e.buf = append(e.buf, ']')
	default:
		e.other(v, depth)
	}
}

func (e *encoder) object(m map[string]any, depth int) {
	mark := len(e.keys)
	e.keys = slices.AppendSeq(e.keys, maps.Keys(m))
	slices.Sort(e.keys[mark:])
	e.buf = append(e.buf, '{')
	for i := range len(m) {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		key := e.keys[mark+i]
		e.string(key)
		e.buf = append(e.buf, ':')
		e.value(m[key], depth+1)
		if e.err != nil {
			return
		}
	}
	e.buf = append(e.buf, '}')
	clear(e.keys[mark:])
	e.keys = e.keys[:mark]
}

// other appends a Go value of a type that JSON does not decode to.
func (e *encoder) other(v any, depth int) {
	data, err := json.Marshal(v)
	if err != nil {
		e.fail(err)
		return
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		e.fail(err)
		return
	}
	if n, ok := plain.(json.Number); ok {
		e.buf = append(e.buf, n...)
		return
	}
	e.value(plain, depth)
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// reset gets the encoder ready for the next row; what it made before is void.
func (e *encoder) reset() {
	e.buf, e.err = e.buf[:0], nil
	clear(e.keys)
	e.keys = e.keys[:0]
}

// testCase appends a case without its ID, position and origin, which have
// columns of their own.
func (e *encoder) testCase(c harness.Case) error {
	e.buf = append(e.buf, '{')
	e.name(true, "input")
	e.value(c.Input, 0)
	e.optional("expected", c.Expected)
	e.optional("extra", c.Extra)
	e.optional("history", c.History)
	if len(c.Metadata) > 0 {
		e.name(false, "metadata")
		e.object(c.Metadata, 0)
	}
	e.text("cluster", c.Cluster)
	e.buf = append(e.buf, '}')
	if e.err != nil {
		return fmt.Errorf("case %q can't be kept as JSON: %w", c.ID, e.err)
	}
	return nil
}

func (e *encoder) optional(name string, v any) {
	if v != nil {
		e.name(false, name)
		e.value(v, 0)
	}
}

func (e *encoder) text(name, s string) {
	if s != "" {
		e.name(false, name)
		e.string(s)
	}
}

func (e *encoder) integer(name string, n int64) {
	if n != 0 {
		e.name(false, name)
		e.buf = strconv.AppendInt(e.buf, n, 10)
	}
}

// answer appends all of a result but its case, trial and scores.
func (e *encoder) answer(r harness.Result) error {
	e.buf = append(e.buf, '{')
	e.name(true, "attempts")
	e.buf = strconv.AppendInt(e.buf, int64(r.Attempts), 10)
	e.integer("latency_ns", int64(r.Latency))
	if !r.Started.IsZero() {
		e.name(false, "started_ns")
		e.buf = strconv.AppendInt(e.buf, r.Started.UnixNano(), 10)
	}
	if r.Error != nil {
		e.name(false, "error")
		e.trouble(r.Error)
	}
	if r.Output != nil {
		e.name(false, "output")
		e.output(r.Output)
	}
	e.buf = append(e.buf, '}')
	if e.err != nil {
		return fmt.Errorf("output of case %q, trial %d can't be kept as JSON: %w", r.Case.ID, r.Trial, e.err)
	}
	return nil
}

func (e *encoder) output(o *harness.Output) {
	e.buf = append(e.buf, '{')
	e.name(true, "value")
	e.value(o.Value, 0)
	if len(o.Chunks) > 0 {
		e.name(false, "chunks")
		for i, c := range o.Chunks {
			e.item(i)
			e.name(true, "text")
			e.string(c.Text)
			e.metadata(c.Metadata)
			e.buf = append(e.buf, '}')
		}
		e.buf = append(e.buf, ']')
	}
	if len(o.ToolCalls) > 0 {
		e.name(false, "tool_calls")
		for i, c := range o.ToolCalls {
			e.item(i)
			e.name(true, "name")
			e.string(c.Name)
			if c.Args != nil {
				e.name(false, "args")
				e.object(c.Args, 0)
			}
			e.optional("result", c.Result)
			e.buf = append(e.buf, '}')
		}
		e.buf = append(e.buf, ']')
	}
	if u := o.Usage; u != nil {
		e.name(false, "usage")
		e.buf = append(e.buf, '[')
		e.buf = strconv.AppendInt(e.buf, u.InputTokens, 10)
		e.buf = append(e.buf, ',')
		e.buf = strconv.AppendInt(e.buf, u.OutputTokens, 10)
		e.buf = append(e.buf, ']')
	}
	if o.CostUSD != nil {
		e.name(false, "cost_usd")
		e.float(*o.CostUSD)
	}
	e.metadata(o.Metadata)
	e.buf = append(e.buf, '}')
}

// item begins object i of a list.
func (e *encoder) item(i int) {
	if i == 0 {
		e.buf = append(e.buf, '[', '{')
	} else {
		e.buf = append(e.buf, ',', '{')
	}
}

func (e *encoder) metadata(m map[string]any) {
	if len(m) > 0 {
		e.name(false, "metadata")
		e.object(m, 0)
	}
}

func (e *encoder) trouble(t *harness.Error) {
	e.buf = append(e.buf, '{')
	e.name(true, "kind")
	e.string(string(t.Kind))
	e.text("message", t.Message)
	e.text("stack", t.Stack)
	e.integer("status", int64(t.Status))
	if t.Permanent {
		e.name(false, "permanent")
		e.buf = append(e.buf, "true"...)
	}
	e.buf = append(e.buf, '}')
}

// scores appends the scores; nothing at all when there are none.
func (e *encoder) scores(r harness.Result) error {
	if len(r.Scores) == 0 {
		return nil
	}
	for i, s := range r.Scores {
		e.item(i)
		e.name(true, "name")
		e.string(s.Name)
		e.name(false, "value")
		e.float(s.Value)
		if s.Pass != nil {
			e.name(false, "pass")
			e.buf = strconv.AppendBool(e.buf, *s.Pass)
		}
		e.text("reason", s.Reason)
		if s.Error != nil {
			e.name(false, "error")
			e.trouble(s.Error)
		}
		e.metadata(s.Metadata)
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, ']')
	if e.err != nil {
		return fmt.Errorf("scores of case %q, trial %d can't be kept as JSON: %w", r.Case.ID, r.Trial, e.err)
	}
	return nil
}
