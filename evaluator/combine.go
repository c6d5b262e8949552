package evaluator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

type combineOptions struct {
	Of []strict.Node `yaml:"of" json:"of" jsonschema:"required,minItems=1,description=Evaluators as in the suite's own list."`
}

type weightedOptions struct {
	Of        []strict.Node      `yaml:"of" json:"of" jsonschema:"required,minItems=1,description=Evaluators as in the suite's own list."`
	Weights   map[string]float64 `yaml:"weights" json:"weights,omitempty" jsonschema:"description=The weights by metric name. Default: 1."`
	Threshold *float64           `yaml:"threshold" json:"threshold,omitempty" jsonschema:"description=The value that passes."`
}

func combineDefinitions() []Definition {
	const details = " Their values and verdicts are in the score's metadata."
	const verdicts = " Each has to give a verdict: one that only has a value needs a threshold."
	return []Definition{
		{
			Name: "all", Options: combineOptions{}, Scalar: "of",
			Doc: "Passes when all of several evaluators pass; the value is the lowest of theirs." + verdicts + " One that fails decides, also when another can't score; otherwise one that can't score leaves this without a score." + details,
			New: func(o Options) (harness.Evaluator, error) { return newCombine(o, allOf) },
		},
		{
			Name: "any", Options: combineOptions{}, Scalar: "of",
			Doc: "Passes when at least one of several evaluators passes; the value is the highest of theirs." + verdicts + " One that passes decides, also when another can't score; otherwise one that can't score leaves this without a score." + details,
			New: func(o Options) (harness.Evaluator, error) { return newCombine(o, anyOf) },
		},
		{
			Name: "weighted", Options: weightedOptions{}, Scalar: "of",
			Doc: "The weighted mean of the values of several evaluators: `weights` by their metric names, 1 for those that are not named. It passes when it reaches `threshold`; without one there is a value and no verdict. When one of them can't score, neither can this." + details,
			New: newWeighted,
		},
	}
}

// part is what one nested evaluator came to.
type part struct {
	name   string
	value  float64 // the mean when it gives several scores
	pass   *bool   // all of them; nil when one has no verdict
	reason string
	err    error // it could not score, and the rest means nothing
}

// combination runs nested evaluators and makes one score of what they give.
type combination struct {
	name  string
	parts []harness.Evaluator
	score func([]part) (harness.Score, error)
}

var (
	_ harness.Evaluator = (*combination)(nil)
	_ io.Closer         = (*combination)(nil)
)

func newCombine(o Options, score func([]part) (harness.Score, error)) (harness.Evaluator, error) {
	var opts combineOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	return nested(o, opts.Of, score)
}

