package evaluator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// duration is a time.Duration that a suite writes as "2s", or as a number of
// milliseconds.
type duration time.Duration

// DecodeYAML reads either form.
func (d *duration) DecodeYAML(n strict.Node) error {
	if n.Kind == yaml.ScalarNode {
		if t, err := time.ParseDuration(n.Value); err == nil {
			*d = duration(t)
			return nil
		}
		if ms, err := strconv.ParseFloat(n.Value, 64); err == nil && finite(ms) && ms < 1e12 {
			*d = duration(ms * float64(time.Millisecond))
			return nil
		}
	}
	return n.Errorf("expected a duration such as 2s, or a number of milliseconds")
}

type latencyOptions struct {
	Threshold duration `yaml:"threshold" json:"threshold" jsonschema:"required,oneof_type=string;number,description=The longest time that passes: a duration such as 2s or a number of milliseconds."`
}

func latencyDefinitions() []Definition {
	return []Definition{{
		Name: "latency", Options: latencyOptions{}, Scalar: "threshold",
		Doc: "Passes when the app took at most `threshold` for the answer; the value is 1 or 0. The threshold is a duration such as 2s; a bare number is milliseconds, as in promptfoo. The time is that of the call that gave the answer, without retries before it. " +
			"The threshold is required: how the latencies are spread is in every report, and a gate can check latency.p95.",
		New: newLatency,
	}}
}

func newLatency(o Options) (harness.Evaluator, error) {
	var opts latencyOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	most := time.Duration(opts.Threshold)
	if most <= 0 {
		return nil, o.At("threshold").Errorf("threshold is %v: it has to be more than 0", most)
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		if t.Latency <= most {
			return harness.Passed(), nil
		}
		return harness.Failed(fmt.Sprintf("took %v, at most %v is allowed", shortly(t.Latency, most), most)), nil
	}), nil
}

// shortly is a time to three significant digits, to more when it would else not
// be seen that it is over the limit.
func shortly(t, limit time.Duration) time.Duration {
	unit := time.Duration(1)
	for ; t/unit >= 1000; unit *= 10 {
	}
	for ; unit > 1 && t.Round(unit) <= limit; unit /= 10 {
	}
	return t.Round(unit)
}
