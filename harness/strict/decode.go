package strict

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Decoder is a type that reads itself from a node, in place of the rules of
// Decode. Its errors should come from n.Errorf, so that they have a place.
type Decoder interface {
	DecodeYAML(n Node) error
}

// Synonyms is a struct that knows what its keys are called elsewhere, for the
// error about a key that it does not have.
type Synonyms interface {
	// Synonyms gives the struct's own key for each foreign one.
	Synonyms() map[string]string
}

// Decode fills what into points to: structs by their `yaml:"name"` tags (the
// field's name in lower case without one, "-" to leave it out, ",inline" or an
// embedded struct for keys of the same map), pointers, slices, maps with string
// keys, texts, numbers (a float takes 80% for 0.8), booleans, durations ("2s"),
// and Nodes, which stay
// undecoded. An any gets what JSON would give: map[string]any, []any, string,
// float64, bool or nil.
//
// A field tagged `jsonschema:"required"` has to be given. Keys that no field
// has, and values of another type, are errors; all are collected, as Errors
// when there are several. Nothing given, or null, leaves a value as it is.
func (n Node) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("strict: decode into %T: not a pointer", into)
	}
	if n.Node == nil || n.Kind == 0 {
		return nil
	}
	d := decoder{types: map[reflect.Type]fields{}}
	d.value(n, v.Elem())
	return Join(d.errs...)
}

type decoder struct {
	errs  []error
	types map[reflect.Type]fields // of the structs met so far
}

var (
	nodeType     = reflect.TypeFor[Node]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (d *decoder) fail(n Node, format string, args ...any) {
	d.errs = append(d.errs, n.Errorf(format, args...))
}

func (d *decoder) expected(n Node, what string) {
	d.fail(n, "expected %s, found %s", what, describe(n.Node))
}

// value decodes one node into one Go value.
func (d *decoder) value(n Node, v reflect.Value) {
	for n.Kind == yaml.AliasNode { // of a node that Parse did not make
		n = n.at(n.Alias)
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.at(n.Content[0])
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if isNull(n.Node) {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem())
		return
	}
	if v.CanAddr() {
		if self, ok := v.Addr().Interface().(Decoder); ok {
			if err := self.DecodeYAML(n); err != nil {
				d.errs = append(d.errs, err)
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Interface:
		d.free(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) structure(n Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.expected(n, "a map")
		return
	}
	all, known := d.types[v.Type()]
	if !known {
		all = fieldsOf(v.Type())
		d.types[v.Type()] = all
	}
	given := map[string]bool{} // or misspelled, which is one error and not two
	for _, p := range n.Pairs() {
		name := p.Key.Value
		f, known := all.byName[name]
		switch {
		case known:
			given[name] = !isNull(p.Value.Node)
			d.value(p.Value, fieldByIndex(v, f.index))
		case all.rest != nil:
			d.entry(p, fieldByIndex(v, all.rest))
		default:
			names := all.names
			near := Nearest(name, names)
			if s, ok := v.Interface().(Synonyms); ok && s.Synonyms()[name] != "" {
				near = s.Synonyms()[name]
			}
			e := p.Key.Errorf("unknown key %s", Quote(name))
			if near != "" {
				given[near] = true
				e.Message += "; did you mean " + Quote(near) + "?"
			}
			if len(names) > 0 {
				e.Hint = "known keys: " + strings.Join(names, ", ")
			}
			d.errs = append(d.errs, e)
		}
	}
	for _, name := range all.names {
		if all.byName[name].required && !given[name] {
			d.fail(n, "%s is missing", Quote(name))
		}
	}
}

func (d *decoder) mapping(n Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode || v.Type().Key().Kind() != reflect.String {
		d.expected(n, "a map")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for _, p := range n.Pairs() {
		d.entry(p, v)
	}
}

// entry decodes one key and its value into a map.
func (d *decoder) entry(p Pair, m reflect.Value) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	item := reflect.New(m.Type().Elem()).Elem()
	d.value(p.Value, item)
	m.SetMapIndex(reflect.ValueOf(p.Key.Value).Convert(m.Type().Key()), item)
}

func (d *decoder) list(n Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		e := n.Errorf("expected a list, found %s", describe(n.Node))
		if v.Type().Elem().Kind() == reflect.String && n.Kind == yaml.ScalarNode && n.Style&hidden == 0 {
			e.Hint = "write " + Words(n.Value)
		}
		d.errs = append(d.errs, e)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Items() {
		d.value(item, v.Index(i))
	}
}

// field is one field of a struct, embedded ones included.
type field struct {
	index    []int
	required bool
}

// fields are the fields of a struct by their names in YAML. rest is the index of
// an inline map, which takes the keys that no field has.
type fields struct {
	byName map[string]field
	names  []string // sorted
	rest   []int
}

func fieldsOf(t reflect.Type) fields {
	all := fields{byName: map[string]field{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		inline := options == "inline" || f.Anonymous && name == ""
		switch {
		case inline && inner.Kind() == reflect.Struct && inner != nodeType:
			below := fieldsOf(inner)
			for name, b := range below.byName {
				if _, taken := all.byName[name]; !taken {
					all.byName[name] = field{append([]int{i}, b.index...), b.required}
				}
			}
			if below.rest != nil {
				all.rest = append([]int{i}, below.rest...)
			}
		case inline && inner.Kind() == reflect.Map:
			all.rest = []int{i}
		case f.IsExported():
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			required := slices.Contains(strings.Split(f.Tag.Get("jsonschema"), ","), "required")
			all.byName[name] = field{[]int{i}, required}
		}
	}
	all.names = slices.Sorted(maps.Keys(all.byName))
	return all
}

// fieldByIndex is like reflect's, and makes the embedded pointers on its way.
func fieldByIndex(v reflect.Value, index []int) reflect.Value {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}
