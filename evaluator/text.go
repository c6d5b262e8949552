package evaluator

import (
	"context"
	"strings"

	"golang.org/x/text/cases"

	"github.com/evalrun/evalrun/harness"
)

// textOptions are the options of the evaluators that compare text.
type textOptions struct {
	Value      any  `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected. Default: the case's expected value."`
	IgnoreCase bool `yaml:"ignore_case" json:"ignore_case,omitempty" jsonschema:"description=Upper and lower case are the same."`
}

// valueOptions are textOptions for evaluators that settle case by their name.
type valueOptions struct {
	Value any `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected. Default: the case's expected value."`
}

// check is a comparison of an output with what is expected: whether it holds,
// and a reason that serves when it should have held, or should not have.
type check func(output string, e expected) (holds bool, reason string, err error)

// inverse tells of a comparison whether its opposite is asked for.
type inverse bool

// score judges a comparison: the opposite passes when it does not hold.
func (not inverse) score(holds bool, reason string) harness.Score {
	return harness.PassIf(holds != bool(not), reason)
}

// pair defines an evaluator and its opposite, "not-" and its name.
func pair(d Definition, build func(o Options, not inverse) (harness.Evaluator, error)) []Definition {
	opposite := d
	d.New = func(o Options) (harness.Evaluator, error) { return build(o, false) }
	opposite.Name = "not-" + d.Name
	opposite.Aliases = nil
	opposite.Doc = "Passes when " + d.Name + " fails; without anything expected it is an error all the same. About " + d.Name + ": " + d.Doc
	opposite.New = func(o Options) (harness.Evaluator, error) { return build(o, true) }
	return []Definition{d, opposite}
}

// comparison builds the evaluator of a check against the option "value". valid
// says what of an expected value is wrong, for the one that the suite gives.
func comparison(o Options, value any, not inverse, valid func(expected) error, c check) (harness.Evaluator, error) {
	ref := o.reference("value", value)
	if err := ref.check(o, "value", valid); err != nil {
		return nil, err
	}
	return compare(o, ref, not, c), nil
}

func compare(o Options, ref reference, not inverse, c check) harness.Evaluator {
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		holds, reason, err := c(t.Output.Text(), e)
		if err != nil {
			return harness.Score{}, err
		}
		return not.score(holds, reason), nil
	})
}

func validText(e expected) error  { _, err := e.asText(); return err }
func validTexts(e expected) error { _, err := e.asTexts(); return err }

// lower is for comparing without regard to case, as most tools do it: letter by
// letter, so that the German ß is not SS.
func lower(s string, ignoreCase bool) string {
	if ignoreCase {
		return strings.ToLower(s)
	}
	return s
}

// fold is for comparing without regard to case as Python's casefold does it:
// ß is ss.
func fold(s string, ignoreCase bool) string {
	if ignoreCase {
		return cases.Fold().String(s)
	}
	return s
}
