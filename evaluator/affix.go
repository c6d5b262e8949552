package evaluator

import (
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

func affixDefinitions() []Definition {
	starts := pair(Definition{
		Name: "starts-with", Options: textOptions{}, Scalar: "value",
		Doc: "Passes when the output begins with the expected text, white space included; the value is 1 or 0. The meaning is promptfoo's.",
	}, func(o Options, not inverse) (harness.Evaluator, error) {
		return newAffix(o, not, "start", strings.HasPrefix)
	})
	ends := pair(Definition{
		Name: "ends-with", Options: textOptions{}, Scalar: "value",
		Doc: "Passes when the output ends with the expected text, white space included: a line break at the end of the output counts. The value is 1 or 0. The meaning is promptfoo's.",
	}, func(o Options, not inverse) (harness.Evaluator, error) {
		return newAffix(o, not, "end", strings.HasSuffix)
	})
	return append(starts, ends...)
}

func newAffix(o Options, not inverse, verb string, has func(s, affix string) bool) (harness.Evaluator, error) {
	var opts textOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	return comparison(o, opts.Value, not, validText, affixCheck(verb, opts.IgnoreCase, has))
}

func affixCheck(verb string, ignoreCase bool, has func(s, affix string) bool) check {
	return func(output string, e expected) (bool, string, error) {
		text, err := e.asText()
		if err != nil {
			return false, "", err
		}
		shown := show(output)
		if verb == "end" {
			shown = showEnd(output)
		}
		if has(lower(output, ignoreCase), lower(text, ignoreCase)) {
			return true, fmt.Sprintf("%ss with %s, which it must not: %s", verb, show(text), shown), nil
		}
		return false, fmt.Sprintf("does not %s with %s: %s", verb, show(text), shown), nil
	}
}

// showEnd is show, but of a long text it shows the end.
func showEnd(s string) string {
	if len(s) <= maxShown {
		return show(s)
	}
	return "…" + show(strings.ToValidUTF8(s[len(s)-maxShown:], ""))
}
