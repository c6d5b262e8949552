package evaluator

import "github.com/evalrun/evalrun/harness"

type stringCheckOptions struct {
	Operation string `yaml:"operation" json:"operation" jsonschema:"required,enum=eq,enum=ne,enum=like,enum=ilike,description=How the output and the reference are compared."`
	Reference any    `yaml:"reference" json:"reference,omitempty" jsonschema:"description=What is expected. Default: the case's expected value."`
}

func stringCheckDefinitions() []Definition {
	return []Definition{{
		Name: "string_check", Options: stringCheckOptions{}, Scalar: "operation",
		Doc: "The string check of OpenAI's graders: with operation eq the output equals the reference, with ne it does not, with like it contains the reference, with ilike too in upper or lower case; the value is 1 or 0. What is checked is the output as text, and the reference is `reference` or the case's expected value; there are no {{ }} templates. An empty reference is an error for like and ilike. See equals, not-equals, contains and icontains.",
		New: newStringCheck,
	}}
}

func newStringCheck(o Options) (harness.Evaluator, error) {
	var opts stringCheckOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	var c check
	var not inverse
	valid := validText
	switch opts.Operation {
	case "eq":
		c, valid = sameText, notStructure
	case "ne":
		c, valid, not = sameText, notStructure, true
	case "like":
		c = containsOne(false)
	case "ilike":
		c = containsOne(true)
	default:
		return nil, o.At("operation").Errorf("operation is %s: it can be eq, ne, like or ilike", show(opts.Operation))
	}
	ref := o.reference("reference", opts.Reference)
	if err := ref.check(o, "reference", valid); err != nil {
		return nil, err
	}
	return compare(o, ref, not, c), nil
}

// sameText compares the output with one text.
func sameText(output string, e expected) (bool, string, error) {
	if err := notStructure(e); err != nil {
		return false, "", err
	}
	if output == e.text {
		return true, "found " + show(output) + ", which it must not be", nil
	}
	return false, showBoth(output, e.text), nil
}
