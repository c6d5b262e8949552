package evaluator

import (
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

func containsDefinitions() []Definition {
	const same = " The meaning is promptfoo's."
	const list = " The list is a YAML or JSON list, or one text with commas between the items (double quotes keep a comma); an empty list or item is an error."
	var out []Definition
	add := func(d Definition, ignoreCase bool, c func(ignoreCase bool) check, valid func(expected) error) {
		d.Options, d.Scalar = any(valueOptions{}), "value"
		if !ignoreCase {
			d.Options = textOptions{}
		}
		out = append(out, pair(d, func(o Options, not inverse) (harness.Evaluator, error) {
			return newContains(o, not, ignoreCase, c, valid)
		})...)
	}
	add(Definition{Name: "contains", Doc: "Passes when the output has the expected text somewhere; the value is 1 or 0." + same},
		false, containsOne, validText)
	add(Definition{Name: "icontains", Doc: "Passes when the output has the expected text somewhere, upper or lower case; the value is 1 or 0." + same},
		true, containsOne, validText)
	add(Definition{Name: "contains-any", Doc: "Passes when the output has at least one of the expected texts; the value is 1 or 0." + list + same},
		false, containsAny, validTexts)
	add(Definition{Name: "contains-all", Doc: "Passes when the output has every one of the expected texts, in any order; the value is 1 or 0." + list + same},
		false, containsAll, validTexts)
	add(Definition{Name: "icontains-any", Doc: "Passes when the output has at least one of the expected texts, upper or lower case; the value is 1 or 0." + list + same},
		true, containsAny, validTexts)
	add(Definition{Name: "icontains-all", Doc: "Passes when the output has every one of the expected texts, in any order, upper or lower case; the value is 1 or 0." + list + same},
		true, containsAll, validTexts)
	return out
}

func newContains(o Options, not inverse, ignoreCase bool, c func(bool) check, valid func(expected) error) (harness.Evaluator, error) {
	if ignoreCase {
		var opts valueOptions
		if err := o.Decode(&opts); err != nil {
			return nil, err
		}
		return comparison(o, opts.Value, not, valid, c(true))
	}
	var opts textOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	return comparison(o, opts.Value, not, valid, c(opts.IgnoreCase))
}

func containsOne(ignoreCase bool) check {
	return func(output string, e expected) (bool, string, error) {
		text, err := e.asText()
		if err != nil {
			return false, "", err
		}
		if strings.Contains(lower(output, ignoreCase), lower(text, ignoreCase)) {
			return true, fmt.Sprintf("contains %s, which it must not: %s", show(text), show(output)), nil
		}
		return false, fmt.Sprintf("does not contain %s: %s", show(text), show(output)), nil
	}
}

func containsAny(ignoreCase bool) check {
	return func(output string, e expected) (bool, string, error) {
		texts, err := e.asTexts()
		if err != nil {
			return false, "", err
		}
		if there, _ := sift(output, texts, ignoreCase); len(there) > 0 {
			return true, fmt.Sprintf("contains %s, which it must not: %s", showAll(there), show(output)), nil
		}
		return false, fmt.Sprintf("contains none of %s: %s", showAll(texts), show(output)), nil
	}
}

func containsAll(ignoreCase bool) check {
	return func(output string, e expected) (bool, string, error) {
		texts, err := e.asTexts()
		if err != nil {
			return false, "", err
		}
		there, missing := sift(output, texts, ignoreCase)
		if len(missing) == 0 {
			return true, fmt.Sprintf("contains all of %s, which it must not: %s", showAll(there), show(output)), nil
		}
		return false, fmt.Sprintf("%d of %d texts are missing (%s): %s", len(missing), len(texts), showAll(missing), show(output)), nil
	}
}

// sift splits texts into those that the output has and those that it lacks.
func sift(output string, texts []string, ignoreCase bool) (there, missing []string) {
	output = lower(output, ignoreCase)
	for _, text := range texts {
		if strings.Contains(output, lower(text, ignoreCase)) {
			there = append(there, text)
		} else {
			missing = append(missing, text)
		}
	}
	return there, missing
}
