package gate

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// need is the operator and the limit as a reader sees them: "≥ 0.90".
func (c Check) need() string {
	op := c.Op
	switch op {
	case ">=":
		op = "≥"
	case "<=":
		op = "≤"
	case "==":
		op = "="
	}
	return op + " " + c.show(c.Limit)
}

// show writes a value of the check's kind, with as many digits as it takes to
// tell it from the limit.
func (c Check) show(v float64) string {
	switch c.kind() {
	case kindLatency:
		return c.showDuration(v)
	case kindErrors, kindTokens, kindCases:
		if c.Stat != "rate" {
			return c.digits(v, 0)
		}
	case kindCost:
		return "$" + c.digits(v, 2)
	}
	if c.percent {
		d := c
		d.Limit = round(c.Limit * 100)
		return d.digits(round(v*100), 0) + "%"
	}
	return c.digits(v, 2)
}

// digits writes v with at least so many decimals.
func (c Check) digits(v float64, least int) string {
	least = max(least, decimals(c.Limit))
	for n := least; n < 9; n++ {
		s := fixed(v, n)
		if v == c.Limit || s != fixed(c.Limit, n) {
			return s
		}
	}
	return fixed(v, 9)
}

// showDuration writes three digits, and more where it takes them to tell the
// value from the limit.
func (c Check) showDuration(v float64) string {
	d, limit := duration(v), duration(c.Limit)
	for n := 3; n < 19; n++ {
		if short := significant(d, n); d == limit || short != limit {
			return short.String()
		}
	}
	return d.String()
}

// significant rounds d to n digits, and from a minute on to whole seconds at least.
func significant(d time.Duration, n int) time.Duration {
	step := time.Duration(1)
	for v := d; v >= time.Duration(math.Pow10(n)); v /= 10 {
		step *= 10
	}
	if d >= time.Minute {
		step = min(step, max(time.Second/time.Duration(math.Pow10(n-3)), 1))
	}
	return d.Round(step)
}

func duration(milliseconds float64) time.Duration {
	return time.Duration(math.Round(milliseconds * float64(time.Millisecond)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round takes away what a multiplication by 100 adds to a decimal fraction.
func round(v float64) float64 {
	if s, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 14, 64), 64); err == nil {
		return s
	}
	return v
}

// decimals is how many of them the shortest way to write v has, at most 9.
func decimals(v float64) int {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	return min(len(fraction), 9)
}

// fixed is v with n decimals and commas between the thousands.
func fixed(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, found := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}

func thousands(n int64) string { return fixed(float64(n), 0) }

// count is "1 case" or "1,319 cases".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// verb is "count" for many, "counts" for one.
func verb(n int64, word string) string {
	if n == 1 {
		return word + "s"
	}
	return word
}

func percentage(share float64) string {
	return strconv.FormatFloat(round(share*100), 'f', -1, 64) + "%"
}
