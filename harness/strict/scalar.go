package strict

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// scalar decodes text, a number, a boolean or a duration.
func (d *decoder) scalar(n Node, v reflect.Value) {
	what := kindName(v.Type())
	if n.Kind != yaml.ScalarNode {
		d.expected(n, what)
		return
	}
	text, plain := n.Value, n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch {
	case v.Type() == durationType:
		d.duration(n, v)
	case v.Kind() == reflect.String:
		v.SetString(text) // a number or a boolean too, as it is written
	case !plain:
		d.expected(n, what)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || len(text) == 1 {
			d.expected(n, what)
			return
		}
		v.SetBool(b)
	case v.CanInt():
		i, err := strconv.ParseInt(text, 0, v.Type().Bits())
		if err != nil {
			d.expected(n, what)
			return
		}
		v.SetInt(i)
	case v.CanUint():
		u, err := strconv.ParseUint(text, 0, v.Type().Bits())
		if err != nil {
			d.expected(n, what)
			return
		}
		v.SetUint(u)
	case v.CanFloat():
		f, ok := number(text)
		if !ok {
			d.expected(n, what)
			return
		}
		v.SetFloat(f)
	default:
		d.fail(n, "a value of type %s can't be given in YAML", v.Type())
	}
}

func (d *decoder) duration(n Node, v reflect.Value) {
	t, err := time.ParseDuration(n.Value)
	if err == nil {
		v.SetInt(int64(t))
		return
	}
	e := n.Errorf("expected a duration such as 30s or 1m30s, found %s", describe(n.Node))
	if _, ok := parseFloat(n.Value); ok && n.Style&hidden == 0 {
		e.Hint = "a duration has a unit: " + n.Value + "s"
	}
	d.errs = append(d.errs, e)
}

// free decodes into an any what JSON would give.
func (d *decoder) free(n Node, v reflect.Value) {
	if v.NumMethod() > 0 {
		d.fail(n, "a value of type %s can't be given in YAML", v.Type())
		return
	}
	var x any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		d.mapping(n, reflect.ValueOf(&m).Elem())
		x = m
	case yaml.SequenceNode:
		l := []any{}
		d.list(n, reflect.ValueOf(&l).Elem())
		x = l
	default:
		x = d.freeScalar(n)
	}
	v.Set(reflect.ValueOf(&x).Elem())
}

func (d *decoder) freeScalar(n Node) any {
	switch n.ShortTag() {
	case "!!bool":
		if b, err := strconv.ParseBool(n.Value); err == nil {
			return b
		}
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return float64(i)
		}
		if f, ok := parseFloat(n.Value); ok {
			return f
		}
	case "!!float":
		if f, ok := parseFloat(n.Value); ok {
			return f
		}
	default:
		return n.Value
	}
	d.fail(n, "%s has no JSON value", describe(n.Node))
	return nil
}

// number reads what a field that is a number takes: a finite decimal number, or a
// percentage, 80% being 0.8.
func number(text string) (float64, bool) {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		f, ok := parseFloat(strings.TrimSpace(percent))
		return f / 100, ok
	}
	return parseFloat(text)
}

// parseFloat reads a finite decimal number, underscores between digits allowed.
func parseFloat(text string) (float64, bool) {
	plain := text
	if strings.ContainsAny(text, "xXpPnN") { // hexadecimal, nan, inf
		i, err := strconv.ParseInt(text, 0, 64)
		return float64(i), err == nil
	}
	if strings.Contains(text, "_") {
		plain = strings.ReplaceAll(text, "_", "")
	}
	f, err := strconv.ParseFloat(plain, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// kindName says in users' words what a Go type takes.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that is not negative"
	}
	if t == durationType {
		return "a duration such as 30s"
	}
	return "a whole number"
}
