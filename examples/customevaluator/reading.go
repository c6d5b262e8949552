package customevaluator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// readingOptions are what a suite says: reading: 20, or reading: {max_words: 20}.
type readingOptions struct {
	MaxWords int `yaml:"max_words" json:"max_words" jsonschema:"minimum=1" jsonschema_description:"The most words that a sentence may have, from 1. Default 15."`
}

// reading scores how easily an answer reads.
type reading struct {
	name     string
	maxWords int
}

var _ harness.Evaluator = reading{}

// newReading is called when the suite is loaded, so that a wrong option is an error
// with its line before anything runs.
func newReading(o evaluator.Options) (harness.Evaluator, error) {
	options := readingOptions{MaxWords: 15}
	if err := o.Decode(&options); err != nil {
		return nil, err
	}
	if options.MaxWords < 1 {
		return nil, o.At("max_words").Errorf("max_words is %d; expected 1 or more", options.MaxWords)
	}
	return reading{name: o.Name, maxWords: options.MaxWords}, nil
}

// Name is the metric: the evaluator's name, or what the suite calls it.
func (r reading) Name() string { return r.name }

var sentenceEnd = regexp.MustCompile(`[.!?]+(\s+|$)`)

// Evaluate gives three metrics: the evaluator's own, which passes or fails, and two
// parts, numbers of words that a gate can limit too. It is called from many
// goroutines at once, so it keeps nothing.
func (r reading) Evaluate(_ context.Context, t harness.Trial) ([]harness.Score, error) {
	words, longest := 0, 0
	for _, sentence := range sentenceEnd.Split(t.Output.Text(), -1) {
		n := len(strings.Fields(sentence))
		words, longest = words+n, max(longest, n)
	}
	if words == 0 { // an error is no score at all, which is not a score of 0
		return nil, errors.New("there is nothing to read in the answer")
	}
	verdict := harness.PassIf(longest <= r.maxWords, fmt.Sprintf("a sentence of %d words, %d at most", longest, r.maxWords))
	return []harness.Score{
		verdict, // without a name it has the evaluator's
		{Name: r.name + "/words", Value: float64(words)},
		{Name: r.name + "/longest", Value: float64(longest)},
	}, nil
}
