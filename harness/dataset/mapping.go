package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
)

// mapping makes cases of rows.
type mapping struct {
	id, input, expected, extra, history, metadata, cluster source
}

// source says where one field of a case comes from.
type source struct {
	ours     string
	defaults []string    // names to try, when there is no mapping
	name     string      // the mapped field's name
	expr     *jsonx.Expr // the mapped expression
	plain    string      // the field that expr is, when it is just ".field"
}

// newMapping checks the keys and compiles the expressions of Options.Map.
func newMapping(given map[string]string) (*mapping, error) {
	m := &mapping{
		id:       source{ours: "id", defaults: []string{"id"}},
		input:    source{ours: "input", defaults: []string{"input", "question", "prompt"}},
		expected: source{ours: "expected", defaults: []string{"expected", "expected_output", "target", "answer", "ideal", "output"}},
		extra:    source{ours: "extra", defaults: []string{"extra"}},
		history:  source{ours: "history", defaults: []string{"history"}},
		metadata: source{ours: "metadata", defaults: []string{"metadata"}},
		cluster:  source{ours: "cluster", defaults: []string{"cluster"}},
	}
	sources := map[string]*source{}
	for _, s := range []*source{&m.id, &m.input, &m.expected, &m.extra, &m.history, &m.metadata, &m.cluster} {
		sources[s.ours] = s
	}
	for _, ours := range sortedKeys(given) {
		s, ok := sources[ours]
		if !ok {
			return nil, fmt.Errorf("map: a case has no field %q: it has %s", ours, strings.Join(sortedKeys(sources), ", "))
		}
		if err := s.set(given[ours]); err != nil {
			return nil, fmt.Errorf("map: %s: %w", ours, err)
		}
	}
	return m, nil
}

func (s *source) set(text string) (err error) {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("is empty")
	case !isExpression(text):
		s.name = text
		return nil
	}
	if path, ok := jsonx.Path(text); ok && len(path) == 1 {
		s.plain = path[0]
	}
	s.expr, err = jsonx.Compile(text)
	return err
}

// isExpression tells jq from a field's name.
func isExpression(text string) bool {
	return strings.ContainsRune(`.([{"$`, rune(text[0])) || strings.HasPrefix(text, "if ")
}

// get finds the field's value in a row, nil when it is not given.
func (s *source) get(ctx context.Context, r *row) (any, error) {
	v, err := s.value(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.ours, err)
	}
	return v, nil
}

func (s *source) value(ctx context.Context, r *row) (v any, err error) {
	switch {
	case s.expr != nil:
		if _, isObject := r.value.(map[string]any); s.plain != "" && (isObject || r.table != nil) {
			v, _ := r.field(s.plain)
			return v, nil
		}
		return s.expr.Value(ctx, r.whole())
	case s.name != "":
		v, found := r.field(s.name)
		if !found {
			v, found = nested(r, s.name)
		}
		if !found {
			return nil, fmt.Errorf("there is no field %q (%s)", s.name, listNames(r))
		}
		return v, nil
	}
	for _, name := range s.defaults {
		if v, found := r.field(name); found {
			return v, nil
		}
	}
	return nil, nil
}

func (s *source) mapped() bool { return s.expr != nil || s.name != "" }

// nested looks up b inside of a for "a.b".
func nested(r *row, name string) (v any, found bool) {
	first, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil, false
	}
	v, found = r.field(first)
	for _, key := range strings.Split(rest, ".") {
		m, _ := v.(map[string]any)
		if v, found = m[key]; !found {
			return nil, false
		}
	}
	return v, found
}

// apply makes the row's case, without an ID when the row has none.
func (m *mapping) apply(ctx context.Context, r *row) (c harness.Case, err error) {
	if r.table == nil && !m.input.mapped() {
		if _, ok := r.value.(map[string]any); !ok {
			return c, fmt.Errorf("the row is %s, not an object", jsonx.Kind(r.value))
		}
	}
	if c.Input, err = m.input.get(ctx, r); err != nil {
		return c, err
	}
	if err := m.input.check(c.Input, r); err != nil {
		return c, err
	}
	if c.Expected, err = m.expected.get(ctx, r); err != nil {
		return c, err
	}
	if c.Extra, err = m.extra.get(ctx, r); err != nil {
		return c, err
	}
	if c.History, err = m.history.get(ctx, r); err != nil {
		return c, err
	}
	if c.Cluster, err = m.cluster.label(ctx, r); err != nil {
		return c, err
	}
	if c.Metadata, err = m.metadata.object(ctx, r); err != nil {
		return c, err
	}
	if c.ID, err = m.id.label(ctx, r); err == nil && c.ID == "" && m.id.mapped() {
		err = errors.New("id: it is empty")
	}
	return c, err
}

