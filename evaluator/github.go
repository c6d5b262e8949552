package evaluator

import (
	"strings"

	"github.com/evalrun/evalrun/harness"
)

func githubDefinitions() []Definition {
	const doc = " as in GitHub Models, where white space around the output does not count. The value is 1 or 0. The text may come from the case's expected value too."
	define := func(name, what string, valid func(expected) error, c check) Definition {
		return Definition{
			Name: name, Options: valueOptions{}, Scalar: "value", Doc: what + doc,
			New: func(o Options) (harness.Evaluator, error) {
				var opts valueOptions
				if err := o.Decode(&opts); err != nil {
					return nil, err
				}
				return comparison(o, opts.Value, false, valid, trimmed(c))
			},
		}
	}
	return []Definition{
		define("string.equals", "Passes when the output equals the text, upper and lower case told apart,", notStructure, sameText),
		define("string.contains", "Passes when the output has the text somewhere, upper or lower case,", validText, containsOne(true)),
		define("string.startsWith", "Passes when the output begins with the text, upper or lower case,", validText, affixCheck("start", true, strings.HasPrefix)),
		define("string.endsWith", "Passes when the output ends with the text, upper or lower case,", validText, affixCheck("end", true, strings.HasSuffix)),
	}
}

// trimmed is a check of the output without the white space around it.
func trimmed(c check) check {
	return func(output string, e expected) (bool, string, error) { return c(strings.TrimSpace(output), e) }
}
