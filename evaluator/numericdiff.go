package evaluator

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type numericDiffOptions struct {
	Value     any      `yaml:"value" json:"value,omitempty" jsonschema:"description=The expected number. Default: the case's expected value."`
	Threshold *float64 `yaml:"threshold" json:"threshold,omitempty" jsonschema:"minimum=0,maximum=1,description=The value that passes."`
}

func numericDiffDefinitions() []Definition {
	return []Definition{{
		Name: "NumericDiff", Options: numericDiffOptions{}, Scalar: "value",
		Doc: "How near the output is to the expected number: 1 - |expected - output| / (|expected| + |output|), and 1 when both are 0, as in autoevals. Numbers of opposite signs give 0. It passes when it reaches `threshold`; without one there is a value and no verdict. " +
			"The output has to be a number, or a text that is a number and nothing else; any other output is a 0, where autoevals raises an error. To find a number within a text, or for a tolerance, see numeric.",
		New: newNumericDiff,
	}}
}

func newNumericDiff(o Options) (harness.Evaluator, error) {
	var opts numericDiffOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if err := checkThreshold(o, opts.Threshold, ""); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", func(e expected) error {
		_, err := wholeNumber(e.value)
		return err
	}); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		want, err := wholeNumber(e.value)
		if err != nil {
			return harness.Score{}, fmt.Errorf("the expected value: %w", err)
		}
		found, err := wholeNumber(t.Output.Value)
		if err != nil {
			return graded(0, opts.Threshold, fmt.Sprintf("the output: %v; expected %s", err, want.text)), nil
		}
		value := numericDiff(found.value, want.value)
		reason := ""
		if value < 1 {
			reason = fmt.Sprintf("found %s, expected %s: %.4g", found.text, want.text, value)
		}
		return graded(value, opts.Threshold, reason), nil
	}), nil
}

// numericDiff is 1 - |a-b| / (|a|+|b|), 1 for two zeros. Both are scaled first,
// so that huge numbers do not overflow.
func numericDiff(a, b float64) float64 {
	scale := max(math.Abs(a), math.Abs(b))
	if scale == 0 {
		return 1
	}
	a, b = a/scale, b/scale
	return 1 - math.Abs(a-b)/(math.Abs(a)+math.Abs(b))
}

// wholeNumber reads a value that is a number, or a text that is nothing else.
func wholeNumber(v any) (number, error) {
	if n, ok := plainNumber(v); ok {
		return n, nil
	}
	s, ok := v.(string)
	if !ok {
		return number{}, fmt.Errorf("expected a number, found %s", kindOf(v))
	}
	s = strings.TrimSpace(s)
	for n := range findNumbers(s, false) {
		if n.text == s || "+"+n.text == s {
			return n, nil
		}
		break
	}
	return number{}, fmt.Errorf("expected a number, found %s", show(s))
}
