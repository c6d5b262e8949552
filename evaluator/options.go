package evaluator

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// Env is what an evaluator gets of the suite that it belongs to.
type Env struct {
	// Dir is the folder of the suite: programs start there, and files of options
	// are read from it and from nowhere else. "" is the working directory.
	Dir string
	// Concurrency is how many trials run at once: how many processes an exec
	// evaluator keeps unless its options say otherwise. 0 means 1.
	Concurrency int
}

// Options is what a Definition builds an evaluator from.
type Options struct {
	// Node is the map of options as the suite has it, without "name"; a bare value
	// is in it under Definition.Scalar. It is empty when there are none.
	Node strict.Node
	// Name is the metric's name: the option "name", else the evaluator's name as
	// the suite has it.
	Name string
	Env  Env
	// Registry builds nested evaluators.
	Registry *Registry
}

// Decode fills a struct of options. Unknown keys, wrong types, missing required
// options and options without a value are errors with their place in the suite.
func (o Options) Decode(into any) error {
	var empty []error
	for _, p := range o.Node.Pairs() {
		if !p.Value.Given() {
			empty = append(empty, p.Key.Errorf("%q has no value", p.Key.Value))
		}
	}
	return strict.Join(append(empty, o.Node.Decode(into))...)
}

// At is the place of one option, for errors; the place of them all when that
// option is not given.
func (o Options) At(option string) strict.Node {
	if n := o.Node.Get(option); n.Node != nil {
		return n
	}
	return o.Node
}

// readOptions takes "name" out of an evaluator's options and puts a bare value
// under the option that it stands for. at is the evaluator's name in the suite.
func readOptions(at, value strict.Node, d Definition) (Options, error) {
	o := Options{Name: at.Value}
	if value.Node == nil {
		o.Node = mapping(at, nil)
		return o, nil
	}
	if !value.Given() {
		e := at.Errorf("%s: nothing follows the colon", at.Value)
		e.Hint = fmt.Sprintf("write - %s for an evaluator without options", at.Value)
		return o, e
	}
	if value.Kind != yaml.MappingNode {
		if d.Scalar == "" {
			return o, value.Errorf("%s takes a map of options, not a bare value", at.Value)
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: d.Scalar, Line: value.Line, Column: value.Column}
		o.Node = mapping(value, []*yaml.Node{key, value.Node})
		return o, nil
	}
	rest := slices.Clone(value.Content)
	for _, p := range value.Pairs() {
		if p.Key.Value != "name" {
			continue
		}
		if p.Value.Kind != yaml.ScalarNode || checkName(p.Value.Value) != nil {
			return o, p.Value.Errorf(`"name" has to be a metric name: letters, digits and . _ - / without spaces`)
		}
		o.Name = p.Value.Value
		i := slices.Index(rest, p.Key.Node)
		rest = slices.Delete(rest, i, i+2)
	}
	o.Node = mapping(value, rest)
	return o, nil
}

// mapping is a map node at the place of another node.
func mapping(at strict.Node, content []*yaml.Node) strict.Node {
	return strict.Node{File: at.File, Node: &yaml.Node{
		Kind: yaml.MappingNode, Tag: "!!map", Line: at.Line, Column: at.Column, Content: content,
	}}
}

// builtin is a built-in evaluator with one score, whose reason is kept short.
func builtin(o Options, f scoreFunc) harness.Evaluator { return Func(o.Name, f.short) }
