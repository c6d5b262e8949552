package evaluator

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

func regexDefinitions() []Definition {
	return pair(Definition{
		Name: "regex", Options: textOptions{}, Scalar: "value",
		Doc: "Passes when the regular expression matches somewhere in the output; ^ and $ tie it to the ends. The value is 1 or 0. " +
			"The syntax is RE2's (Go's): the time to match grows with the output's length only, and there is no look-around and no back reference, which promptfoo's JavaScript expressions have. (?i) at the start ignores case, (?s) lets . match line breaks, (?m) makes ^ and $ match at lines.",
	}, newRegex)
}

func newRegex(o Options, not inverse) (harness.Evaluator, error) {
	var opts textOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	var fixed *regexp.Regexp
	valid := func(e expected) (err error) {
		fixed, err = compileRegex(e, opts.IgnoreCase)
		return err
	}
	return comparison(o, opts.Value, not, valid, func(output string, e expected) (bool, string, error) {
		re := fixed
		if re == nil {
			var err error
			if re, err = compileRegex(e, opts.IgnoreCase); err != nil {
				return false, "", err
			}
		}
		if at := re.FindStringIndex(output); at != nil {
			return true, fmt.Sprintf("matches %s, which it must not, with %s: %s", show(e.text), show(output[at[0]:at[1]]), show(output)), nil
		}
		return false, fmt.Sprintf("does not match %s: %s", show(e.text), show(output)), nil
	})
}

// compileRegex compiles an expected value; its errors name what Go's syntax lacks.
func compileRegex(e expected, ignoreCase bool) (*regexp.Regexp, error) {
	pattern, err := e.asText()
	if err != nil {
		return nil, err
	}
	if ignoreCase {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		return re, nil
	}
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return nil, err
	}
	message := fmt.Sprintf("not a regular expression: %s: %s", bad.Code, show(bad.Expr))
	if strings.HasPrefix(bad.Expr, "(?") || bad.Code == syntax.ErrInvalidEscape {
		message += " (the syntax is RE2's: no look-around, no back references)"
	}
	return nil, errors.New(message)
}
