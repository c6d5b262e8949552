package evaluator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

func exactDefinitions() []Definition {
	return []Definition{{
		Name: "exact", Options: valueOptions{}, Scalar: "value",
		Doc: "Passes when the output has the same words as the expected text, or as one of several when a list is expected; the value is 1 or 0. This is Inspect's exact, and not equality (see equals): case, ASCII punctuation, the articles a, an and the, the order of the words and how often each occurs do not count, words end at a hyphen too, and numbers are compared by value (5 is 5.0). " +
			"An expected text in which no word is left is an error, where Inspect would let it match an empty output. A text with commas is one text.",
		New: newExact,
	}}
}

func newExact(o Options) (harness.Evaluator, error) {
	var opts valueOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	if err := ref.check(o, "value", func(e expected) error { _, err := wordSets(e); return err }); err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		sets, err := wordSets(e)
		if err != nil {
			return harness.Score{}, err
		}
		output := t.Output.Text()
		found := wordSet(output)
		if slices.ContainsFunc(sets, func(s map[string]bool) bool { return maps.Equal(s, found) }) {
			return harness.Passed(), nil
		}
		return harness.Failed(fmt.Sprintf("found %s, expected the words of %s", show(output), showValue(e.value))), nil
	}), nil
}

// wordSets are the words of each expected text.
func wordSets(e expected) ([]map[string]bool, error) {
	targets, err := e.targets()
	if err != nil {
		return nil, err
	}
	sets := make([]map[string]bool, len(targets))
	for i, text := range targets {
		if sets[i] = wordSet(text); len(sets[i]) == 0 {
			return nil, errors.New("no word is left of the expected text " + show(text))
		}
	}
	return sets, nil
}

// wordSet are the words of a text that count for exact.
func wordSet(text string) map[string]bool {
	words := map[string]bool{}
	for token := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '-' }) {
		token = fold(token, true)
		if !floatText.MatchString(strings.TrimSpace(token)) {
			token = strings.Map(func(r rune) rune {
				if isPunctuation(r) {
					return -1
				}
				return r
			}, token)
		}
		if trimmed := strings.TrimSpace(token); floatText.MatchString(trimmed) {
			if f, err := strconv.ParseFloat(strings.ReplaceAll(trimmed, "_", ""), 64); err == nil {
				token = showNumber(f)
			}
		}
		for word := range strings.FieldsSeq(withoutArticles(token)) {
			words[word] = true
		}
	}
	return words
}

// floatText is how Python writes a number: what its float() reads, of ASCII.
var floatText = regexp.MustCompile(`^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$`)

// withoutArticles replaces the words a, an and the by a space.
func withoutArticles(s string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) })
		if end < 0 {
			end = len(s)
		}
		switch word := s[:end]; word {
		case "a", "an", "the":
			b.WriteByte(' ')
		default:
			b.WriteString(word)
		}
		s = s[end:]
		end = strings.IndexFunc(s, isWord)
		if end < 0 {
			end = len(s)
		}
		b.WriteString(s[:end])
		s = s[end:]
	}
	return b.String()
}

// isPunctuation tells ASCII punctuation, Python's string.punctuation.
func isPunctuation(r rune) bool {
	return r > ' ' && r < 0x7f && !isDigit(byte(r)) && !isLetter(byte(r))
}
