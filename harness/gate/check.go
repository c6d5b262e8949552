package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// Check is one check of a gate: a threshold, or one of Compare, MustPass and
// Quarantine. Make
// one with [Parse] or [FromNode].
type Check struct {
	// Text is the check as it was written; Parse reads it again.
	Text string
	// Compare is a comparison with a baseline; nil otherwise.
	Compare *Compare
	// MustPass are cases that have to pass; nil otherwise.
	MustPass *MustPass
	// Quarantine are cases that fail nothing by themselves; nil for other checks.
	Quarantine []harness.Quarantined
	// Metric is the name of an evaluator's metric, or latency, errors, cost,
	// tokens or cases.
	Metric string
	// Stat is what is looked at: pass_rate, mean, min, max, p50, p95, rate,
	// count, total, input, output, completed.
	Stat string
	// Op is one of >= <= > < ==.
	Op string
	// Limit is what the value is compared with: a share of 1 for a percentage,
	// milliseconds for a duration.
	Limit float64
	// Proven: the limit has to be shown to hold at a level of 5 %, not just to hold
	// for the cases that there are. Plain: a ratio has to hold as it is.
	Proven, Plain bool
	// Slice takes only the cases with this metadata.
	Slice Slice
	// Baseline is what a ratio is relative to; "" is the run's only one.
	Baseline string

	percent bool // the limit was written as a percentage
}

// Slice is the cases whose metadata has a value; the zero Slice is all of them.
type Slice struct{ Key, Value string }

// String is as it is written after where.
func (s Slice) String() string { return s.Key + "=" + s.Value }

// has tells whether a case is in the slice.
func (s Slice) has(metadata map[string]any) bool {
	if s == (Slice{}) {
		return true
	}
	v, ok := metadata[s.Key]
	if f, is := v.(float64); is { // 1000000, not 1e+06
		return strconv.FormatFloat(f, 'f', -1, 64) == s.Value
	}
	return ok && fmt.Sprint(v) == s.Value
}

// String is the check as it was written.
func (c Check) String() string { return c.Text }

// Evaluators are the names of the evaluators' metrics that the check needs; none
// for a check of the run itself (latency, errors, cost, tokens, cases) and for one
// that takes whatever metrics there are.
func (c Check) Evaluators() []string {
	switch {
	case c.Compare != nil:
		return c.Compare.Metrics
	case c.MustPass != nil:
		return c.MustPass.Metrics
	case c.kind() == kindScore:
		return []string{c.Metric}
	}
	return nil
}

// Missing are those of them that evaluators with these metrics do not give. A limit
// may be for a part that an evaluator gives beside its metric, METRIC/PART.
func (c Check) Missing(metrics []string) []string {
	var missing []string
	for _, name := range c.Evaluators() {
		given := func(metric string) bool {
			return name == metric || c.kind() == kindScore && strings.HasPrefix(name, metric+"/")
		}
		if !slices.ContainsFunc(metrics, given) {
			missing = append(missing, name)
		}
	}
	return missing
}

func (c Check) kind() kind { return kindOf(c.Metric, c.Stat) }

// kind sorts metrics by what their limits look like.
type kind int

const (
	kindUnknown kind = iota
	kindScore
	kindLatency
	kindErrors
	kindCost
	kindTokens
	kindCases
	kindRatio
)

// group is a metric of the run itself, or the evaluators' ones (name "").
type group struct {
	name  string
	kind  kind
	stats []string
}

func groups() []group {
	return []group{
		{"latency", kindLatency, []string{"p50", "p95", "max", "mean"}},
		{"errors", kindErrors, []string{"rate", "count"}},
		{"cost", kindCost, []string{"total", "mean"}},
		{"tokens", kindTokens, []string{"total", "input", "output"}},
		{"cases", kindCases, []string{"completed"}},
		{"latency", kindRatio, []string{"ratio"}},
		{"cost", kindRatio, []string{"ratio"}},
		{"", kindScore, []string{"pass_rate", "mean", "min", "max"}},
	}
}

