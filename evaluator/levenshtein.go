package evaluator

import (
	"context"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

type levenshteinOptions struct {
	Value       any      `yaml:"value" json:"value,omitempty" jsonschema:"description=The expected text. Default: the case's expected value."`
	Threshold   *float64 `yaml:"threshold" json:"threshold,omitempty" jsonschema:"minimum=0,maximum=1,description=The similarity that passes."`
	MaxDistance *int     `yaml:"max_distance" json:"max_distance,omitempty" jsonschema:"minimum=0,description=The edit distance that passes."`
}

func levenshteinDefinitions() []Definition {
	return []Definition{{
		Name: "levenshtein", Aliases: []string{"Levenshtein"}, Options: levenshteinOptions{}, Scalar: "value",
		Doc: "How alike the output and the expected text are: 1 - distance / length of the longer one, where the distance is how many characters (code points) have to be inserted, removed or replaced. Two empty texts are 1. " +
			"This is the value of autoevals' Levenshtein. It passes when it reaches `threshold`; with `max_distance` it passes when the distance is at most that, which is promptfoo's meaning (where `threshold` is that distance, 5 by default, and the score is 1 or 0). With neither there is a value and no verdict. " +
			"Texts so long that comparing them takes seconds, such as two different ones of 200,000 characters each, are an error.",
		New: newLevenshtein,
	}}
}

func newLevenshtein(o Options) (harness.Evaluator, error) {
	var opts levenshteinOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if err := checkThreshold(o, opts.Threshold, "for a distance, write max_distance"); err != nil {
		return nil, err
	}
	if d := opts.MaxDistance; d != nil && *d < 0 {
		return nil, o.At("max_distance").Errorf("max_distance is %d, and a distance is never negative", *d)
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", notStructure); err != nil {
		return nil, err
	}
	return builtin(o, func(ctx context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err == nil {
			err = notStructure(e)
		}
		if err != nil {
			return harness.Score{}, err
		}
		output := t.Output.Text()
		value, d, err := similarity(ctx, output, e.text, newWork())
		if err != nil {
			return harness.Score{}, err
		}
		s := graded(value, opts.Threshold, "")
		if opts.MaxDistance != nil {
			near := d <= *opts.MaxDistance && (s.Pass == nil || *s.Pass)
			s.Pass = &near
		}
		if d > 0 {
			s.Reason = fmt.Sprintf("distance %d, similarity %.4g: %s", d, value, showBoth(output, e.text))
		}
		return s, nil
	}), nil
}

// notStructure refuses lists and maps, and lets an empty text be.
func notStructure(e expected) error {
	if isStructure(e.value) {
		return fmt.Errorf("expected one text, found %s", kindOf(e.value))
	}
	return nil
}
