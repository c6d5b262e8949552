package evaluator

import (
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// number is a number found in a text.
type number struct {
	text  string // as it stands there
	value float64
}

// findNumbers gives the numbers of a text in their order.
//
// A number is digits with an optional sign, thousands separators (a comma, an
// underscore, a thin or no-break space, always before three digits), decimals
// and an exponent; "3/4" is a fraction. The sign counts when it stands directly
// before the number, or before its currency symbol, and no word or number stands
// directly before the sign: "10-5" is 10 and 5. What follows does not matter:
// "42km" and "60%" are 42 and 60. Digits that belong to a word (GPT4, x2), to a
// version or an address (1.2.3), to a date with slashes, or that overflow a
// float64 are no numbers.
//
// With comma, the decimal mark is a comma and a dot separates thousands.
func findNumbers(s string, comma bool) iter.Seq[number] {
	return func(yield func(number) bool) {
		f := finder{s: s, mark: '.', separator: ','}
		if comma {
			f.mark, f.separator = ',', '.'
		}
		for f.pos < len(s) {
			if n, ok := f.next(); ok && !yield(n) {
				return
			}
		}
	}
}

type finder struct {
	s         string
	pos       int
	mark      byte // of decimals
	separator byte // of thousands
}

// next moves past the next candidate, which may turn out to be no number.
func (f *finder) next() (number, bool) {
	start := strings.IndexAny(f.s[f.pos:], "0123456789")
	if start < 0 {
		f.pos = len(f.s)
		return number{}, false
	}
	start += f.pos
	first, _ := utf8.DecodeLastRuneInString(f.s[f.pos:start])
	if isWord(first) { // the digits belong to a word
		f.pos = start
		for f.skip(isWordByte); f.markAt(f.pos); f.skip(isWordByte) { // v1.2
			f.pos++
		}
		return number{}, false
	}
	if start > f.pos && f.s[start-1] == f.mark { // ".5", not "No.5"
		before, _ := utf8.DecodeLastRuneInString(f.s[:start-1])
		if !isWord(before) && before != rune(f.mark) {
			start--
		}
	}
	signed := f.sign(start)
	f.pos = start
	digits, ok := f.mantissa()
	if !ok {
		return number{}, false
	}
	digits += f.exponent()
	if f.pos-start == len(digits) && strings.Trim(digits, "0123456789") == "" {
		if n, found, ok := f.fraction(digits); found {
			return f.finish(signed, start, n, ok)
		}
	}
	value, err := strconv.ParseFloat(digits, 64)
	return f.finish(signed, start, value, err == nil && finite(value))
}

func (f *finder) finish(signed, start int, value float64, ok bool) (number, bool) {
	text := f.s[start:f.pos]
	if signed >= 0 {
		text = f.s[signed:f.pos]
		value = -value
	}
	return number{text, value}, ok
}

// sign gives the place of the minus that belongs to the number at start, -1 when
// there is none.
func (f *finder) sign(start int) int {
	head := f.s[f.pos:start]
	head = strings.TrimRightFunc(head, func(r rune) bool { return unicode.Is(unicode.Sc, r) })
	r, n := utf8.DecodeLastRuneInString(head)
	if r != '-' && r != '−' {
		return -1
	}
	at := f.pos + len(head) - n
	before, size := utf8.DecodeLastRuneInString(f.s[:at])
	if unicode.Is(unicode.Sc, before) { // "$-5", not "5$-6"
		before, _ = utf8.DecodeLastRuneInString(f.s[:at-size])
	}
	if isWord(before) || strings.ContainsRune(`)]}-−.%`, before) {
		return -1
	}
	return at
}

// mantissa reads digits, thousands and decimals, and gives them in Go's spelling.
// It is false for a version or an address, which it moves past.
func (f *finder) mantissa() (string, bool) {
	start := f.pos
	f.skip(isDigit)
	whole := f.s[start:f.pos]
	if n := len(whole); n >= 1 && n <= 3 && whole[0] != '0' {
		if end := f.thousands(); end > f.pos {
			whole = onlyDigits(f.s[start:end])
			f.pos = end
		}
	}
	digits := whole
	if f.markAt(f.pos) {
		from := f.pos
		f.pos++
		f.skip(isDigit)
		digits = whole + "." + f.s[from+1:f.pos]
	}
	if digits != whole && f.markAt(f.pos) {
		f.skip(func(c byte) bool { return isDigit(c) || c == f.mark || c == f.separator })
		return "", false
	}
	return digits, true
}

// markAt tells whether decimals start at i.
func (f *finder) markAt(i int) bool {
	return i+1 < len(f.s) && f.s[i] == f.mark && isDigit(f.s[i+1])
}

// thousands gives the end of a number whose first digits end at f.pos, with its
// groups of three; f.pos when there is no such group.
func (f *finder) thousands() int {
	end, used := f.pos, ""
	for {
		sep := f.groupMark(end)
		if sep == "" || used != "" && sep != used {
			return end
		}
		from := end + len(sep)
		to := from
		for to < len(f.s) && isDigit(f.s[to]) {
			to++
		}
		if to-from != 3 { // "1,2": a list
			return f.pos
		}
		end, used = to, sep
	}
}

// groupMark is the thousands separator at i, with a digit behind it.
func (f *finder) groupMark(i int) string {
	for _, sep := range []string{string(f.separator), "_", "\u00a0", "\u202f", "\u2009"} {
		if after, ok := strings.CutPrefix(f.s[i:], sep); ok && after != "" && isDigit(after[0]) {
			return sep
		}
	}
	return ""
}

// exponent reads "e+10" when it stands at f.pos.
func (f *finder) exponent() string {
	i := f.pos
	if i >= len(f.s) || f.s[i] != 'e' && f.s[i] != 'E' {
		return ""
	}
	i++
	if i < len(f.s) && (f.s[i] == '+' || f.s[i] == '-') {
		i++
	}
	end := i
	for end < len(f.s) && isDigit(f.s[end]) {
		end++
	}
	if next, _ := utf8.DecodeRuneInString(f.s[end:]); end == i || isWord(next) {
		return ""
	}
	text := f.s[f.pos:end]
	f.pos = end
	return text
}

// fraction reads "/4" behind the whole number above. found is false when there
// is none; a date, a path, or a division by zero is found and not ok.
func (f *finder) fraction(above string) (value float64, found, ok bool) {
	if f.pos+1 >= len(f.s) || f.s[f.pos] != '/' || !isDigit(f.s[f.pos+1]) {
		return 0, false, false
	}
	from := f.pos + 1
	f.pos = from
	f.skip(isDigit)
	below := f.s[from:f.pos]
	if f.pos < len(f.s) && f.s[f.pos] == '/' || f.markAt(f.pos) || f.groupMark(f.pos) != "" {
		f.skip(func(c byte) bool { return isDigit(c) || c == '/' || c == f.mark || c == f.separator })
		return 0, true, false
	}
	x, errX := strconv.ParseFloat(above, 64)
	y, errY := strconv.ParseFloat(below, 64)
	return x / y, true, errX == nil && errY == nil && y != 0
}

func (f *finder) skip(while func(c byte) bool) {
	for f.pos < len(f.s) && while(f.s[f.pos]) {
		f.pos++
	}
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func isWordByte(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isLetter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isWord tells whether a rune is part of a word; the rune that stands for no
// rune at all is not.
func isWord(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}
