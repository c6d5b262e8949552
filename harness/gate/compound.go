package gate

import (
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/strict"
)

// Compare is a comparison with a baseline, case by case.
type Compare struct {
	// Improve asks for an improvement; without it, for no regression.
	Improve bool
	// Baseline is its name; "" is the one that the run was given, or main.
	Baseline string
	// Metrics are those that are compared; none: all of the evaluators.
	Metrics []string
	// Mode says who has to show something: alarm fails only what is shown to be
	// worse, prove passes only what is shown not to be worse by the margin.
	Mode Mode
	// Alpha is the one-sided level of the tests, 0.05 by default.
	Alpha float64
	// Margin is the loss that does not matter, and for an improvement the gain that
	// is asked for; 0 by default.
	Margin float64
	// MinEffect is the drop that matters: a run that could not have seen it is
	// underpowered. 0: none is named.
	MinEffect float64
	// Coverage is the share of the cases of each run that have to be in both with
	// the same content, 0.95 by default.
	Coverage float64
	// Strict makes an underpowered comparison inconclusive.
	Strict bool
	// Exact takes only tests that never exceed their level.
	Exact bool
	// FailFast ends the run early when a regression is certain.
	FailFast bool
	// Slice takes only the cases with this metadata.
	Slice Slice
}

// Mode of a comparison.
type Mode string

// The modes.
const (
	Alarm Mode = "alarm"
	Prove Mode = "prove"
)

// MustPass are cases that have to pass in every trial.
type MustPass struct {
	// All takes every case, whose trials then need no verdict each.
	All bool
	// Cases are their IDs.
	Cases []string
	// Slice takes those with this metadata besides.
	Slice Slice
	// Metrics that have to pass; none: all that give verdicts.
	Metrics []string
}

// The names of compound checks.
const (
	nameRegression  = "no_regression"
	nameImprovement = "improvement"
	nameMustPass    = "must_pass"
)

// Compounds are the checks that take options: NAME, or NAME: {OPTIONS}.
func Compounds() []string { return []string{nameRegression, nameImprovement, nameMustPass} }

func isCompound(text string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(text), ":")
	name = strings.TrimSpace(strings.Trim(strings.TrimSpace(name), `"'{`))
	return name == nameQuarantine || slices.Contains(Compounds(), name)
}

func parseCompound(text string) (Check, error) {
	n, err := strict.Parse("", []byte(text))
	if err != nil {
		return Check{}, err
	}
	return FromNode(n)
}

// CompareOptions are the options of no_regression and improvement as they are
// written.
type CompareOptions struct {
	Baseline  string   `yaml:"baseline" jsonschema_description:"The baseline's name, a run or a file. Default: the one that --baseline names, or main."`
	Metrics   []string `yaml:"metrics" jsonschema_description:"The metrics to compare. Default: all."`
	Mode      string   `yaml:"mode" jsonschema:"enum=alarm,enum=prove,default=alarm" jsonschema_description:"alarm fails what is shown to be worse; prove passes what is shown not to be."`
	Alpha     float64  `yaml:"alpha" jsonschema:"exclusiveMinimum=0,maximum=0.5,default=0.05" jsonschema_description:"The one-sided level of the tests."`
	Margin    float64  `yaml:"margin" jsonschema:"minimum=0,exclusiveMaximum=1,default=0" jsonschema_description:"The loss that does not matter."`
	MinEffect float64  `yaml:"min_effect" jsonschema:"minimum=0,exclusiveMaximum=1" jsonschema_description:"The drop that matters; a run that could not have seen it is called underpowered."`
	Coverage  float64  `yaml:"coverage" jsonschema:"minimum=0,maximum=1,default=0.95" jsonschema_description:"The share of the cases of each run that have to be in both with the same content."`
	By        float64  `yaml:"by" jsonschema:"minimum=0,exclusiveMaximum=1,default=0" jsonschema_description:"improvement: the gain that is asked for."`
	Strict    bool     `yaml:"strict" jsonschema_description:"An underpowered comparison is inconclusive."`
	Exact     bool     `yaml:"exact" jsonschema_description:"Only tests that never exceed their level."`
	FailFast  bool     `yaml:"fail_fast" jsonschema_description:"no_regression: end the run as soon as a regression is certain. Cases are asked in random order then."`
	Where     string   `yaml:"where" jsonschema_description:"KEY=VALUE: only the cases with this metadata."`
}

