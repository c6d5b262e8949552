package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// setLimit reads the right side of a check.
func (c *Check) setLimit(text string) error {
	k := c.kind()
	if d, err := time.ParseDuration(text); err == nil && !plain(text) {
		if k != kindLatency {
			return fmt.Errorf("%s.%s is not a duration: write a number such as 0.9", c.Metric, c.Stat)
		}
		if d < 0 {
			return fmt.Errorf("a latency is never below 0")
		}
		c.Limit = float64(d) / float64(time.Millisecond)
		return nil
	}
	number, percent := strings.CutSuffix(text, "%")
	value, err := parseNumber(strings.TrimSpace(number), percent)
	if err != nil {
		return fmt.Errorf("%q is not a number, a percentage or a duration", clip(text))
	}
	c.Limit, c.percent = value, percent
	return c.fits(text)
}

// fits refuses limits that the statistic could never have.
func (c *Check) fits(text string) error {
	k := c.kind()
	rate := c.Stat == "pass_rate" || c.Stat == "rate"
	switch {
	case k == kindLatency:
		return fmt.Errorf("%s needs a duration: write it like 2s or 500ms", c.Metric)
	case c.percent && k != kindScore && k != kindRatio && !rate:
		return fmt.Errorf("%s.%s is not a share: write a number", c.Metric, c.Stat)
	case rate && c.Limit > 1:
		return fmt.Errorf("a rate is between 0 and 1: write 0.9 or 90%%, not %s", text)
	case k == kindRatio && !(c.Limit > 0):
		return fmt.Errorf("a ratio is above 0: 1.2 is a fifth more than the baseline has")
	case (rate || k != kindScore) && c.Limit < 0:
		return fmt.Errorf("%s.%s is never below 0", c.Metric, c.Stat)
	}
	return nil
}

// parseNumber reads a decimal number; a percentage becomes the nearest float64
// to its hundredth, so that 28.7% is just what 0.287 is.
func parseNumber(s string, percent bool) (float64, error) {
	if !plain(s) {
		return 0, strconv.ErrSyntax
	}
	if percent {
		mantissa, exponent, found := strings.Cut(strings.ToLower(s), "e")
		power := 0
		if found {
			var err error
			if power, err = strconv.Atoi(exponent); err != nil {
				return 0, err
			}
		}
		s = mantissa + "e" + strconv.Itoa(power-2)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, strconv.ErrRange
	}
	return v, nil
}

// plain tells whether s is written as a decimal number: no hexadecimal digits,
// no underscores, no "inf" or "nan".
func plain(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.eE+-") == "" && strings.ContainsAny(s, "0123456789")
}

// holds compares a value with the limit. Sums of decimal fractions are a little
// off in binary: values within one part in 10¹² are equal.
func (c Check) holds(value float64) bool {
	equal := math.Abs(value-c.Limit) <= 1e-12*max(1, math.Abs(c.Limit))
	switch c.Op {
	case ">=":
		return equal || value > c.Limit
	case "<=":
		return equal || value < c.Limit
	case ">":
		return !equal && value > c.Limit
	case "<":
		return !equal && value < c.Limit
	case "==":
		return equal
	}
	return false
}

// verdict decides a value that may lie anywhere from low to high.
func (c Check) verdict(low, high float64) harness.Verdict {
	if !known(low) || !known(high) {
		return harness.Inconclusive
	}
	atLow, atHigh := c.holds(low), c.holds(high)
	switch {
	case atLow && atHigh:
		return harness.Pass
	case atLow || atHigh:
		return harness.Inconclusive
	case c.Op == "==" && low < c.Limit && c.Limit < high:
		return harness.Inconclusive
	}
	return harness.Fail
}

func known(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
