package evaluator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/evalrun/evalrun/harness"
)

type matchOptions struct {
	Value      any    `yaml:"value" json:"value,omitempty" jsonschema:"description=What is expected: one text or a list of which one has to match. Default: the case's expected value."`
	Location   string `yaml:"location" json:"location,omitempty" jsonschema:"enum=begin,enum=end,enum=any,enum=exact,default=end,description=Where in the output it has to be."`
	IgnoreCase *bool  `yaml:"ignore_case" json:"ignore_case,omitempty" jsonschema:"default=true,description=Upper and lower case are the same."`
	Numeric    bool   `yaml:"numeric" json:"numeric,omitempty" jsonschema:"description=Compare numbers: the first or last or any one of the output by location."`
}

func matchDefinitions() []Definition {
	return []Definition{{
		Name: "match", Options: matchOptions{}, Scalar: "value",
		Doc: "Passes when the output ends with the expected text, or with one of several when a list is expected; the value is 1 or 0. This is Inspect's match: `location` can be begin, end (the default), any or exact; case does not count unless `ignore_case` is false, nor do white space and ASCII punctuation around either text. " +
			"With `numeric`, an expected number is compared with the first (begin), last (end), any, or only (exact) word of the output that is a number, to five digits; $, £, €, commas, * and _ are left out, and 60% is no number. Numbers are written in ASCII digits, whereas Inspect reads Chinese numerals, superscripts and the like too. " +
			"An expected text of which nothing is left is an error, where Inspect would let it match anything.",
		New: newMatch,
	}}
}

func newMatch(o Options) (harness.Evaluator, error) {
	var opts matchOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if opts.Location == "" {
		opts.Location = "end"
	}
	if !slices.Contains([]string{"begin", "end", "any", "exact"}, opts.Location) {
		return nil, o.At("location").Errorf("location is %s: it can be begin, end, any or exact", show(opts.Location))
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", func(e expected) error { _, err := opts.targets(e); return err }); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		targets, err := opts.targets(e)
		if err != nil {
			return harness.Score{}, err
		}
		output := t.Output.Text()
		holds := slices.ContainsFunc(targets, func(target string) bool { return opts.matches(output, target) })
		return harness.PassIf(holds, opts.reason(output, e)), nil
	}), nil
}

func (opts matchOptions) reason(output string, e expected) string {
	shown := show(output)
	if opts.Location == "end" {
		shown = showEnd(output)
	}
	verb := map[string]string{"begin": "begin with", "end": "end with", "any": "have", "exact": "equal"}[opts.Location]
	return fmt.Sprintf("does not %s %s: %s", verb, showValue(e.value), shown)
}

// targets are the expected texts; each has to have something to match.
func (opts matchOptions) targets(e expected) ([]string, error) {
	targets, err := e.targets()
	for _, text := range targets {
		if err == nil && strings.TrimFunc(text, isEdge) == "" {
			err = errors.New("nothing is left of the expected text " + show(text))
		}
	}
	return targets, err
}

func (opts matchOptions) matches(output, target string) bool {
	ignoreCase := opts.IgnoreCase == nil || *opts.IgnoreCase
	v, t := fold(strings.TrimSpace(output), ignoreCase), fold(strings.TrimSpace(target), ignoreCase)
	if opts.Numeric {
		t = withoutNumberSigns(t)
		if want, ok := matchNumber(t); ok {
			return opts.matchesNumber(withoutNumberSigns(v), want)
		}
	}
	v, t = strings.TrimFunc(v, isEdge), strings.TrimFunc(t, isEdge)
	if t == "" {
		return false
	}
	switch opts.Location {
	case "begin":
		return strings.HasPrefix(v, t)
	case "any":
		return strings.Contains(v, t)
	case "exact":
		return v == t
	}
	return strings.HasSuffix(v, t)
}

// matchesNumber compares the number that the location asks for.
func (opts matchOptions) matchesNumber(v, want string) bool {
	if opts.Location == "exact" {
		found, ok := matchNumber(v)
		return ok && found == want
	}
	words := strings.Fields(v)
	if opts.Location == "end" {
		slices.Reverse(words)
	}
	for _, word := range words {
		found, ok := matchNumber(word)
		if !ok {
			found, ok = matchNumber(strings.Trim(word, "!?:;()[]{}'\\\"`~<=>@#^&|"))
		}
		switch {
		case !ok:
			continue
		case found == want:
			return true
		case opts.Location != "any":
			return false
		}
	}
	return false
}

// matchNumber is a number to five digits.
func matchNumber(s string) (string, bool) {
	s = strings.Replace(strings.ToLower(strings.TrimSpace(s)), "−", "-", 1)
	if !floatText.MatchString(s) {
		return "", false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return strconv.FormatFloat(f, 'g', 5, 64), err == nil && finite(f)
}

// withoutNumberSigns leaves out what is around and within numbers, and dots that
// no digit follows.
func withoutNumberSigns(s string) string {
	s = strings.NewReplacer("$", "", ",", "", "£", "", "€", "", "*", "", "_", "").Replace(s)
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '.' || i+1 < len(s) && isDigit(s[i+1]) {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// isEdge is what match leaves out around texts.
func isEdge(r rune) bool { return unicode.IsSpace(r) || isPunctuation(r) }