// MustPassOptions are the options of must_pass as they are written.
type MustPassOptions struct {
	All     bool     `yaml:"all" jsonschema_description:"Every case."`
	Cases   []string `yaml:"cases" jsonschema_description:"IDs of cases."`
	Where   string   `yaml:"where" jsonschema_description:"KEY=VALUE: the cases with this metadata, besides."`
	Metrics []string `yaml:"metrics" jsonschema_description:"The metrics that have to pass. Default: all that give verdicts."`
}

// FromNode reads a check of a suite: text, or one name with its options. Errors
// have their place.
func FromNode(n strict.Node) (Check, error) {
	name, options := n, strict.Node{}
	if pairs := n.Pairs(); len(pairs) == 1 {
		name, options = pairs[0].Key, pairs[0].Value
	} else if !n.IsScalar() {
		return Check{}, n.Errorf("expected a check such as equals.pass_rate >= 0.9, or one name with its options such as no_regression: {baseline: main}")
	}
	quoted := n.IsScalar() && strings.Contains(n.Value, ":") // "no_regression: {…}" as one text
	if n.IsScalar() && (quoted || !isCompound(n.Value)) && !options.Given() {
		c, err := Parse(n.Value)
		if err != nil {
			return c, n.Errorf("%v", err)
		}
		return c, nil
	}
	c := Check{Text: n.Flow()}
	var err error
	switch strings.TrimSpace(name.Value) {
	case nameRegression, nameImprovement:
		c.Compare, err = compareOf(strings.TrimSpace(name.Value) == nameImprovement, options)
	case nameMustPass:
		c.MustPass, err = mustPassOf(name, options)
	case nameQuarantine:
		return QuarantineOf(options)
	default:
		err = name.Errorf("there is no check %s%s", strict.Quote(name.Value), strict.Meant(name.Value, Compounds()))
	}
	return c, err
}

func compareOf(improve bool, n strict.Node) (*Compare, error) {
	o := CompareOptions{Mode: string(Alarm), Alpha: 0.05, Coverage: 0.95}
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	c := &Compare{
		Improve: improve, Baseline: o.Baseline, Metrics: o.Metrics, Mode: Mode(o.Mode), Alpha: o.Alpha,
		Margin: o.Margin, MinEffect: o.MinEffect, Coverage: o.Coverage, Strict: o.Strict, Exact: o.Exact,
		FailFast: o.FailFast,
	}
	for _, f := range []struct {
		key      string
		ok       bool
		expected string
	}{
		{"mode", c.Mode == Alarm || c.Mode == Prove, "alarm or prove"},
		{"alpha", o.Alpha > 0 && o.Alpha <= 0.5, "above 0 and at most 0.5"},
		{"margin", o.Margin >= 0 && o.Margin < 1, "from 0 to below 1"},
		{"min_effect", o.MinEffect >= 0 && o.MinEffect < 1, "from 0 to below 1"},
		{"by", o.By >= 0 && o.By < 1, "from 0 to below 1"},
		{"coverage", o.Coverage >= 0 && o.Coverage <= 1, "from 0 to 1"},
		{"fail_fast", !o.FailFast || !improve && c.Mode == Alarm && o.Margin == 0, "with no_regression in mode alarm without a margin only"},
		{"by", o.By == 0 || improve, "with improvement only; no_regression has margin"},
		{"margin", o.Margin == 0 || !improve, "with no_regression only; improvement has by"},
	} {
		if !f.ok {
			return nil, n.Get(f.key).Errorf("%s: expected %s", f.key, f.expected)
		}
	}
	if improve {
		c.Margin = o.By
	}
	var err error
	c.Slice, err = sliceOf(n.Get("where"), o.Where)
	return c, err
}

func mustPassOf(name, n strict.Node) (*MustPass, error) {
	var o MustPassOptions
	var err error
	if n.Items() != nil {
		err = n.Decode(&o.Cases)
	} else {
		err = n.Decode(&o)
	}
	if err != nil {
		return nil, err
	}
	m := &MustPass{All: o.All, Cases: o.Cases, Metrics: o.Metrics}
	if m.Slice, err = sliceOf(n.Get("where"), o.Where); err != nil {
		return nil, err
	}
	if !m.All && len(m.Cases) == 0 && m.Slice == (Slice{}) {
		return nil, name.Errorf("must_pass needs cases: a list of IDs, {where: KEY=VALUE} or {all: true}")
	}
	return m, nil
}

func sliceOf(n strict.Node, text string) (Slice, error) {
	if text == "" {
		return Slice{}, nil
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Slice{}, n.Errorf("where: expected KEY=VALUE, with a key of the cases' metadata, found %s", strict.Quote(text))
	}
	return Slice{key, value}, nil
}
