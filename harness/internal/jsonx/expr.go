package jsonx

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"
)

// Expr is a compiled jq expression. It is safe for concurrent use.
type Expr struct {
	text string
	path []string // of a plain path such as .a.b
	code *gojq.Code
}

var plainPath = regexp.MustCompile(`^(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

// Path gives the names of a plain path: a and b of ".a.b".
func Path(text string) (names []string, ok bool) {
	if !plainPath.MatchString(text) {
		return nil, false
	}
	return strings.Split(text[1:], "."), true
}

// Compile compiles a jq expression. It can't read the environment or files.
func Compile(text string) (*Expr, error) {
	e := &Expr{text: text}
	if path, ok := Path(text); ok {
		e.path = path
		return e, nil
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("jq expression %q: %w", text, err)
	}
	if e.code, err = gojq.Compile(query); err != nil {
		return nil, fmt.Errorf("jq expression %q: %w", text, err)
	}
	return e, nil
}

// String is the expression's text.
func (e *Expr) String() string { return e.text }

// Value evaluates the expression over v, which stays as it is. Nothing found is
// nil; more than one value is an error, as is what jq calls one.
func (e *Expr) Value(ctx context.Context, v any) (any, error) {
	if e.code == nil {
		return e.walk(v)
	}
	iter := e.code.RunWithContext(ctx, v)
	first, ok := iter.Next()
	if !ok {
		return nil, nil
	}
	if err, failed := first.(error); failed {
		var halt *gojq.HaltError
		if errors.As(err, &halt) && halt.Value() == nil {
			return nil, nil
		}
		return nil, fmt.Errorf("jq expression %q: %w", e.text, err)
	}
	if _, more := iter.Next(); more {
		return nil, fmt.Errorf("jq expression %q gives more than one value; put it in [ ] for a list", e.text)
	}
	return Normal(clone(first)), nil
}

// walk follows a plain path.
func (e *Expr) walk(v any) (any, error) {
	for i, name := range e.path {
		if v == nil {
			return nil, nil
		}
		m, ok := v.(map[string]any)
		if !ok {
			at := "the value"
			if i > 0 {
				at = "." + strings.Join(e.path[:i], ".")
			}
			return nil, fmt.Errorf("jq expression %q: %s is %s, not an object", e.text, at, Kind(v))
		}
		v = m[name]
	}
	return v, nil
}

// clone copies lists and maps, so that Normal does not change what they share
// with the expression's input.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = clone(v[k])
		}
		return out
	}
	return v
}

// Kind says in words what a value is: "text", "a list".
func Kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
