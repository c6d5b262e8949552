package evaluator

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type numericOptions struct {
	Value        any     `yaml:"value" json:"value,omitempty" jsonschema:"description=The expected number. Default: the case's expected value."`
	AbsTolerance float64 `yaml:"abs_tolerance" json:"abs_tolerance,omitempty" jsonschema:"minimum=0,description=How far the number may be from the expected one."`
	RelTolerance float64 `yaml:"rel_tolerance" json:"rel_tolerance,omitempty" jsonschema:"minimum=0,description=How far it may be as a share of the expected one: 0.01 is one percent."`
	Pick         string  `yaml:"pick" json:"pick,omitempty" jsonschema:"enum=last,enum=first,enum=only,description=Which number of the output counts. Default: last. With only the output has to have exactly one."`
	DecimalComma bool    `yaml:"decimal_comma" json:"decimal_comma,omitempty" jsonschema:"description=The decimal mark is a comma and a dot separates thousands: 1.234\\,5."`
}

func numericDefinitions() []Definition {
	return []Definition{{
		Name: "numeric", Options: numericOptions{}, Scalar: "value",
		Doc: "Passes when the last number of the output is the expected one; the value is 1 or 0. `pick` takes the first, or asks for exactly one. " +
			"It may differ by `abs_tolerance`, or by `rel_tolerance` times the expected number, whichever allows more; by default it has to be equal. " +
			"Numbers may have a sign, a currency symbol, thousands separators (1,234,567), decimals, an exponent, or be a fraction (3/4); a unit or a percent sign behind a number is ignored, and digits in a word, a version or a date with slashes are no numbers. An expected text is read in the same way, so that a worked answer ending in \"#### 18\" expects 18. " +
			"Numbers are float64: whole ones are exact up to 15 digits. An output without a number fails; an expected value without one is an error. For a value that shrinks with the difference, see NumericDiff.",
		New: newNumeric,
	}}
}

func newNumeric(o Options) (harness.Evaluator, error) {
	var opts numericOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains([]string{"", "last", "first", "only"}, opts.Pick):
		return nil, o.At("pick").Errorf("pick is %s: it can be last, first or only", show(opts.Pick))
	case opts.AbsTolerance < 0:
		return nil, o.At("abs_tolerance").Errorf("abs_tolerance is negative")
	case opts.RelTolerance < 0:
		return nil, o.At("rel_tolerance").Errorf("rel_tolerance is negative")
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", func(e expected) error {
		_, err := expectedNumber(e, opts.DecimalComma)
		return err
	}); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		want, err := expectedNumber(e, opts.DecimalComma)
		if err != nil {
			return harness.Score{}, err
		}
		found, problem := opts.find(t.Output, want)
		if problem != "" {
			return harness.Failed(problem), nil
		}
		return opts.compare(found, want), nil
	}), nil
}

// find gives the number of the output that counts, or says why there is none.
func (opts numericOptions) find(out harness.Output, want number) (found number, problem string) {
	if n, ok := plainNumber(out.Value); ok {
		return n, ""
	}
	text := out.Text()
	count := 0
	var others []string
	for n := range findNumbers(text, opts.DecimalComma) {
		count++
		found = n
		if opts.Pick == "first" {
			break
		}
		if count <= 5 {
			others = append(others, n.text)
		}
	}
	switch {
	case count == 0:
		return found, fmt.Sprintf("no number in %s, expected %s", show(text), want.text)
	case count > 1 && opts.Pick == "only":
		return found, fmt.Sprintf("found %d numbers (%s …), expected only %s", count, strings.Join(others, ", "), want.text)
	}
	return found, ""
}

func (opts numericOptions) compare(found, want number) harness.Score {
	difference := math.Abs(found.value - want.value)
	allowed := max(opts.AbsTolerance, opts.RelTolerance*math.Abs(want.value))
	if difference <= allowed {
		return harness.Passed()
	}
	reason := fmt.Sprintf("found %s, expected %s", cut(found.text, 100), cut(want.text, 100))
	if allowed > 0 {
		reason += fmt.Sprintf(" (differs by %.6g, %.6g is allowed)", difference, allowed)
	}
	return harness.Failed(reason)
}

// expectedNumber is the expected value as a number: the last one of a text.
func expectedNumber(e expected, comma bool) (number, error) {
	if n, ok := plainNumber(e.value); ok {
		return n, nil
	}
	if isStructure(e.value) {
		return number{}, fmt.Errorf("expected a number, found %s", kindOf(e.value))
	}
	var last number
	for n := range findNumbers(e.text, comma) {
		last = n
	}
	if last.text == "" {
		return last, fmt.Errorf("expected a number, found %s", show(e.text))
	}
	return last, nil
}

// plainNumber is a value that is a number already.
func plainNumber(v any) (number, bool) {
	var text string
	switch v := v.(type) {
	case float64:
		return number{showNumber(v), v}, finite(v)
	case json.Number:
		text = string(v)
	case nil, string, bool:
		return number{}, false
	default:
		if isStructure(v) {
			return number{}, false
		}
		text = fmt.Sprint(v) // another of Go's number types
	}
	f, err := strconv.ParseFloat(text, 64)
	return number{text, f}, err == nil && finite(f)
}
