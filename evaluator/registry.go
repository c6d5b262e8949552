package evaluator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// Definition is a kind of evaluator that a suite can name.
type Definition struct {
	// Name is what a suite says, such as "contains".
	Name string
	// Aliases are further names with the same meaning.
	Aliases []string
	// Doc is a paragraph for users: what the evaluator does, its value, what it
	// needs, and how it differs from the tool that its name comes from.
	Doc string
	// Options is the zero value of the struct that New decodes its options into,
	// with `yaml:`, `json:` and `jsonschema:` tags; nil when there are none.
	Options any
	// Scalar is the option that a bare value or list stands for: with "value",
	// `contains: refund` means `contains: {value: refund}`. "" when there is none.
	Scalar string
	// New builds an evaluator. It validates its options: nothing that the suite
	// got wrong may wait for the first trial.
	New func(o Options) (harness.Evaluator, error)
}

// Registry resolves the names that suites use. Fill it before the first Build;
// Build and Definitions may then be called from many goroutines.
type Registry struct {
	byName map[string]Definition // aliases included
}

// NewRegistry is a registry with all built-in evaluators.
func NewRegistry() *Registry {
	r := &Registry{}
	for _, d := range builtins() {
		if err := r.Define(d); err != nil {
			panic(err) // two built-ins of one name: the tests find it
		}
	}
	return r
}

// Define adds a kind of evaluator. A name or alias that is taken, or that is no
// metric name (letters, digits and . _ - / only), is an error.
func (r *Registry) Define(d Definition) error {
	if d.New == nil {
		return fmt.Errorf("evaluator: define %q: New is nil", d.Name)
	}
	names := append([]string{d.Name}, d.Aliases...)
	for i, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("evaluator: define %q: %w", name, err)
		}
		if _, taken := r.byName[name]; taken || slices.Contains(names[:i], name) {
			return fmt.Errorf("evaluator: define %q: the name is taken", name)
		}
	}
	if r.byName == nil {
		r.byName = map[string]Definition{}
	}
	for _, name := range names {
		r.byName[name] = d
	}
	return nil
}

// Add makes an evaluator of your own known by its name, so that a suite can say
// `- polite`. It has no options but "name". It stays yours: what Build gives for
// it is no io.Closer even when it is one.
func (r *Registry) Add(e harness.Evaluator) error {
	if e == nil {
		return errors.New("evaluator: add: the evaluator is nil")
	}
	return r.Define(Definition{
		Name: e.Name(),
		Doc:  "An evaluator of this program, written in Go.",
		New:  func(o Options) (harness.Evaluator, error) { return &owned{e, o.Name}, nil },
	})
}

// Build makes the evaluator that one entry of a suite's list describes: a name,
// or a map from one name to its options. Errors are *strict.Error or
// strict.Errors and say where in the suite.
func (r *Registry) Build(n strict.Node, env Env) (harness.Evaluator, error) {
	at, value, err := entry(n)
	if err != nil {
		return nil, err
	}
	d, known := r.byName[at.Value]
	if !known {
		names := slices.Collect(maps.Keys(r.byName))
		e := at.Errorf("unknown evaluator %s%s", show(at.Value), strict.Meant(at.Value, names))
		e.Hint = "known evaluators: " + strings.Join(r.names(), ", ")
		return nil, e
	}
	o, err := readOptions(at, value, d)
	if err != nil {
		return nil, err
	}
	if d.Options == nil {
		if err := o.Decode(&struct{}{}); err != nil {
			return nil, err
		}
	}
	o.Env, o.Registry = env, r
	e, err := d.New(o)
	if err != nil {
		var placed *strict.Error
		if !errors.As(err, &placed) {
			return nil, o.Node.Errorf("%s: %v", at.Value, err)
		}
		return nil, err
	}
	return e, nil
}

// BuildText is Build for an entry written in Go: `equals`, or
// `contains: {value: refund, ignore_case: true}`.
func (r *Registry) BuildText(entry string, env Env) (harness.Evaluator, error) {
	n, err := strict.Parse("", []byte(entry))
	if err != nil {
		return nil, err
	}
	return r.Build(n, env)
}

// entry splits an entry of a suite into the evaluator's name and its options,
// which are the zero Node when there are none.
func entry(n strict.Node) (name, options strict.Node, err error) {
	switch {
	case n.Node == nil || !n.Given():
		return name, options, n.Errorf("expected an evaluator, found nothing")
	case n.Kind == yaml.ScalarNode:
		return n, options, nil
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		p := n.Pairs()[0]
		return p.Key, p.Value, nil
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		e := n.Errorf("an evaluator is one name with its options, found %d keys", len(n.Content)/2)
		e.Hint = "the options belong under the name: {contains: {value: refund, name: refund}}"
		return name, options, e
	}
	return name, options, n.Errorf("expected the name of an evaluator, or a map from one name to its options")
}

// Definitions lists what the registry knows, sorted by name.
func (r *Registry) Definitions() []Definition {
	var out []Definition
	for _, name := range r.names() {
		out = append(out, r.byName[name])
	}
	return out
}

// names are the names without the aliases, sorted.
func (r *Registry) names() []string {
	var out []string
	for name, d := range r.byName {
		if name == d.Name {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// checkName refuses names that a gate or a report could not carry.
func checkName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if len(name) > 100 {
		return errors.New("the name is longer than 100 bytes")
	}
	for _, c := range name {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("._-/", c) {
			return fmt.Errorf("%q can't be in a metric name", c)
		}
	}
	return nil
}
