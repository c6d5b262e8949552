package gate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The words after a limit.
const (
	wordProven = "proven"
	wordPlain  = "plain"
	wordWhere  = "where"
	wordVs     = "vs"
)

// whereIn is where the options of a check begin that may hold any character: its
// operator is before them.
func whereIn(text string) int {
	at := len(text)
	for _, word := range []string{wordWhere, wordVs} {
		if i := strings.LastIndex(text, " "+word+" "); i >= 0 {
			at = min(at, i)
		}
	}
	return at
}

// setOptions reads what follows the limit, which it returns.
func (c *Check) setOptions(text string) (limit string, err error) {
	words := strings.Fields(text)
	end := slices.IndexFunc(words, func(w string) bool {
		return slices.Contains([]string{wordProven, wordPlain, wordWhere, wordVs}, w)
	})
	if end < 0 {
		return text, nil
	}
	limit = strings.Join(words[:end], " ")
	for words = words[end:]; len(words) > 0; {
		word := words[0]
		words = words[1:]
		switch word {
		case wordProven:
			c.Proven = true
			continue
		case wordPlain:
			c.Plain = true
			continue
		}
		if len(words) == 0 {
			return "", fmt.Errorf("there is nothing after %q", word)
		}
		if word == wordWhere && c.Slice != (Slice{}) || word == wordVs && c.Baseline != "" {
			return "", fmt.Errorf("%s can be there once", word)
		}
		switch word {
		case wordWhere:
			key, value, ok := strings.Cut(words[0], "=")
			if !ok || key == "" {
				return "", fmt.Errorf("%q: write where KEY=VALUE, with a key of the cases' metadata", "where "+clip(words[0]))
			}
			c.Slice = Slice{key, value}
		case wordVs:
			c.Baseline = words[0]
		default:
			return "", fmt.Errorf("%q: after the limit come %s, %s, where KEY=VALUE and vs BASELINE", clip(word), wordProven, wordPlain)
		}
		words = words[1:]
	}
	return limit, nil
}

// allowed refuses options that mean nothing for the statistic.
func (c Check) allowed() error {
	k := c.kind()
	switch {
	case c.Proven && c.Plain:
		return errors.New("a limit is proven or plain, not both")
	case c.Baseline != "" && k != kindRatio:
		return fmt.Errorf("%s.%s is of this run alone; no_regression compares with a baseline", c.Metric, c.Stat)
	case c.Slice != (Slice{}) && k != kindScore && k != kindRatio && k != kindErrors:
		return fmt.Errorf("%s.%s is of the whole run: where is for scores, errors and ratios", c.Metric, c.Stat)
	case c.Slice != (Slice{}) && (c.Stat == "min" || c.Stat == "max"):
		return fmt.Errorf("where is for means and rates, not for %s", c.Stat)
	case c.Op == "==" && (c.Proven || k == kindRatio):
		return errors.New("that a value is equal can't be shown; write <= or >=")
	case c.Proven && !slices.Contains([]string{"pass_rate", "mean", "rate", "ratio", "p50", "p95"}, c.Stat):
		return fmt.Errorf("%s.%s can't be proven from a sample: a rate, a mean, a quantile or a ratio can", c.Metric, c.Stat)
	case c.Proven && k == kindCost:
		return errors.New("a cost can't be proven; cost.ratio can")
	}
	return nil
}

// needsCases tells whether a threshold looks at the cases, and not at the report.
func (c Check) needsCases() bool {
	return c.Compare == nil && c.kind() != kindRatio && (c.MustPass != nil || c.Quarantine != nil || c.Proven || c.Slice != (Slice{}))
}

// Compares tells whether the check compares the run with a baseline.
func (c Check) Compares() bool { return len(c.Baselines()) > 0 }

// Baselines are the names of those that a check needs; "" is the default one.
func (c Check) Baselines() []string {
	switch {
	case c.Compare != nil:
		return []string{c.Compare.Baseline}
	case c.MustPass == nil && c.kind() == kindRatio:
		return []string{c.Baseline}
	}
	return nil
}
