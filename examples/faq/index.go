package main

import (
	"context"
	"math"
	"strings"
	"unicode"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

// unsure is the answer when nothing in the knowledge is near enough.
const unsure = "I don't know. Please write to support@juniper-pine.example."

// enough is the cosine from which an entry counts as an answer. Lower answers
// more questions that it should not; higher misses more that it could.
const enough = 0.24

// entry is a question, perhaps in several wordings, and its answer.
type entry struct {
	question, answer string
}

// parse reads blocks of a line "Q: …" and a line "A: …".
func parse(text string) []entry {
	var out []entry
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if q, ok := strings.CutPrefix(line, "Q: "); ok {
			out = append(out, entry{question: q})
		}
		if a, ok := strings.CutPrefix(line, "A: "); ok && len(out) > 0 {
			out[len(out)-1].answer = a
		}
	}
	return out
}

// index finds the entry whose words are most like a question's: the cosine
// between tf-idf vectors, words of the entry's own question counting double.
type index struct {
	entries []entry
	vectors []map[string]float64 // of length 1
	rarity  map[string]float64   // idf by word
	unseen  float64              // of a word that no entry has
}

func newIndex(entries []entry) *index {
	ix := &index{entries: entries, rarity: map[string]float64{}, unseen: math.Log(1 + float64(len(entries)))}
	counts := make([]map[string]float64, len(entries))
	for i, e := range entries {
		counts[i] = map[string]float64{}
		for _, w := range words(e.question) {
			counts[i][w] += 2
		}
		for _, w := range words(e.answer) {
			counts[i][w]++
		}
		for w := range counts[i] {
			ix.rarity[w]++
		}
	}
	for w, n := range ix.rarity {
		ix.rarity[w] = math.Log(1 + float64(len(entries))/n)
	}
	for _, c := range counts {
		ix.vectors = append(ix.vectors, ix.weigh(c))
	}
	return ix
}

// weigh makes a vector of length 1 of word counts.
func (ix *index) weigh(counts map[string]float64) map[string]float64 {
	v := map[string]float64{}
	var sum float64
	for w, n := range counts {
		r, ok := ix.rarity[w]
		if !ok {
			r = ix.unseen
		}
		v[w] = (1 + math.Log(n)) * r
		sum += v[w] * v[w]
	}
	for w := range v {
		v[w] /= math.Sqrt(sum)
	}
	return v
}

// answer gives the answer of the nearest entry, or says that it doesn't know.
func (ix *index) answer(_ context.Context, question string) serve.Reply {
	best, score := ix.nearest(question)
	if score < enough {
		return serve.Reply{Output: unsure}
	}
	e := ix.entries[best]
	return serve.Reply{Output: e.answer, Chunks: []serve.Chunk{{
		Text:     e.question + " " + e.answer,
		Metadata: map[string]any{"entry": best + 1, "score": math.Round(score*1000) / 1000},
	}}}
}

// nearest is the position of the entry most like the question, and the cosine.
func (ix *index) nearest(question string) (best int, score float64) {
	counts := map[string]float64{}
	for _, w := range words(question) {
		counts[w]++
	}
	query := ix.weigh(counts)
	for i, v := range ix.vectors {
		var cosine float64
		for w, x := range query {
			cosine += x * v[w]
		}
		if cosine > score+1e-12 { // sums in map order differ in the last digits
			best, score = i, cosine
		}
	}
	return best, score
}

// words are the telling words of a text: lower case, without the common ones,
// cut to their stems.
func words(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	}) {
		w = strings.TrimSuffix(w, "'s")
		if common(w) {
			continue
		}
		out = append(out, sameAs(stem(w)))
	}
	return out
}

// stem cuts the usual endings of English words off; what is left need not be a
// word.
func stem(w string) string {
	for _, ending := range []string{"ing", "ies", "ied", "ed", "es", "s", "y", "e"} {
		if s, ok := strings.CutSuffix(w, ending); ok && len(s) >= 3 {
			return s
		}
	}
	return w
}

// sameAs maps a stem to another that means the same in this shop.
func sameAs(stem string) string {
	switch stem {
	case "packag", "parcel", "shipment":
		return "parcel"
	case "ship", "deliver", "post":
		return "deliver"
	case "coupon", "promo", "code":
		return "voucher"
	case "telephon", "call":
		return "phone"
	case "broken", "defect", "crack":
		return "damag"
	case "login", "log", "sign":
		return "login"
	}
	return stem
}

// common tells the words that say nothing about the subject.
func common(w string) bool {
	switch w {
	case "a", "an", "the", "this", "that", "these", "those", "it", "its", "there",
		"i", "me", "my", "you", "your", "we", "us", "our", "they", "them", "something",
		"am", "is", "are", "was", "were", "be", "been", "do", "does", "did", "have", "has", "had",
		"can", "could", "will", "would", "should", "may", "must", "i'm", "i've", "don't",
		"and", "or", "but", "if", "then", "so", "not", "no", "yes", "any", "all", "some", "other", "another",
		"of", "to", "in", "on", "at", "by", "for", "from", "with", "without", "about", "up", "out", "as", "than", "off",
		"what", "which", "who", "when", "where", "how", "why", "much", "many", "get", "got", "go", "please", "want", "need", "like":
		return true
	}
	return w == ""
}
