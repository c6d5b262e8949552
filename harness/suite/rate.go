package suite

import (
	"math"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/strict"
)

// rate is how many calls may be made per minute.
type rate float64

var _ strict.Decoder = (*rate)(nil)

// DecodeYAML reads "600/m", "10/s", "5/h" or a number of calls per minute.
func (r *rate) DecodeYAML(n strict.Node) error {
	perMinute := map[string]float64{
		"s": 60, "sec": 60, "second": 60, "m": 1, "min": 1, "minute": 1, "h": 1. / 60, "hour": 1. / 60,
	}
	if n.Kind != yaml.ScalarNode {
		return n.Errorf("expected a rate such as 600/m or 10/s")
	}
	count, unit, per := strings.Cut(n.Value, "/")
	factor := 1.0
	if per {
		factor = perMinute[strings.TrimSpace(unit)]
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
	if err != nil || factor == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		e := n.Errorf("expected a rate such as 600/m or 10/s, found %s", strict.Quote(n.Value))
		e.Hint = "the units are s, m and h; a plain number is per minute"
		return e
	}
	if v <= 0 {
		return n.Errorf("rate_limit has to be above 0")
	}
	*r = rate(v * factor)
	return nil
}

// JSONSchema is a number, or text such as 600/m.
func (rate) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "number", ExclusiveMinimum: "0"},
		{Type: "string", Pattern: `^ *[0-9][0-9.eE+]* *(/ *(s|sec|second|m|min|minute|h|hour) *)?$`},
	}}
}
