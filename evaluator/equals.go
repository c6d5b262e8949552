package evaluator

import (
	"context"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

type equalsOptions struct {
	Value      any  `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected: text or any JSON value. Default: the case's expected value."`
	IgnoreCase bool `yaml:"ignore_case" json:"ignore_case,omitempty" jsonschema:"description=Upper and lower case are the same. For text only."`
}

func equalsDefinitions() []Definition {
	return pair(Definition{
		Name: "equals", Aliases: []string{"ExactMatch"}, Options: equalsOptions{}, Scalar: "value",
		Doc: "Passes when the output is exactly what is expected; the value is 1 or 0. " +
			"Text is compared character by character, white space included; a number in the suite counts as it is written. " +
			"When either side is a list, a map, a number or a boolean, both are compared as JSON: the order of keys and the spelling of numbers do not count, and an output text is parsed first. " +
			"The meaning is promptfoo's. It is autoevals' ExactMatch too, but for the order of keys, which counts there.",
	}, newEquals)
}

func newEquals(o Options, not inverse) (harness.Evaluator, error) {
	var opts equalsOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		same, err := equalOutput(t.Output, e, opts.IgnoreCase)
		if err != nil {
			return harness.Score{}, err
		}
		if bool(not) && same {
			return harness.Failed(fmt.Sprintf("found %s, which it must not be", showValue(t.Output.Value))), nil
		}
		if !bool(not) && !same {
			return harness.Failed(showBoth(t.Output.Text(), e.text)), nil
		}
		return harness.Passed(), nil
	}), nil
}

// equalOutput compares as text, and as JSON when one of the two is no text.
func equalOutput(out harness.Output, e expected, ignoreCase bool) (bool, error) {
	if lower(out.Text(), ignoreCase) == lower(e.text, ignoreCase) && out.Value != nil {
		return true, nil
	}
	_, isText := out.Value.(string)
	if isText && !isStructure(e.value) {
		return false, nil
	}
	want, err := toJSON(e.value)
	if err != nil {
		return false, fmt.Errorf("the expected value is not JSON: %w", err)
	}
	if s, ok := want.(string); ok && !isText { // written down as JSON text
		if want, err = decodeJSON(s); err != nil {
			return false, nil
		}
	}
	found, err := outputJSON(out)
	return err == nil && equalJSON(found, want), nil
}
