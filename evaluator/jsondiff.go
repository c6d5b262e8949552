package evaluator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type jsonDiffOptions struct {
	Value           any      `yaml:"value" json:"value,omitempty" jsonschema:"description=The expected JSON value. Default: the case's expected value."`
	Threshold       *float64 `yaml:"threshold" json:"threshold,omitempty" jsonschema:"minimum=0,maximum=1,description=The value that passes."`
	PreserveStrings bool     `yaml:"preserve_strings" json:"preserve_strings,omitempty" jsonschema:"description=Texts within the values that are JSON themselves stay texts."`
}

func jsonDiffDefinitions() []Definition {
	return []Definition{{
		Name: "json-diff", Aliases: []string{"JSONDiff"}, Options: jsonDiffOptions{}, Scalar: "value",
		Doc: "How alike two JSON values are in structure and content, between 0 and 1, as autoevals' JSONDiff has it: objects are the mean over the keys of both (a key that one of them lacks is 0, unless the other has null there), arrays the sum over the places divided by the longer length, texts their Levenshtein similarity, numbers their NumericDiff; null and something else is 0, two values of other different kinds the Levenshtein similarity of their compact JSON. " +
			"A text that is a JSON object or array is read as such, at every level unless `preserve_strings` is set. The reason names the places that differ. It passes when it reaches `threshold`; without one there is a value and no verdict. " +
			"Two booleans are 1 or 0; Python's JSONDiff takes a boolean beside a number for 0 or 1, this one does not.",
		New: newJSONDiff,
	}}
}

func newJSONDiff(o Options) (harness.Evaluator, error) {
	var opts jsonDiffOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if err := checkThreshold(o, opts.Threshold, ""); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	return builtin(o, func(ctx context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		want, err := toJSON(e.value)
		if err != nil {
			return harness.Score{}, fmt.Errorf("the expected value is not JSON: %w", err)
		}
		found, err := toJSON(t.Output.Value)
		if err != nil {
			return harness.Score{}, fmt.Errorf("the output is not JSON: %w", err)
		}
		d := differ{ctx: ctx, work: newWork(), preserve: opts.PreserveStrings}
		value, err := d.values("$", found, want)
		if err != nil {
			return harness.Score{}, err
		}
		return graded(value, opts.Threshold, d.reason()), nil
	}), nil
}

// differ compares two JSON values and notes the places that differ.
type differ struct {
	ctx         context.Context
	work        *work
	preserve    bool
	differences []string
	more        int
}

func (d *differ) values(path string, found, want any) (float64, error) {
	if !d.preserve {
		found, want = unpack(found), unpack(want)
	}
	switch w := want.(type) {
	case map[string]any:
		if f, ok := found.(map[string]any); ok {
			return d.objects(path, f, w)
		}
	case []any:
		if f, ok := found.([]any); ok {
			return d.arrays(path, f, w)
		}
	}
	value, err := d.leaves(found, want)
	if err == nil && value < 1 {
		d.note(path, found, want, value)
	}
	return value, err
}

func (d *differ) objects(path string, found, want map[string]any) (float64, error) {
	keys := map[string]bool{}
	for k := range found {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	if len(keys) == 0 {
		return 1, nil
	}
	sum := 0.0
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		value, err := d.values(path+key(k), found[k], want[k])
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum / float64(len(keys)), nil
}

func (d *differ) arrays(path string, found, want []any) (float64, error) {
	longest := max(len(found), len(want))
	if longest == 0 {
		return 1, nil
	}
	sum := 0.0
	for i := range min(len(found), len(want)) {
		value, err := d.values(path+"["+strconv.Itoa(i)+"]", found[i], want[i])
		if err != nil {
			return 0, err
		}
		sum += value
	}
	if len(found) != len(want) {
		d.add(fmt.Sprintf("%s: found %d items, expected %d", path, len(found), len(want)))
	}
	return sum / float64(longest), nil
}

func (d *differ) leaves(found, want any) (float64, error) {
	switch w := want.(type) {
	case nil:
		return one(found == nil), nil
	case bool:
		if f, ok := found.(bool); ok {
			return one(f == w), nil
		}
	case string:
		if f, ok := found.(string); ok {
			value, _, err := similarity(d.ctx, f, w, d.work)
			return value, err
		}
	case json.Number:
		if f, ok := found.(json.Number); ok {
			x, errX := f.Float64()
			y, errY := w.Float64()
			if errX != nil || errY != nil { // beyond float64
				return one(f == w), nil
			}
			return numericDiff(x, y), nil
		}
	}
	if found == nil {
		return 0, nil
	}
	value, _, err := similarity(d.ctx, compact(found), compact(want), d.work)
	return value, err
}

// note keeps a difference for the reason, the first few of them.
func (d *differ) note(path string, found, want any, value float64) {
	d.add(fmt.Sprintf("%s: found %s, expected %s (%.4g)", path, cut(showValue(found), 120), cut(showValue(want), 120), value))
}

func (d *differ) add(difference string) {
	if len(d.differences) == 8 {
		d.more++
		return
	}
	d.differences = append(d.differences, difference)
}

func (d *differ) reason() string {
	s := strings.Join(d.differences, "; ")
	if d.more > 0 {
		s = cut(s, maxReason-50) + fmt.Sprintf("; and %d more", d.more)
	}
	return s
}

// unpack reads a text that is a JSON object or array.
func unpack(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
		return v
	}
	if inner, err := decodeJSON(s); err == nil {
		return inner
	}
	return v
}

// compact is a value as JSON, a text in its quotes.
func compact(v any) string {
	if s, ok := v.(string); ok {
		v = []any{s} // so that it is written as the other values are
		return strings.TrimSuffix(strings.TrimPrefix(textOf(v), "["), "]")
	}
	return textOf(v)
}

// key is a key as part of a path.
func key(k string) string {
	for _, c := range k {
		if !isWord(c) {
			return "[" + cut(strconv.Quote(k), 100) + "]"
		}
	}
	return "." + cut(k, 100)
}

func one(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
