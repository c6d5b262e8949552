// Package strict decodes YAML into structs and refuses what it does not know:
// unknown and duplicate keys, wrong types, aliases that explode. Every error
// says file, line and column, and the nearest known name.
//
// Parse reads one document into a tree of [Node]s, and [Node.Decode] fills a
// struct by its `yaml:"name"` tags:
//
//	node, err := strict.Parse("suite.yaml", data)
//	var options struct {
//		Name    string        `yaml:"name" jsonschema:"required"`
//		Timeout time.Duration `yaml:"timeout"`
//		Judge   strict.Node   `yaml:"judge"` // kept for later
//	}
//	err = node.Decode(&options)
//	// suite.yaml:3:1: unknown key "timout"; did you mean "timeout"?
package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Node is a part of a YAML document that knows where it stands. The zero Node
// means that nothing was given. A struct field of type Node keeps its part of
// the document undecoded.
//
// Nodes that Parse gives hold no aliases: each is replaced by a copy of what it
// stands for.
type Node struct {
	*yaml.Node
	File string
}

// Given tells whether there is anything in the node. A key with nothing after
// it, or with null, counts as not given.
func (n Node) Given() bool { return n.Node != nil && n.Kind != 0 && !isNull(n.Node) }

// Errorf is an Error at the place of the node.
func (n Node) Errorf(format string, args ...any) *Error {
	e := &Error{File: n.File, Message: fmt.Sprintf(format, args...)}
	if n.Node != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	return e
}

// Pairs gives the keys and values of a map, in the order of the file; nil when
// the node is no map.
func (n Node) Pairs() []Pair {
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	pairs := make([]Pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, Pair{n.at(n.Content[i]), n.at(n.Content[i+1])})
	}
	return pairs
}

// Pair is one entry of a map.
type Pair struct{ Key, Value Node }

// Items gives the items of a list; nil when the node is no list.
func (n Node) Items() []Node {
	if n.Node == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]Node, len(n.Content))
	for i, c := range n.Content {
		items[i] = n.at(c)
	}
	return items
}

// Get gives the value of a key of a map; the zero Node when there is none.
func (n Node) Get(key string) Node {
	for _, p := range n.Pairs() {
		if p.Key.Value == key {
			return p.Value
		}
	}
	return Node{}
}

// hidden marks a text that errors do not show.
const hidden yaml.Style = 1 << 30

// Replace puts a text from elsewhere, such as a secret of the environment, in
// the place of a scalar's. It is text whatever it looks like, is read by fields
// that hold a number, a boolean or a duration as if it stood there without
// quotes, and is not shown in errors of this package.
func (n Node) Replace(text string) {
	n.Value, n.Tag, n.Style = text, "!!str", hidden
}

func (n Node) at(c *yaml.Node) Node { return Node{Node: c, File: n.File} }

// Error is what is wrong with a document, and where.
type Error struct {
	File string
	// Line and Column count from 1; 0 means not known.
	Line, Column int
	Message      string
	// Hint is what to do, when there is something to say. It is not part of the
	// error's text.
	Hint string
}

// Error is "file:line:column: message", with what is not known left out.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, "%d:", e.Column)
		}
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors are several errors of one document, in the order of their places.
type Errors []*Error

// maxErrors is how many errors are shown at once.
const maxErrors = 10

// Error has one line for each error, at most 10, and says how many more there
// are.
func (es Errors) Error() string {
	lines := make([]string, 0, maxErrors+1)
	for i, e := range es {
		if i == maxErrors {
			lines = append(lines, fmt.Sprintf("and %d more", len(es)-maxErrors))
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors to errors.Is and errors.As.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Join puts errors together: nil when there is none, an *Error when there is
// one, Errors when there are several. Errors without a place come last, in
// their order; an error at the same place with the same text counts once.
func Join(errs ...error) error {
	var all Errors
	for _, err := range errs {
		all = append(all, Flatten(err)...)
	}
	slices.SortStableFunc(all, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(unplaced(a), unplaced(b)), cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	all = slices.CompactFunc(all, func(a, b *Error) bool { return *a == *b })
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

func unplaced(e *Error) int {
	if e.Line == 0 {
		return 1
	}
	return 0
}

// Flatten gives the errors that err holds; one of another kind becomes an Error
// without a place.
func Flatten(err error) Errors {
	if err == nil {
		return nil
	}
	var many Errors
	if errors.As(err, &many) {
		return many
	}
	var one *Error
	if errors.As(err, &one) {
		if one == nil {
			return nil
		}
		return Errors{one}
	}
	return Errors{{Message: err.Error()}}
}
