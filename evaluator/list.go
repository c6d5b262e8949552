package evaluator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

type listOptions struct {
	Value              any      `yaml:"value" json:"value,omitempty" jsonschema:"description=The expected list. Default: the case's expected value."`
	AllowExtraEntities bool     `yaml:"allow_extra_entities" json:"allow_extra_entities,omitempty" jsonschema:"description=Further items of the output cost nothing."`
	Separator          string   `yaml:"separator" json:"separator,omitempty" jsonschema:"description=What stands between the items when a list is a text and not JSON."`
	Threshold          *float64 `yaml:"threshold" json:"threshold,omitempty" jsonschema:"minimum=0,maximum=1,description=The value that passes."`
}

// maxItems is how many items a list may have: matching takes its cube.
const maxItems = 500

func listDefinitions() []Definition {
	return []Definition{{
		Name: "list-contains", Aliases: []string{"ListContains"}, Options: listOptions{}, Scalar: "value",
		Doc: "How well the items of the output's list match the expected ones, in any order: each is paired with at most one of the other side so that the sum of their Levenshtein similarities is the highest, and that sum is divided by the length of the longer list, or of the expected one with `allow_extra_entities`. Two empty lists are 1, one empty list is 0. This is autoevals' ListContains with its default comparison. " +
			"The output is a list, a text that is a JSON array, or with `separator` a text to split; any other output is 0. It passes when it reaches `threshold`; without one there is a value and no verdict. Lists of more than 500 items are an error.",
		New: newList,
	}}
}

func newList(o Options) (harness.Evaluator, error) {
	var opts listOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	if err := checkThreshold(o, opts.Threshold, ""); err != nil {
		return nil, err
	}
	ref := o.reference("value", opts.Value)
	valid := func(e expected) error { _, err := opts.items(e.value); return err }
	if err := ref.check(o, "value", valid); err != nil {
		return nil, err
	}
	return builtin(o, func(ctx context.Context, t harness.Trial) (harness.Score, error) {
		e, err := ref.of(t)
		if err != nil {
			return harness.Score{}, err
		}
		want, err := opts.items(e.value)
		if err != nil {
			return harness.Score{}, fmt.Errorf("the expected value: %w", err)
		}
		found, err := opts.items(t.Output.Value)
		if err != nil {
			return graded(0, opts.Threshold, fmt.Sprintf("the output: %v; expected %s", err, showAll(want))), nil
		}
		return opts.score(ctx, found, want)
	}), nil
}

// items are the texts of a list.
func (opts listOptions) items(v any) ([]string, error) {
	v, err := toJSON(v)
	if err != nil {
		return nil, err
	}
	list, ok := unpack(v).([]any)
	if text, isText := v.(string); !ok && isText && opts.Separator != "" {
		var items []string
		for item := range strings.SplitSeq(text, opts.Separator) {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		return items, nil
	}
	if !ok {
		return nil, fmt.Errorf("expected a list, found %s", showValue(v))
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = textOf(item)
	}
	return items, nil
}

func (opts listOptions) score(ctx context.Context, found, want []string) (harness.Score, error) {
	switch {
	case len(found) > maxItems || len(want) > maxItems:
		return harness.Score{}, fmt.Errorf("too many items to match: %d and %d, at most %d", len(found), len(want), maxItems)
	case len(found) == 0 && len(want) == 0:
		return graded(1, opts.Threshold, ""), nil
	case len(found) == 0 || len(want) == 0:
		return graded(0, opts.Threshold, fmt.Sprintf("found %d items, expected %d: %s", len(found), len(want), showAll(append(found, want...)))), nil
	}
	alike := make([][]float64, len(want))
	w := newWork()
	for i := range want {
		alike[i] = make([]float64, len(found))
		for j := range found {
			var err error
			if alike[i][j], _, err = similarity(ctx, found[j], want[i], w); err != nil {
				return harness.Score{}, err
			}
		}
	}
	partner, err := assign(ctx, alike)
	if err != nil {
		return harness.Score{}, err
	}
	sum := 0.0
	var missing []string
	for i, j := range partner {
		if j >= 0 {
			sum += alike[i][j]
		}
		if j < 0 || alike[i][j] < 1 {
			missing = append(missing, want[i])
		}
	}
	of := max(len(found), len(want))
	if opts.AllowExtraEntities {
		of = len(want)
	}
	reason := ""
	if value := sum / float64(of); value < 1 {
		reason = fmt.Sprintf("%d of %d expected items are not there as they are (%s); found %d: %s",
			len(missing), len(want), showAll(missing), len(found), showAll(found))
	}
	return graded(sum/float64(of), opts.Threshold, reason), nil
}

// assign pairs rows with columns so that the sum of the values is the highest;
// it gives the column of each row, -1 for a row without one.
//
// It is the Hungarian algorithm in the form of shortest augmenting paths with
// potentials (R. Jonker, A. Volgenant, 1987), over costs of -value.
func assign(ctx context.Context, value [][]float64) ([]int, error) {
	rows, columns := len(value), len(value[0])
	if rows > columns {
		turned := make([][]float64, columns)
		for j := range turned {
			turned[j] = make([]float64, rows)
			for i := range rows {
				turned[j][i] = value[i][j]
			}
		}
		byColumn, err := assign(ctx, turned)
		partner := make([]int, rows)
		for i := range partner {
			partner[i] = -1
		}
		for j, i := range byColumn {
			partner[i] = j
		}
		return partner, err
	}
	a := newAssignment(value)
	for i := range rows {
		if ctx.Err() != nil {
			return nil, errors.Join(errors.New("matching the lists"), ctx.Err())
		}
		a.add(i)
	}
	partner := make([]int, rows)
	for j, i := range a.row[:columns] {
		if i >= 0 {
			partner[i] = j
		}
	}
	return partner, nil
}

// assignment pairs row after row. The column past the last one stands for "none".
type assignment struct {
	value         [][]float64
	rowPotential  []float64
	colPotential  []float64
	row           []int // of each column, -1 for none
	columns, none int
}

func newAssignment(value [][]float64) *assignment {
	columns := len(value[0])
	a := &assignment{
		value: value, columns: columns, none: columns,
		rowPotential: make([]float64, len(value)), colPotential: make([]float64, columns+1), row: make([]int, columns+1),
	}
	for j := range a.row {
		a.row[j] = -1
	}
	return a
}

// add pairs one more row, along the cheapest path of re-pairings.
func (a *assignment) add(i int) {
	const infinite = 1e300
	least := make([]float64, a.columns) // reduced cost of the best way to a column
	from := make([]int, a.columns)      // the column before it on that way
	visited := make([]bool, a.columns+1)
	for j := range least {
		least[j] = infinite
	}
	a.row[a.none] = i
	at := a.none
	for a.row[at] >= 0 {
		visited[at] = true
		r, next, delta := a.row[at], -1, infinite
		for j := range least {
			if visited[j] {
				continue
			}
			cost := -a.value[r][j] - a.rowPotential[r] - a.colPotential[j]
			if cost < least[j] {
				least[j], from[j] = cost, at
			}
			if least[j] < delta {
				delta, next = least[j], j
			}
		}
		for j, seen := range visited {
			if seen {
				a.rowPotential[a.row[j]] += delta
				a.colPotential[j] -= delta
			} else if j < a.columns {
				least[j] -= delta
			}
		}
		at = next
	}
	for at != a.none {
		before := from[at]
		a.row[at] = a.row[before]
		at = before
	}
	a.row[a.none] = -1
}
