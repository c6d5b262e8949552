package evaluator

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/evalrun/evalrun/harness"
)

type exprOptions struct {
	Expression string   `yaml:"expression" json:"expression" jsonschema:"required,description=An expression over input and output and expected and so on."`
	Threshold  *float64 `yaml:"threshold" json:"threshold,omitempty" jsonschema:"description=The number that passes when the expression gives a number."`
}

// exprEnv is what an expression can name.
type exprEnv struct {
	ID       string         `expr:"id"`
	Trial    int            `expr:"trial"`
	Input    any            `expr:"input"`
	Output   any            `expr:"output"`
	Text     string         `expr:"text"`
	Expected any            `expr:"expected"`
	Extra    any            `expr:"extra"`
	History  any            `expr:"history"`
	Metadata map[string]any `expr:"metadata"`
	Latency  float64        `expr:"latency"`
	Cost     any            `expr:"cost"`
	Tokens   exprTokens     `expr:"tokens"`
	Chunks   []string       `expr:"chunks"`
	Tools    []string       `expr:"tools"`
	Answer   map[string]any `expr:"output_metadata"`
}

type exprTokens struct {
	Input  int64 `expr:"input"`
	Output int64 `expr:"output"`
	Known  bool  `expr:"known"`
}

func exprDefinitions() []Definition {
	return []Definition{{
		Name: "expr", Options: exprOptions{}, Scalar: "expression",
		Doc: "Evaluates an expression in the language of expr-lang: a boolean is the verdict (the value is 1 or 0), a number is the value, which passes when it reaches `threshold` and has no verdict without one; anything else is an error. " +
			"It can name input, output (text or JSON), text (the output as text), expected, extra, history, metadata (of the case), output_metadata, latency (in seconds), cost (in US dollars, nil when not known), tokens.input, tokens.output and tokens.known, chunks and tools (the texts retrieved and the names of the tools called), id and trial. " +
			"For example: latency < 2 and text contains \"refund\", or len(split(text, \" \")) <= 50. An expression that names expected is an error on a case that has none.",
		New: newExpr,
	}}
}

func newExpr(o Options) (harness.Evaluator, error) {
	var opts exprOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	at := o.At("expression")
	if strings.TrimSpace(opts.Expression) == "" {
		return nil, at.Errorf("the expression is empty")
	}
	var names namesExpected
	program, err := expr.Compile(opts.Expression, expr.Env(exprEnv{}), expr.Patch(&names))
	if err != nil {
		var place *file.Error
		if errors.As(err, &place) {
			e := at.Errorf("expression, line %d, column %d: %s", place.Line, place.Column+1, place.Message)
			if strings.Contains(place.Message, `Operator("=")`) {
				e.Hint = "to compare, write == in place of ="
			}
			return nil, e
		}
		return nil, at.Errorf("expression: %v", err)
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		if names.found && t.Case.Expected == nil {
			return harness.Score{}, errors.New("no expected value: the expression needs it and the case has none")
		}
		return runExpr(program, opts, t)
	}), nil
}

// namesExpected finds out whether an expression looks at the expected value.
type namesExpected struct{ found bool }

// Visit is called for each node of the expression.
func (v *namesExpected) Visit(node *ast.Node) {
	if id, ok := (*node).(*ast.IdentifierNode); ok && (id.Value == "expected" || id.Value == "$env") {
		v.found = true
	}
}

func runExpr(program *vm.Program, opts exprOptions, t harness.Trial) (harness.Score, error) {
	result, err := expr.Run(program, newExprEnv(t))
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return harness.Score{}, fmt.Errorf("expression: %s", message)
	}
	if ok, isBool := result.(bool); isBool {
		return harness.PassIf(ok, fmt.Sprintf("%s is false for %s", show(opts.Expression), show(t.Output.Text()))), nil
	}
	v := reflect.ValueOf(result)
	var value float64
	switch {
	case result != nil && v.CanFloat():
		value = v.Float()
	case result != nil && v.CanInt():
		value = float64(v.Int())
	case result != nil && v.CanUint():
		value = float64(v.Uint())
	default:
		return harness.Score{}, fmt.Errorf("expression: it gives %s, which is neither a boolean nor a number", showValue(result))
	}
	if !finite(value) {
		return harness.Score{}, fmt.Errorf("expression: it gives %v, which is not a number", value)
	}
	return graded(value, opts.Threshold, fmt.Sprintf("%s is %s for %s", show(opts.Expression), showNumber(value), show(t.Output.Text()))), nil
}

func newExprEnv(t harness.Trial) exprEnv {
	e := exprEnv{
		ID: t.Case.ID, Trial: t.Number, Input: t.Case.Input, Output: t.Output.Value, Text: t.Output.Text(),
		Expected: t.Case.Expected, Extra: t.Case.Extra, History: t.Case.History,
		Metadata: t.Case.Metadata, Latency: t.Latency.Seconds(), Answer: t.Output.Metadata,
	}
	if t.Output.CostUSD != nil {
		e.Cost = *t.Output.CostUSD
	}
	if u := t.Output.Usage; u != nil {
		e.Tokens = exprTokens{u.InputTokens, u.OutputTokens, true}
	}
	for _, c := range t.Output.Chunks {
		e.Chunks = append(e.Chunks, c.Text)
	}
	for _, c := range t.Output.ToolCalls {
		e.Tools = append(e.Tools, c.Name)
	}
	return e
}
