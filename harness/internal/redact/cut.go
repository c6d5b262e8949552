package redact

import "strings"

// cutMark is what our packages write where a text was cut.
const cutMark = "…"

// parts finds what a cut has left of a secret: before a cut its beginning, after
// one its end, between two any part.
func (r *Redactor) parts(s string) []span {
	var found []span
	for at := 0; ; {
		i := strings.Index(s[at:], cutMark)
		if i < 0 {
			return found
		}
		i += at
		at = i + len(cutMark)
		// A quote or a space may stand between the text and the mark.
		for end := i; end > 2; end-- {
			if from, ok := r.before(s, end); ok {
				found = append(found, span{from, end})
				break
			}
			if i-end == 3 || !between(s[end-1]) {
				break
			}
		}
		for from := at; from+3 <= len(s); from++ {
			if to, ok := r.after(s, from); ok {
				found = append(found, span{from, to})
				break
			}
			if from-at == 3 || !between(s[from]) {
				break
			}
		}
	}
}

func between(c byte) bool { return strings.IndexByte("\"'` \n)", c) >= 0 }

// least is how much of a form is worth hiding.
func least(form string) int { return min(MinSecret, len(form)/2) }

// before finds the part of a secret that ends at end. It has to go back to where
// the secret begins, or to another cut.
func (r *Redactor) before(s string, end int) (from int, ok bool) {
	if !r.grams[hash(s, end)] {
		return 0, false
	}
	from = end
	for _, form := range r.forms {
		size := least(form)
		if size > end {
			continue
		}
		tail := s[end-size : end]
		for at := 0; ; at++ {
			i := strings.Index(form[at:], tail)
			if i < 0 {
				break
			}
			at += i
			n := size
			for k := at; k > 0 && n < end && form[k-1] == s[end-n-1]; k-- {
				n++
			}
			if n-size == at || cutBefore(s, end-n) {
				from = min(from, end-n)
			}
		}
	}
	return from, from < end
}

// after finds the part of a secret that begins at from. It has to go on to where
// the secret ends, or to another cut.
func (r *Redactor) after(s string, from int) (to int, ok bool) {
	if !r.grams[hash(s, from+3)] {
		return 0, false
	}
	to = from
	for _, form := range r.forms {
		size := least(form)
		if from+size > len(s) {
			continue
		}
		head := s[from : from+size]
		for at := 0; ; at++ {
			i := strings.Index(form[at:], head)
			if i < 0 {
				break
			}
			at += i
			n := size
			for at+n < len(form) && from+n < len(s) && form[at+n] == s[from+n] {
				n++
			}
			if at+n == len(form) || cutAfter(s, from+n) {
				to = max(to, from+n)
			}
		}
	}
	return to, to > from
}

func cutBefore(s string, at int) bool {
	for k := 0; k < 3 && at > 0 && between(s[at-1]); k++ {
		at--
	}
	return at == 0 || strings.HasSuffix(s[:at], cutMark)
}

func cutAfter(s string, at int) bool {
	for k := 0; k < 3 && at < len(s) && between(s[at]); k++ {
		at++
	}
	return at == len(s) || strings.HasPrefix(s[at:], cutMark)
}
