// Package redact takes secrets out of text: by their value, however it is
// written there, so that no name of a field or header has to be known.
package redact

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// Mark stands in the place of a secret.
	Mark = "[redacted]"
	// MinSecret is how many bytes a secret has at least, backslashes not counted. A
	// shorter value is left alone: it would be found in ordinary text.
	MinSecret = 8
)

// Redactor takes a set of secrets out of text. It is safe for concurrent use; a
// nil one knows no secret.
type Redactor struct {
	// What is looked for: at least MinSecret bytes each, without backslashes. These
	// are not looked at in a text either: so an escape is found in quotes, and in
	// quotes within quotes.
	forms []string
	// The search is Wu and Manber's: it looks at three bytes and goes on by as
	// many bytes as no form can begin in, six mostly.
	skip  []uint8             // by the hash of the last three of MinSecret bytes
	heads map[uint16][]string // the forms whose first MinSecret bytes end so
	grams []bool              // by hash: three bytes that stand in some form
}

// New looks for these values and for their base64, hexadecimal, URL, JSON, Go
// and HTML forms. Base64 is found wherever the value stands in what was encoded,
// so also within "user:secret" of basic authentication. Of a value with several
// lines each line is looked for as well, when it has twice MinSecret bytes.
func New(secrets ...string) *Redactor {
	found := map[string]bool{}
	for _, s := range secrets {
		for _, v := range variants(s) {
			for _, form := range formsOf(v) {
				if form = bare(form); len(form) >= MinSecret {
					found[form] = true
				}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	r := &Redactor{
		skip: slices.Repeat([]uint8{MinSecret - 2}, 1<<16), grams: make([]bool, 1<<16),
		heads: map[uint16][]string{},
	}
	for form := range found {
		r.add(form)
	}
	slices.SortFunc(r.forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return r
}

func (r *Redactor) add(form string) {
	r.forms = append(r.forms, form)
	for end := 3; end <= len(form); end++ {
		h := hash(form, end)
		r.grams[h] = true
		if end <= MinSecret {
			r.skip[h] = min(r.skip[h], uint8(MinSecret-end))
		}
		if end == MinSecret {
			r.heads[h] = append(r.heads[h], form)
		}
	}
}

// hash is of the three bytes before end.
func hash(s string, end int) uint16 {
	return uint16(s[end-3])<<11 ^ uint16(s[end-2])<<5 ^ uint16(s[end-1])
}

// Idle tells that there is no secret to look for.
func (r *Redactor) Idle() bool { return r == nil }

// Text is s with Mark in the place of each secret. Where "…" says that something
// was cut off, a part of a secret goes as well, when it is half of it or has
// MinSecret bytes.
func (r *Redactor) Text(s string) string {
	if r == nil {
		return s
	}
	plain := bare(s)
	hidden := append(r.whole(plain), r.parts(plain)...)
	if len(hidden) == 0 {
		return s
	}
	slices.SortFunc(hidden, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	done, w := 0, walk{s: s}
	for i := 0; i < len(hidden); {
		at := hidden[i]
		for i++; i < len(hidden) && hidden[i].from <= at.to; i++ { // secrets may overlap
			at.to = max(at.to, hidden[i].to)
		}
		b.WriteString(strings.TrimRight(s[done:w.to(at.from)], `\`)) // the first byte's escape goes too
		b.WriteString(Mark)
		done = w.to(at.to-1) + 1
	}
	b.WriteString(s[done:])
	return b.String()
}

// bare is a text without backslashes.
func bare(s string) string { return strings.ReplaceAll(s, `\`, "") }

// walk goes through a text beside its bare one.
type walk struct {
	s           string
	place, bare int
}

// to goes on to a place of the bare text and gives that of the text.
func (w *walk) to(bare int) int {
	for {
		for w.s[w.place] == '\\' {
			w.place++
		}
		if w.bare == bare {
			return w.place
		}
		w.place++
		w.bare++
	}
}

// span is a part of a text, from and to being places in it.
type span struct{ from, to int }

// whole finds the forms in a text, in the order in which they begin.
func (r *Redactor) whole(s string) []span {
	var found []span
	for end := MinSecret; end <= len(s); {
		h := hash(s, end)
		if skip := int(r.skip[h]); skip > 0 {
			end += skip
			continue
		}
		from := end - MinSecret
		longest := 0
		for _, form := range r.heads[h] {
			if len(form) > longest && strings.HasPrefix(s[from:], form) {
				longest = len(form)
			}
		}
		if longest > 0 {
			found = append(found, span{from, from + longest})
		}
		end++
	}
	return found
}
