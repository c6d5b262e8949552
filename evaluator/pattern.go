package evaluator

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type patternOptions struct {
	Pattern    string `yaml:"pattern" json:"pattern" jsonschema:"required,description=A regular expression with at least one group."`
	Value      any    `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected: one text or a list of which one has to match. Default: the case's expected value."`
	IgnoreCase *bool  `yaml:"ignore_case" json:"ignore_case,omitempty" jsonschema:"default=true,description=Upper and lower case are the same."`
	MatchAll   bool   `yaml:"match_all" json:"match_all,omitempty" jsonschema:"description=Every group that matched has to be expected instead of one."`
}

func patternDefinitions() []Definition {
	return []Definition{{
		Name: "pattern", Options: patternOptions{}, Scalar: "pattern",
		Doc: "Takes the answer out of the output with the groups of a regular expression and passes when one of them is the expected text, or one of several when a list is expected; with `match_all` all groups that took part have to be. The value is 1 or 0. This is Inspect's pattern: the first match counts, and case does not unless `ignore_case` is false. " +
			"The syntax is RE2's (Go's) and not Python's: no look-around, no back references. A match in which no group took part fails, where Inspect passes it with match_all.",
		New: newPattern,
	}}
}

func newPattern(o Options) (harness.Evaluator, error) {
	var opts patternOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	ignoreCase := opts.IgnoreCase == nil || *opts.IgnoreCase
	re, err := compileRegex(expected{value: opts.Pattern, text: opts.Pattern}, ignoreCase)
	if err != nil {
		return nil, o.At("pattern").Errorf("pattern: %v", err)
	}
	if re.NumSubexp() == 0 {
		e := o.At("pattern").Errorf("pattern: it has no group")
		e.Hint = "put the answer in parentheses: ANSWER: (\\w+)"
		return nil, e
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", validTargets); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		targets, err := ref.targetsOf(t)
		if err != nil {
			return harness.Score{}, err
		}
		return opts.judge(re, t.Output.Text(), targets, ignoreCase), nil
	}), nil
}

func (opts patternOptions) judge(re *regexp.Regexp, output string, targets []string, ignoreCase bool) harness.Score {
	at := re.FindStringSubmatchIndex(output)
	if at == nil {
		return harness.Failed(fmt.Sprintf("%s does not match: %s", show(opts.Pattern), show(output)))
	}
	var groups []string
	for i := 2; i < len(at); i += 2 {
		if at[i] >= 0 {
			groups = append(groups, output[at[i]:at[i+1]])
		}
	}
	expects := func(group string) bool {
		return slices.ContainsFunc(targets, func(s string) bool {
			return lower(s, ignoreCase) == lower(group, ignoreCase)
		})
	}
	holds := slices.ContainsFunc(groups, expects)
	if opts.MatchAll && holds {
		holds = !slices.ContainsFunc(groups, func(g string) bool { return !expects(g) })
	}
	return harness.PassIf(holds, fmt.Sprintf("found %s, expected %s", orNothing(groups), showAll(targets)))
}

func orNothing(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.TrimSpace(showAll(texts))
}
