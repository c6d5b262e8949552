package evaluator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// inspectOptions are the options of Inspect's scorers, where case is ignored
// unless they say otherwise.
type inspectOptions struct {
	Value      any   `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected: one text or a list of which one has to match. Default: the case's expected value."`
	IgnoreCase *bool `yaml:"ignore_case" json:"ignore_case,omitempty" jsonschema:"default=true,description=Upper and lower case are the same."`
}

func (opts inspectOptions) ignoreCase() bool { return opts.IgnoreCase == nil || *opts.IgnoreCase }

func includesDefinitions() []Definition {
	return []Definition{{
		Name: "includes", Options: inspectOptions{}, Scalar: "value",
		Doc: "Passes when the output has the expected text somewhere, or one of several when a list is expected; the value is 1 or 0. This is Inspect's includes: upper and lower case are the same unless `ignore_case` is false. An empty expected text is an error, where Inspect would let it match anything. A text with commas is one text.",
		New: newIncludes,
	}}
}

func newIncludes(o Options) (harness.Evaluator, error) {
	var opts inspectOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", validTargets); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		targets, err := ref.targetsOf(t)
		if err != nil {
			return harness.Score{}, err
		}
		text := fold(t.Output.Text(), opts.ignoreCase())
		has := func(target string) bool { return strings.Contains(text, fold(target, opts.ignoreCase())) }
		return harness.PassIf(slices.ContainsFunc(targets, has),
			fmt.Sprintf("does not contain %s: %s", showAll(targets), show(t.Output.Text()))), nil
	}), nil
}

func validTargets(e expected) error { _, err := e.targets(); return err }
