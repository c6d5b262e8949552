package main

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
)

// passage is a part of the handbook.
type passage struct {
	title, text string
	words       map[string]bool
}

// shelf finds passages by the words that they share with a question; rare words count
// for more.
type shelf struct {
	passages []passage
	weight   map[string]float64
}

// newShelf reads passages that begin with a line "# title".
func newShelf(text string) *shelf {
	s := &shelf{weight: map[string]float64{}}
	for part := range strings.SplitSeq("\n"+text, "\n# ") {
		title, body, ok := strings.Cut(part, "\n")
		if !ok {
			continue
		}
		s.passages = append(s.passages, passage{title, strings.TrimSpace(body), stems(title + " " + body)})
	}
	for _, p := range s.passages {
		for w := range p.words {
			s.weight[w]++
		}
	}
	for w, n := range s.weight {
		s.weight[w] = math.Log(1 + float64(len(s.passages))/n)
	}
	return s
}

// retrieve gives the k passages nearest to the question, the nearest first; fewer when
// there are not as many that share a word with it.
func (s *shelf) retrieve(question string, k int) []passage {
	asked := stems(question)
	found := slices.DeleteFunc(slices.Clone(s.passages), func(p passage) bool { return s.score(asked, p.words) == 0 })
	slices.SortStableFunc(found, func(a, b passage) int { return cmp.Compare(s.score(asked, b.words), s.score(asked, a.words)) })
	return found[:min(k, len(found))]
}

// score is the weight of the words that a question and a text share.
func (s *shelf) score(asked, words map[string]bool) float64 {
	var shared []float64
	for w := range asked {
		if words[w] {
			shared = append(shared, s.weight[w])
		}
	}
	slices.Sort(shared) // a sum in the order of a map differs in its last digit
	var sum float64
	for _, x := range shared {
		sum += x
	}
	return sum
}

var sentenceEnd = regexp.MustCompile(`[.] `)

// answer is the sentence of the passages that is nearest to the question.
func (s *shelf) answer(question string, found []passage) string {
	asked := stems(question)
	best, most := "The handbook does not say.", 0.0
	for _, p := range found {
		for _, sentence := range sentenceEnd.Split(p.text, -1) {
			if score := s.score(asked, stems(sentence)); score > most {
				best, most = strings.TrimSuffix(sentence, ".")+".", score
			}
		}
	}
	return best
}

var word = regexp.MustCompile(`\pL{3,}|\d+`)

// stems are the words of a text, short, with the commonest left out.
func stems(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range word.FindAllString(strings.ToLower(text), -1) {
		switch w {
		case "the", "and", "are", "you", "can", "for", "how", "what", "when", "our", "your", "does", "did", "with", "have", "has", "was", "will", "there":
			continue
		}
		for _, end := range []string{"ing", "ed", "es", "s", "y"} {
			if short, ok := strings.CutSuffix(w, end); ok && len(short) >= 3 {
				w = short
				break
			}
		}
		out[w] = true
	}
	return out
}
