// Package strict decodes YAML into structs and refuses what it does not know:
// unknown and duplicate keys, wrong types, aliases that explode. Every error
// says file, line and column, and the nearest known name.
package strict

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Node is a part of a YAML document that knows where it stands. The zero Node
// means that nothing was given. A struct field of type Node keeps its part of
// the document undecoded.
type Node struct {
	*yaml.Node
	File string
}

// Error is what is wrong with a document, and where.
type Error struct {
	File         string
	Line, Column int
	Message      string
	// Hint is what to do, when there is something to say.
	Hint string
}

// Error is "file:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Given tells whether there is anything in the node.
func (n Node) Given() bool { return n.Node != nil && n.Node.Kind != 0 }

// Errorf is an Error at the place of the node.
func (n Node) Errorf(format string, args ...any) *Error {
	e := &Error{File: n.File, Message: fmt.Sprintf(format, args...)}
	if n.Node != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	return e
}

// Decode fills a struct (or any value) from the node.
func (n Node) Decode(into any) error {
	if !n.Given() {
		return nil
	}
	return n.Node.Decode(into)
}