func kindOf(metric, statistic string) kind {
	for _, g := range groups() {
		if (g.name == metric || g.name == "") && slices.Contains(g.stats, statistic) {
			return g.kind
		}
	}
	return kindUnknown
}

// Metrics lists every METRIC.STATISTIC that a check over these evaluators'
// metrics may name: the evaluators' first, in the order given, then the run's.
func Metrics(evaluators ...string) []string {
	var own, run []string
	for _, g := range groups() {
		for _, s := range g.stats {
			if g.name != "" {
				run = append(run, g.name+"."+s)
			}
		}
	}
	for _, e := range evaluators {
		for _, s := range groups()[len(groups())-1].stats {
			if name := e + "." + s; !slices.Contains(run, name) {
				own = append(own, name)
			}
		}
	}
	return append(own, run...)
}

// Parse reads one check, such as "equals.pass_rate >= 0.90". What the statistic
// may be and how its limit is written is in the package's documentation. The
// error says what is wrong and how it could be written.
func Parse(text string) (Check, error) {
	c, err := parse(text)
	if err != nil {
		return Check{}, fmt.Errorf("check %q: %w", clip(text), err)
	}
	return c, nil
}

func parse(text string) (Check, error) {
	if isCompound(text) {
		return parseCompound(text)
	}
	left, op, right, err := split(text)
	if err != nil {
		return Check{}, err
	}
	dot := strings.LastIndexByte(left, '.')
	if dot < 0 {
		return Check{}, fmt.Errorf("%q has no statistic: write it like %s.mean", left, left)
	}
	c := Check{
		Text: strings.TrimSpace(text), Op: op,
		Metric: strings.TrimSpace(left[:dot]), Stat: strings.TrimSpace(left[dot+1:]),
	}
	if c.Metric == "" {
		return Check{}, fmt.Errorf("there is no metric before %q", left[dot:])
	}
	if c.kind() == kindUnknown {
		return Check{}, fmt.Errorf("%s has no statistic %q; it has %s", c.Metric, c.Stat, strings.Join(statsOf(c.Metric), ", "))
	}
	limit, err := c.setOptions(right)
	if err == nil {
		err = c.setLimit(limit)
	}
	if err != nil {
		return Check{}, err
	}
	return c, c.allowed()
}

// split finds the operator: the last run of its characters, since a name may
// hold them and a limit may not.
func split(text string) (left, op, right string, err error) {
	const characters = "<>=!"
	end := strings.LastIndexAny(text[:whereIn(text)], characters) + 1
	if end == 0 {
		return "", "", "", fmt.Errorf("there is no operator: write it like equals.pass_rate >= 0.9")
	}
	start := end
	for start > 0 && strings.IndexByte(characters, text[start-1]) >= 0 {
		start--
	}
	left, op, right = strings.TrimSpace(text[:start]), text[start:end], strings.TrimSpace(text[end:])
	switch op {
	case ">=", "<=", ">", "<", "==":
	case "=":
		return "", "", "", fmt.Errorf("operator =: equality is ==")
	case "=>", "=<":
		return "", "", "", fmt.Errorf("operator %s: the equals sign comes last", op)
	default:
		return "", "", "", fmt.Errorf("unknown operator %s: there are >= <= > < ==", op)
	}
	if left == "" {
		return "", "", "", fmt.Errorf("there is no metric before %s", op)
	}
	if right == "" {
		return "", "", "", fmt.Errorf("there is no limit after %s", op)
	}
	return left, op, right, nil
}

func statsOf(metric string) []string {
	gs := groups()
	var stats []string
	for _, g := range gs {
		if g.name == metric {
			stats = append(stats, g.stats...)
		}
	}
	if stats == nil {
		stats = gs[len(gs)-1].stats
	}
	return stats
}

// clip keeps an error short, whatever stood in the suite.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
