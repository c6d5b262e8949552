// Package customevaluator shows evaluators of one's own in Go: one with options and
// several metrics, one of assertions, and a registry with both, which serves tests
// and suites alike.
package customevaluator

import (
	"errors"

	"github.com/evalrun/evalrun/evaluator"
)

// Registry has the built-in evaluators, and reading and grounded beside them. Give
// it to cli.Config for a command (see examples/customcommand), or to
// suite.Options.
func Registry() (*evaluator.Registry, error) {
	r := evaluator.NewRegistry()
	return r, errors.Join(
		r.Define(evaluator.Definition{
			Name: "reading", Doc: "Short sentences: 1 and passed when each has at most max_words words.",
			Options: readingOptions{}, Scalar: "max_words", New: newReading,
		}),
		r.Add(evaluator.Assert("grounded", grounded)),
	)
}
