package evaluator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type costOptions struct {
	Threshold float64 `yaml:"threshold" json:"threshold" jsonschema:"required,minimum=0,description=The highest price of one answer that passes in US dollars."`
}

func costDefinitions() []Definition {
	return []Definition{{
		Name: "cost", Options: costOptions{}, Scalar: "threshold",
		Doc: "Passes when the answer cost at most `threshold` US dollars; the value is 1 or 0. An app that tells no cost is an error, as in promptfoo. The threshold is required: the sum of the costs is in every report, and a gate can check cost.total.",
		New: newCost,
	}}
}

func newCost(o Options) (harness.Evaluator, error) {
	var opts costOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if at := o.At("threshold"); strings.HasSuffix(at.Value, "%") {
		return nil, at.Errorf("threshold is a percentage; expected US dollars")
	}
	if opts.Threshold < 0 {
		return nil, o.At("threshold").Errorf("threshold is negative")
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		cost := t.Output.CostUSD
		switch {
		case cost == nil:
			return harness.Score{}, errors.New("the cost of this answer is not known: the app does not tell it")
		case *cost < 0 || !finite(*cost):
			return harness.Score{}, fmt.Errorf("the app tells a cost of %v US dollars", *cost)
		case *cost <= opts.Threshold:
			return harness.Passed(), nil
		}
		return harness.Failed(fmt.Sprintf("cost %s US dollars, at most %s is allowed", showNumber(*cost), showNumber(opts.Threshold))), nil
	}), nil
}