func newWeighted(o Options) (harness.Evaluator, error) {
	var opts weightedOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	c, err := nested(o, opts.Of, func(parts []part) (harness.Score, error) { return weigh(parts, opts) })
	if err != nil {
		return nil, err
	}
	if err := checkWeights(o, opts, c.parts); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// nested builds the evaluators of a combination. Their names have to differ.
func nested(o Options, of []strict.Node, score func([]part) (harness.Score, error)) (*combination, error) {
	c := &combination{name: o.Name, score: score}
	if len(of) == 0 {
		return nil, o.At("of").Errorf("the list of evaluators is empty")
	}
	var errs []error
	seen := map[string]bool{}
	for _, n := range of {
		e, err := o.Registry.Build(n, o.Env)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.parts = append(c.parts, e)
		if seen[e.Name()] {
			err := n.Errorf("two evaluators of the same name %s", show(e.Name()))
			err.Hint = `give one of them another "name"`
			errs = append(errs, err)
		}
		seen[e.Name()] = true
	}
	if len(errs) > 0 {
		return nil, strict.Join(append(errs, c.Close())...)
	}
	return c, nil
}

func checkWeights(o Options, opts weightedOptions, parts []harness.Evaluator) error {
	var names []string
	sum := 0.0
	for _, e := range parts {
		names = append(names, e.Name())
		sum += opts.weight(e.Name())
	}
	for _, p := range o.At("weights").Pairs() {
		name := p.Key.Value
		switch _, given := opts.Weights[name]; {
		case !given: // the options themselves, without weights
		case !slices.Contains(names, name):
			return p.Key.Errorf("no evaluator of this list is named %s%s", show(name), strict.Meant(name, names))
		case opts.Weights[name] < 0:
			return p.Value.Errorf("the weight is negative")
		}
	}
	if sum <= 0 || !finite(sum) {
		return o.At("weights").Errorf("the weights add up to %s", showNumber(sum))
	}
	return nil
}

func (opts weightedOptions) weight(name string) float64 {
	if w, ok := opts.Weights[name]; ok {
		return w
	}
	return 1
}

func (c *combination) Name() string { return c.name }

// Close closes the nested evaluators that can be closed.
func (c *combination) Close() error {
	var errs []error
	for _, e := range c.parts {
		if closer, ok := e.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}

func (c *combination) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	parts := make([]part, len(c.parts))
	details := map[string]any{}
	for i, e := range c.parts {
		scores, err := e.Evaluate(ctx, t)
		if err == nil {
			parts[i], err = newPart(e.Name(), scores)
		}
		if err != nil {
			parts[i] = part{name: e.Name(), err: fmt.Errorf("%s: %w", e.Name(), err)}
			details[e.Name()] = map[string]any{"error": shorten(err.Error())}
			continue
		}
		detail := map[string]any{"value": parts[i].value}
		if parts[i].pass != nil {
			detail["pass"] = *parts[i].pass
		}
		details[e.Name()] = detail
	}
	s, err := c.score(parts)
	if err != nil {
		return nil, err
	}
	s.Reason, s.Metadata = shorten(s.Reason), details
	return []harness.Score{s}, nil
}

// newPart sums up the scores of one nested evaluator.
func newPart(name string, scores []harness.Score) (part, error) {
	if len(scores) == 0 {
		return part{}, errors.New("it gave no score")
	}
	p := part{name: name, pass: new(bool)}
	*p.pass = true
	for _, s := range scores {
		switch {
		case s.Error != nil:
			return part{}, s.Error
		case !finite(s.Value):
			return part{}, fmt.Errorf("its score is %v, which is not a number", s.Value)
		}
		p.value += s.Value / float64(len(scores))
		if s.Pass == nil {
			p.pass = nil
		} else if p.pass != nil {
			*p.pass = *p.pass && *s.Pass
		}
		if p.reason == "" {
			p.reason = s.Reason
		}
	}
	return p, nil
}

func allOf(parts []part) (harness.Score, error) {
	known, unknown, err := verdicts(parts)
	failed := slices.DeleteFunc(slices.Clone(known), func(p part) bool { return *p.pass })
	if err != nil || len(failed) == 0 && len(unknown) > 0 {
		return harness.Score{}, cmp.Or(err, first(unknown))
	}
	s := harness.PassIf(len(failed) == 0, fmt.Sprintf("%d of %d failed: %s", len(failed), len(parts), reasons(append(failed, unknown...))))
	s.Value = slices.MinFunc(known, byValue).value
	return s, nil
}

func anyOf(parts []part) (harness.Score, error) {
	known, unknown, err := verdicts(parts)
	passed := slices.ContainsFunc(known, func(p part) bool { return *p.pass })
	if err != nil || !passed && len(unknown) > 0 {
		return harness.Score{}, cmp.Or(err, first(unknown))
	}
	s := harness.PassIf(passed, fmt.Sprintf("none of %d passed: %s", len(parts), reasons(parts)))
	s.Value = slices.MaxFunc(known, byValue).value
	return s, nil
}

// verdicts parts those that gave a verdict from those that could not score. One
// that scored without a verdict is an error, whatever the others say.
func verdicts(parts []part) (known, unknown []part, err error) {
	for _, p := range parts {
		switch {
		case p.err != nil:
			unknown = append(unknown, p)
		case p.pass == nil:
			return nil, nil, noVerdict(p)
		default:
			known = append(known, p)
		}
	}
	return known, unknown, nil
}

// first is the error of the first that could not score, nil when all could.
func first(unknown []part) error {
	if len(unknown) == 0 {
		return nil
	}
	return unknown[0].err
}

func byValue(a, b part) int { return cmp.Compare(a.value, b.value) }

func noVerdict(p part) error {
	return fmt.Errorf("%s gives a value and no verdict: it needs a threshold here", p.name)
}

func weigh(parts []part, opts weightedOptions) (harness.Score, error) {
	sum, weights := 0.0, 0.0
	var low []part
	for _, p := range parts {
		if p.err != nil {
			return harness.Score{}, p.err
		}
		w := opts.weight(p.name)
		sum += w * p.value
		weights += w
		if w > 0 && p.value < 1 {
			low = append(low, p)
		}
	}
	value := sum / weights
	reason := ""
	if len(low) > 0 || opts.Threshold != nil && value < *opts.Threshold {
		reason = fmt.Sprintf("weighted mean %.4g: %s", value, reasons(low))
	}
	return graded(value, opts.Threshold, reason), nil
}

// reasons joins what parts say, each cut so that all have room.
func reasons(parts []part) string {
	slices.SortStableFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	var out []string
	for _, p := range parts {
		text := p.name + " " + showNumber(p.value)
		if p.err != nil {
			text, p.reason = p.name+" can't score", strings.TrimPrefix(p.err.Error(), p.name+": ")
		}
		if p.reason != "" {
			text += ": " + cut(p.reason, max(maxReason/len(parts)-len(text)-4, 20))
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}
