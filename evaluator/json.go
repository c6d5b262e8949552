package evaluator

import (
	"context"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/evalrun/evalrun/harness"
)

func jsonDefinitions() []Definition {
	return []Definition{
		{
			Name: "is-json", Options: schemaOptions{},
			Doc: "Passes when the whole output is one JSON value of any kind; with a JSON Schema in `value` or `file` it has to conform to that too. The value is 1 or 0. The meaning is promptfoo's. " + schemaDoc + " (promptfoo's default is draft-07.)",
			New: func(o Options) (harness.Evaluator, error) { return newJSON(o, isJSON) },
		},
		{
			Name: "ValidJSON", Options: schemaOptions{},
			Doc: "Passes when the whole output is JSON; the value is 1 or 0. Without a schema it has to be an object or an array, with one any JSON value that conforms: autoevals' meaning. The schema comes from `value` or `file`; the case's expected value, which autoevals takes for a schema when there is one, is not looked at. " + schemaDoc,
			New: func(o Options) (harness.Evaluator, error) { return newJSON(o, validJSON) },
		},
		{
			Name: "contains-json", Options: schemaOptions{},
			Doc: "Passes when the output has a JSON object or array somewhere, such as in a fenced block; with a JSON Schema in `value` or `file` at least one has to conform to that. The value is 1 or 0. promptfoo repairs broken JSON first, by which any text at all comes to contain some; here only JSON that is whole counts. " + schemaDoc,
			New: func(o Options) (harness.Evaluator, error) { return newJSON(o, containsJSON) },
		},
		{
			Name: "json-schema", Options: schemaOptions{},
			Doc: "Passes when the whole output is JSON that conforms to a JSON Schema; the value is 1 or 0. The schema is in `value` or `file`, else the case's expected value is the schema. The reason names the places that do not conform. " + schemaDoc,
			New: newJSONSchema,
		},
	}
}

// jsonCheck judges an output with a schema, which may be nil.
type jsonCheck func(out harness.Output, s *jsonschema.Schema) harness.Score

func newJSON(o Options, c jsonCheck) (harness.Evaluator, error) {
	var opts schemaOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	s, err := o.schema(opts)
	if err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		return c(t.Output, s), nil
	}), nil
}

func newJSONSchema(o Options) (harness.Evaluator, error) {
	var opts schemaOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	fixed, err := o.schema(opts)
	if err != nil {
		return nil, err
	}
	return builtin(o, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		s := fixed
		if s == nil {
			if t.Case.Expected == nil {
				return harness.Score{}, errors.New(`no schema: the suite gives neither "value" nor "file", and the case has no expected value`)
			}
			var err error
			if s, err = compileSchema(t.Case.Expected); err != nil {
				return harness.Score{}, fmt.Errorf("the case's expected value: %w", err)
			}
		}
		return isJSON(t.Output, s), nil
	}), nil
}

func isJSON(out harness.Output, s *jsonschema.Schema) harness.Score {
	v, err := outputJSON(out)
	if err != nil {
		return harness.Failed(fmt.Sprintf("not JSON (%v): %s", err, show(out.Text())))
	}
	if s == nil {
		return harness.Passed()
	}
	return conforms(v, s)
}

func conforms(v any, s *jsonschema.Schema) harness.Score {
	if err := validate(v, s); err != nil {
		return harness.Failed(fmt.Sprintf("the JSON does not conform to the schema: %s", schemaProblem(err)))
	}
	return harness.Passed()
}

// validate checks the value. The library panics at a number that it can't compute
// with, such as 1e9999999 where the schema has a minimum.
func validate(v any, s *jsonschema.Schema) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it can't be checked: is a number in it too large or too small?")
		}
	}()
	return s.Validate(v)
}

func validJSON(out harness.Output, s *jsonschema.Schema) harness.Score {
	score := isJSON(out, s)
	if s != nil || !*score.Pass {
		return score
	}
	v, _ := outputJSON(out)
	switch v.(type) {
	case map[string]any, []any:
		return score
	}
	return harness.Failed(fmt.Sprintf("neither an object nor an array: %s", show(out.Text())))
}

func containsJSON(out harness.Output, s *jsonschema.Schema) harness.Score {
	var last harness.Score
	count := 0
	for text := range findJSON(out.Text()) {
		v, err := decodeJSON(text)
		if err != nil {
			continue // not reached: findJSON gives JSON
		}
		count++
		if s == nil {
			return harness.Passed()
		}
		if last = conforms(v, s); *last.Pass {
			return last
		}
	}
	switch count {
	case 0:
		return harness.Failed(fmt.Sprintf("no JSON object or array in %s", show(out.Text())))
	case 1:
		return last
	}
	last.Reason = fmt.Sprintf("none of %d JSON values conforms to the schema; the last: %s", count, last.Reason)
	return last
}