// label is a value that has to be text, or a number, which is taken as text.
func (s *source) label(ctx context.Context, r *row) (string, error) {
	v, err := s.get(ctx, r)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case float64, json.Number:
		data, err := json.Marshal(v)
		return string(data), err
	}
	return "", fmt.Errorf("%s: it is %s; want text or a number", s.ours, jsonx.Kind(v))
}

// object is a value that has to be an object; text in a table may hold its JSON.
func (s *source) object(ctx context.Context, r *row) (map[string]any, error) {
	v, err := s.get(ctx, r)
	if err != nil {
		return nil, err
	}
	if cell, ok := v.(string); ok && r.table != nil && s.expr == nil {
		if strings.TrimSpace(cell) == "" {
			return nil, nil
		}
		if v, err = jsonx.Decode([]byte(cell)); err != nil {
			return nil, fmt.Errorf("%s: the cell is not a JSON object: %w", s.ours, err)
		}
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	}
	return nil, fmt.Errorf(`%s: it is %s; want an object (map another field, or "{}" for none)`, s.ours, jsonx.Kind(v))
}

// check refuses an input that no app can be asked.
func (s *source) check(v any, r *row) error {
	switch v := v.(type) {
	case string, map[string]any:
		return nil
	case nil:
		if !s.mapped() && !hasAny(r, s.defaults...) {
			return fmt.Errorf("input: there is no field %s (%s)%s", strings.Join(s.defaults, ", "), listNames(r), mapOne(r))
		}
		return errors.New("input: it is null")
	default:
		return fmt.Errorf("input: it is %s; want text or an object (an expression can pick or convert, such as .field | tostring)", jsonx.Kind(v))
	}
}

// fits checks the columns of a table, of which a row without content tells.
func (m *mapping) fits(r *row) error {
	if !m.input.mapped() && !hasAny(r, m.input.defaults...) {
		return fmt.Errorf("input: there is no column %s (%s)%s", strings.Join(m.input.defaults, ", "), listNames(r), mapOne(r))
	}
	for _, s := range []source{m.id, m.input, m.expected, m.extra, m.history, m.metadata, m.cluster} {
		if _, found := r.field(s.name); s.name != "" && !found {
			return fmt.Errorf("%s: there is no column %q (%s)", s.ours, s.name, listNames(r))
		}
	}
	return nil
}

func hasAny(r *row, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := r.field(name); return ok })
}

// listNames says which fields the row has, at most twelve of them.
func listNames(r *row) string {
	names := r.names()
	if len(names) == 0 {
		return "it has none"
	}
	more := ""
	if len(names) > 12 {
		names, more = names[:12], ", …"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%.40q", n)
	}
	return "it has " + strings.Join(quoted, ", ") + more
}

// mapOne says how to name the field that is the input, by the example of one that
// looks like it.
func mapOne(r *row) string {
	names := slices.DeleteFunc(slices.Clone(r.names()), func(name string) bool { return strings.TrimSpace(name) == "" })
	if len(names) == 0 {
		return ""
	}
	best := slices.IndexFunc(names, func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc([]string{"input", "question", "prompt", "query", "text", "message", "problem"},
			func(part string) bool { return strings.Contains(name, part) })
	})
	if best < 0 {
		best = slices.IndexFunc(names, func(name string) bool { return !strings.HasSuffix(strings.ToLower(name), "id") })
	}
	name := names[max(best, 0)]
	if len(name) > 40 || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		name = "FIELD"
	}
	if name != "FIELD" && (isExpression(name) || strings.ContainsAny(name, "{}[],:#&*!|>'\"%@`")) {
		name = strconv.Quote(name)
	}
	return ": map one, as in map: {input: " + name + "}, or --map input=" + name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
