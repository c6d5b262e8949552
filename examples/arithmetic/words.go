package main

import (
	"regexp"
	"strconv"
	"strings"
)

// wordProblem guesses the answer of a word problem: which operation the wording
// suggests, over the numbers in the order in which they stand. Problems of one
// step it often gets; of several, hardly ever.
func wordProblem(question string) (value float64, ok bool) {
	text := strings.ToLower(question)
	numbers := quantities(text)
	if len(numbers) == 0 {
		return 0, false
	}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	value = numbers[0].value
	for _, n := range numbers[1:] {
		switch {
		case n.factor:
			value *= n.value
		case has(" left", "remain", "difference", "change"):
			value -= n.value
		case has("each", " per ", "every", "times"):
			value *= n.value
		default:
			value += n.value
		}
	}
	return value, true
}

// quantity is a number of a text.
type quantity struct {
	value float64
	// factor: a share of something, or so many of each.
	factor bool
}

// quantities finds the numbers of a text, written in digits or in words.
func quantities(text string) []quantity {
	pattern := regexp.MustCompile(`\$?(\d[\d,]*(?:\.\d+)?)(?:/(\d+))?\s*(%|percent)?|[a-z]+`)
	after := regexp.MustCompile(`^\s*(?:\w+\s+)?(?:each|per|an?|every|apiece)\b`)
	var out []quantity
	for _, m := range pattern.FindAllStringSubmatchIndex(text, -1) {
		q, ok := read(text, m)
		if !ok {
			continue
		}
		q.factor = q.factor || after.MatchString(text[m[1]:])
		out = append(out, q)
	}
	return out
}

// read makes a quantity of a match: digits with what belongs to them, or a word.
func read(text string, m []int) (quantity, bool) {
	if m[2] < 0 {
		v, ok := named(text[m[0]:m[1]])
		return quantity{value: v, factor: v > 0 && v < 1}, ok
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(text[m[2]:m[3]], ",", ""), 64)
	if err != nil {
		return quantity{}, false
	}
	q := quantity{value: v}
	if m[4] >= 0 {
		if d, err := strconv.ParseFloat(text[m[4]:m[5]], 64); err == nil && d > 0 {
			q.value, q.factor = v/d, true
		}
	}
	if m[6] >= 0 {
		q.value, q.factor = v/100, true
	}
	return q, true
}

// named is the number that a word stands for.
func named(word string) (float64, bool) {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve")
	for i, w := range small {
		if w == word && w != "one" { // "one" is seldom a number
			return float64(i), true
		}
	}
	switch word {
	case "twice", "double":
		return 2, true
	case "half":
		return 0.5, true
	case "third":
		return 1.0 / 3, true
	case "quarter":
		return 0.25, true
	case "dozen":
		return 12, true
	case "twenty":
		return 20, true
	case "hundred":
		return 100, true
	}
	return 0, false
}
