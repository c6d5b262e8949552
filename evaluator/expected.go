package evaluator

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
)

// expected is the value that an output is compared with.
type expected struct {
	// value is a JSON value, never nil.
	value any
	// text is the value as text. A number, boolean or date of a suite is the text
	// that stands there: 1.10 stays "1.10".
	text string
}

// reference says where the expected value comes from: the suite's option, else
// the case.
type reference struct {
	suite *expected
}

// errNoExpected is what an evaluator says that has nothing to compare with.
var errNoExpected = errors.New("no expected value: the case has none and the suite gives none")

// reference gives the expected value, given the decoded option of that name.
func (o Options) reference(option string, value any) reference {
	if value == nil {
		return reference{}
	}
	e := expected{value: value, text: textOf(value)}
	if n := o.Node.Get(option); n.Node != nil && n.Kind == yaml.ScalarNode {
		e.text = n.Value
	}
	return reference{&e}
}

// of is the expected value for a trial; errNoExpected when there is none.
func (r reference) of(t harness.Trial) (expected, error) {
	if r.suite != nil {
		return *r.suite, nil
	}
	if t.Case.Expected == nil {
		return expected{}, errNoExpected
	}
	return expected{value: t.Case.Expected, text: textOf(t.Case.Expected)}, nil
}

// targetsOf gives what is expected of a trial as one text or several.
func (r reference) targetsOf(t harness.Trial) ([]string, error) {
	e, err := r.of(t)
	if err != nil {
		return nil, err
	}
	return e.targets()
}

// check validates the option of the suite when the evaluator is built, so that
// it does not fail on every trial. The error has the option's place.
func (r reference) check(o Options, option string, valid func(expected) error) error {
	if r.suite == nil {
		return nil
	}
	if err := valid(*r.suite); err != nil {
		return o.At(option).Errorf("%s: %v", option, err)
	}
	return nil
}

// asText is the expected value as one text that is not empty.
func (e expected) asText() (string, error) {
	if isStructure(e.value) {
		return "", fmt.Errorf("expected one text, found %s", kindOf(e.value))
	}
	if e.text == "" {
		return "", errors.New("the expected text is empty, and every output has that")
	}
	return e.text, nil
}

// asTexts is the expected value as several texts, at least one, none of them
// empty: a list, or one text with commas between them.
func (e expected) asTexts() ([]string, error) {
	var texts []string
	var err error
	switch v := e.value.(type) {
	case []any:
		for _, item := range v {
			if isStructure(item) {
				return nil, fmt.Errorf("expected a list of texts, found %s in it", kindOf(item))
			}
			texts = append(texts, textOf(item))
		}
	case []string:
		texts = v
	default:
		if isStructure(v) {
			return nil, fmt.Errorf("expected a list of texts, found %s", kindOf(v))
		}
		if texts, err = splitCommas(e.text); err != nil {
			return nil, err
		}
	}
	if len(texts) == 0 {
		return nil, errors.New("the list of expected texts is empty")
	}
	for i, s := range texts {
		if s == "" {
			return nil, fmt.Errorf("text %d of the list is empty, and every output has that", i+1)
		}
	}
	return texts, nil
}

// targets are the texts of which one has to match: the items of a list, or the
// one text, commas and all. None may be empty.
func (e expected) targets() ([]string, error) {
	if !isStructure(e.value) {
		text, err := e.asText()
		return []string{text}, err
	}
	return e.asTexts()
}

// splitCommas splits "a, b" at its commas. Double quotes keep a comma within
// (doubled quotes stand for one), and nothing between two commas is left out.
func splitCommas(s string) ([]string, error) {
	var out []string
	for {
		s = strings.TrimLeft(s, ", \t\r\n")
		switch {
		case s == "":
			return out, nil
		case s[0] != '"':
			item, rest, _ := strings.Cut(s, ",")
			out, s = append(out, strings.TrimSpace(item)), rest
			continue
		}
		item, rest, ok := quotedItem(s[1:])
		if !ok {
			return nil, errors.New("a quoted item of the list has no closing quote")
		}
		s = strings.TrimLeft(rest, " \t\r\n")
		if s != "" && s[0] != ',' {
			return nil, errors.New("a quoted item of the list is not followed by a comma")
		}
		out = append(out, item)
	}
}

// quotedItem reads up to the closing quote.
func quotedItem(s string) (item, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch next := s[min(i+1, len(s)-1)]; {
		case s[i] == '"' && i+1 < len(s) && next == '"', s[i] == '\\' && i+1 < len(s) && (next == '"' || next == '\\'):
			b.WriteByte(next)
			i++
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}
