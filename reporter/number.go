package reporter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
)

const none = "–"

// count writes a number with thousands separated: 12,345.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural is "1 case" or "2 cases".
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + many
}

// score writes a value in about four digits.
func score(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case math.Abs(v) >= 1e6:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case math.Abs(v) >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v != 0 && math.Abs(v) < 0.001:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// percent writes a rate. It says 100% and 0% only when that is exact.
func percent(v float64) string {
	s := strconv.FormatFloat(100*v, 'f', 1, 64)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 100:
		return none
	case s == "100.0" && v < 1:
		return ">99.9%"
	case s == "0.0" && v > 0:
		return "<0.1%"
	}
	return strings.TrimSuffix(s, ".0") + "%"
}

// duration writes a time span in three digits, from a minute on in seconds and
// from an hour on in minutes.
func duration(d time.Duration) string {
	if d < time.Minute {
		d = threeDigits(d)
	} else {
		d = d.Round(time.Second)
	}
	switch {
	case d <= 0:
		return "0s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + "ns"
	case d < time.Millisecond:
		return inUnit(d, time.Microsecond) + "µs"
	case d < time.Second:
		return inUnit(d, time.Millisecond) + "ms"
	case d < time.Minute:
		return inUnit(d, time.Second) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

func threeDigits(d time.Duration) time.Duration {
	step := time.Duration(1)
	for v := d; v >= 1000; v /= 10 {
		step *= 10
	}
	return d.Round(step)
}

// inUnit writes how many units d has, which are 1 to 999, in three digits.
func inUnit(d, unit time.Duration) string {
	decimals := 2
	for v := d; v >= 10*unit; v /= 10 {
		decimals--
	}
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', decimals, 64)
}

// dollars writes a price: cents when there are dollars, more digits below.
func dollars(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case math.Abs(v) >= 1e9:
		return "$" + strconv.FormatFloat(v, 'g', 4, 64)
	case v == 0 || math.Abs(v) >= 1:
		return "$" + strconv.FormatFloat(v, 'f', 2, 64)
	case math.Abs(v) >= 0.01:
		return "$" + strconv.FormatFloat(v, 'f', 4, 64)
	}
	return "$" + strconv.FormatFloat(v, 'g', 3, 64)
}

// finite is v for JSON, which knows no NaN: nil when there is no such number.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// milliseconds of a duration, with microseconds as decimals.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/1e3) / 1e3
}

// decimal writes a number without an exponent.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// valueText is a case's or an answer's value as text: a string as it is, nil
// as "", anything else as compact JSON.
func valueText(v any) string { return harness.Output{Value: v}.Text() }
