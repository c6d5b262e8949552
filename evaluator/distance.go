package evaluator

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// work counts down what an evaluation may still do, so that huge texts end in
// an error and not in a run that hangs.
type work struct{ left int64 }

// newWork allows about a second.
func newWork() *work { return &work{left: 400_000_000} }

// similarity is 1 - d / n, with d the Levenshtein distance of two texts (how
// many characters have to be inserted, removed or replaced to make one of the
// other) and n the length of the longer one; characters are code points. Two
// empty texts are alike: 1.
func similarity(ctx context.Context, a, b string, w *work) (value float64, d int, err error) {
	longest := max(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	if longest == 0 {
		return 1, 0, nil
	}
	if d, err = distance(ctx, a, b, w); err != nil {
		return 0, 0, err
	}
	return 1 - float64(d)/float64(longest), d, nil
}

// distance is the Levenshtein distance in code points.
//
// It goes through the table of the textbook in columns of 64 rows, a machine
// word each (G. Myers, A Fast Bit-Vector Algorithm for Approximate String
// Matching Based on Dynamic Programming, 1999; in the form of H. Hyyrö, A
// Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances,
// 2003), and keeps one byte for each character of the longer text.
func distance(ctx context.Context, a, b string, w *work) (int, error) {
	a, b = trimCommon(a, b)
	long, short := a, b
	n, m := utf8.RuneCountInString(long), utf8.RuneCountInString(short)
	if n < m {
		long, short, n, m = short, long, m, n
	}
	if m == 0 {
		return n, nil
	}
	blocks := int64(m+63) / 64
	if w.left -= blocks * int64(n); w.left < 0 {
		return 0, fmt.Errorf("too long to compare: %d and %d characters differ", n, m)
	}
	carry := make([]int8, n) // how the row above changes from column to column
	for j := range carry {
		carry[j] = 1
	}
	rows := []rune(short)
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		size := min(len(rows), 64)
		advance(rows[:size], long, carry)
		rows = rows[size:]
	}
	d := m
	for _, c := range carry {
		d += int(c)
	}
	return d, nil
}

// advance computes up to 64 rows of the table. carry holds the horizontal
// differences of the row above, and of the last row afterwards.
func advance(rows []rune, long string, carry []int8) {
	var ascii [utf8.RuneSelf]uint64
	other := map[rune]uint64{}
	for i, r := range rows {
		if r < utf8.RuneSelf {
			ascii[r] |= 1 << i
		} else {
			other[r] |= 1 << i
		}
	}
	last := uint64(1) << (len(rows) - 1)
	up, down := ^uint64(0), uint64(0) // vertical differences of +1 and -1
	j := 0
	for _, r := range long {
		var equal uint64
		if r < utf8.RuneSelf {
			equal = ascii[r]
		} else {
			equal = other[r]
		}
		in := carry[j]
		vertical := equal | down
		if in < 0 {
			equal |= 1
		}
		horizontal := (((equal & up) + up) ^ up) | equal
		plus := down | ^(horizontal | up)
		minus := up & horizontal
		switch {
		case plus&last != 0:
			carry[j] = 1
		case minus&last != 0:
			carry[j] = -1
		default:
			carry[j] = 0
		}
		plus, minus = plus<<1, minus<<1
		if in < 0 {
			minus |= 1
		} else if in > 0 {
			plus |= 1
		}
		up = minus | ^(vertical | plus)
		down = plus & vertical
		j++
	}
}

// trimCommon cuts off what two texts begin and end with alike.
func trimCommon(a, b string) (string, string) {
	for a != "" && b != "" {
		r, n := utf8.DecodeRuneInString(a)
		s, k := utf8.DecodeRuneInString(b)
		if r != s || n != k {
			break
		}
		a, b = a[n:], b[k:]
	}
	for a != "" && b != "" {
		r, n := utf8.DecodeLastRuneInString(a)
		s, k := utf8.DecodeLastRuneInString(b)
		if r != s || n != k {
			break
		}
		a, b = a[:len(a)-n], b[:len(b)-k]
	}
	return a, b
}
