package evaluator

import (
	"iter"
	"strings"
)

// maxDepth is how deep JSON may nest, as in encoding/json.
const maxDepth = 10_000

// findJSON gives the JSON objects and arrays within a text, the outermost ones,
// in their order. Where something that begins like one turns out broken, the
// whole ones inside of it count. Plain values (a number, a word in quotes) do
// not: any prose has those.
//
// The time is linear in the length of the text. After a failure the search goes
// on where it failed: whatever was opened before fails in the same place. Only
// the text of a string that broke is read again, and no two such strings share
// more than their ends.
func findJSON(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for pos := 0; pos < len(text); {
			start := strings.IndexAny(text[pos:], "{[")
			if start < 0 {
				return
			}
			s := scanner{text: text, pos: pos + start}
			for _, f := range s.container() {
				if !yield(text[f.start:f.end]) {
					return
				}
			}
			pos = s.pos
		}
	}
}

// scanner reads one object or array.
type scanner struct {
	text string
	pos  int // afterwards: where to go on
	open []frame
}

type span struct{ start, end int }

// frame is an object or array that is not closed yet.
type frame struct {
	start  int
	object bool
	want   want
	whole  []span // the objects and arrays directly in it
}

// want is what may come next in a frame.
type want uint8

const (
	wantFirst     want = iota // an item, a key, or the end
	wantItem                  // an item of an array, or the value of a key
	wantKey                   // a key
	wantColon                 // the colon behind a key
	wantSeparator             // a comma, or the end
)

// container gives the whole container at s.pos, or what is whole in it when it is
// broken.
func (s *scanner) container() []span {
	s.push()
	for {
		s.space()
		if s.pos >= len(s.text) || !s.token(s.text[s.pos]) {
			var whole []span
			for _, f := range s.open {
				whole = append(whole, f.whole...)
			}
			return whole
		}
		if len(s.open) == 1 && s.open[0].want == done {
			return []span{{s.open[0].start, s.pos}}
		}
	}
}

// done is what the outermost frame wants when it is closed.
const done want = 255

func (s *scanner) push() {
	s.open = append(s.open, frame{start: s.pos, object: s.text[s.pos] == '{'})
	s.pos++
}

// pop closes the innermost frame; its place in the outer one is an item.
func (s *scanner) pop() {
	s.pos++
	if len(s.open) == 1 {
		s.open[0].want = done
		return
	}
	closed := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	outer := &s.open[len(s.open)-1]
	outer.whole = append(outer.whole, span{closed.start, s.pos})
	outer.want = wantSeparator
}

// token reads what starts with c; false when it may not stand there.
func (s *scanner) token(c byte) bool {
	f := &s.open[len(s.open)-1]
	end := byte(']')
	if f.object {
		end = '}'
	}
	switch f.want {
	case wantColon:
		if c != ':' {
			return false
		}
		f.want = wantItem
		s.pos++
		return true
	case wantSeparator:
		if c == end {
			s.pop()
			return true
		}
		if c != ',' {
			return false
		}
		f.want = wantItem
		if f.object {
			f.want = wantKey
		}
		s.pos++
		return true
	case wantFirst:
		if c == end {
			s.pop()
			return true
		}
	}
	if f.object && f.want != wantItem { // a key
		f.want = wantColon
		return c == '"' && s.str()
	}
	f.want = wantSeparator
	switch {
	case c == '{' || c == '[':
		if len(s.open) >= maxDepth {
			return false
		}
		s.push()
		return true
	case c == '"':
		return s.str()
	case c == '-' || isDigit(c):
		return s.number()
	}
	return s.word()
}

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// str reads a string. A broken one is left behind its opening quote.
func (s *scanner) str() bool {
	s.pos++
	for i := s.pos; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.pos = i + 1
			return true
		case c < 0x20:
			return false
		case c != '\\':
			continue
		}
		i++
		if i >= len(s.text) || strings.IndexByte(`"\/bfnrtu`, s.text[i]) < 0 {
			return false
		}
		if s.text[i] == 'u' {
			if i+4 >= len(s.text) || strings.Trim(s.text[i+1:i+5], "0123456789abcdefABCDEF") != "" {
				return false
			}
			i += 4
		}
	}
	return false
}

func (s *scanner) number() bool {
	i := s.pos
	if s.text[i] == '-' {
		i++
	}
	from := i
	i = s.digits(i)
	if i == from || s.text[from] == '0' && i > from+1 {
		return false
	}
	if i < len(s.text) && s.text[i] == '.' {
		end := s.digits(i + 1)
		if end == i+1 {
			return false
		}
		i = end
	}
	if i < len(s.text) && s.text[i]|0x20 == 'e' {
		i++
		if i < len(s.text) && (s.text[i] == '+' || s.text[i] == '-') {
			i++
		}
		end := s.digits(i)
		if end == i {
			return false
		}
		i = end
	}
	s.pos = i
	return true
}

func (s *scanner) digits(i int) int {
	for i < len(s.text) && isDigit(s.text[i]) {
		i++
	}
	return i
}

func (s *scanner) word() bool {
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.pos:], w) {
			s.pos += len(w)
			return true
		}
	}
	return false
}
