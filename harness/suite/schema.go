package suite

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// Schema is the JSON Schema (draft 2020-12) of suite files with the evaluators,
// targets and formats of the options. Editors complete and check
// suites with it. It accepts the suites that Load does, a few odd spellings such
// as a null aside, and some that Load does not: it can't look at files, at the
// environment or at names of metrics.
func Schema(o Options) ([]byte, error) {
	if o.Evaluators == nil {
		o.Evaluators = evaluator.NewRegistry()
	}
	root := reflected(document{})
	root.Version = jsonschema.Version
	root.Title = "evalrun suite"
	root.Definitions = jsonschema.Definitions{}
	root.Required = slices.DeleteFunc(root.Required, func(key string) bool { return key == "dataset" || key == "evaluators" })
	root.OneOf = append(requireOne("app", "apps"), &jsonschema.Schema{Required: []string{"retell"}, Not: &jsonschema.Schema{Required: []string{"dataset"}}})
	for _, with := range root.OneOf[:2] {
		with.Required = append(with.Required, "dataset", "evaluators")
	}

	addApps(root, o.Targets)
	addEvaluators(root, o.Evaluators)
	if o.Formats != nil {
		property(root, "reports").Items = oneReport(o.Formats)
	}
	set := func(key string) *jsonschema.Schema { return property(root, key) }
	set("app").Ref = "#/$defs/app"
	set("apps").Type, set("apps").MinProperties = "object", count(1)
	set("apps").AdditionalProperties = &jsonschema.Schema{Ref: "#/$defs/app"}
	set("evaluators").Items = &jsonschema.Schema{Ref: "#/$defs/evaluator"}
	addChecks(root)
	set("gate").Items = &jsonschema.Schema{Ref: "#/$defs/check"}
	set("reduce").Ref = "#/$defs/reduce"
	set("quarantine").Type, set("quarantine").Items = "array", reflected(gate.QuarantineOptions{})

	dataset := set("dataset")
	dataset.OneOf = requireOne("file", "cases", "sgp")
	property(dataset, "file").Type = "string"
	one := reflected(caseDoc{})
	text(property(one, "input"), "string", "number", "boolean", "object")
	property(dataset, "cases").Items = one
	property(set("start"), "ready").Type = "string"
	property(set("start"), "dir").Type = "string"
	platform := property(set("publish"), "sgp")
	platform.OneOf = requireOne("evaluation_id", "evaluation")
	property(platform, "questions").Type = "object"
	property(platform, "questions").AdditionalProperties = &jsonschema.Schema{Type: "string"}

	batch := set("retell")
	engine := property(batch, "response_engine")
	engine.OneOf = requireOne("llm_id", "conversation_flow_id")
	cases := reflected(retellCasesDoc{})
	cases.OneOf = requireOne("all", "names", "file")
	property(cases, "file").Type = "string"
	property(batch, "test_cases").OneOf = []*jsonschema.Schema{
		{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: count(1), UniqueItems: true}, cases,
	}
	property(batch, "base_url").Type = "string"

	relax(root)
	for _, d := range root.Definitions {
		relax(d)
	}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("suite: make the JSON Schema: %w", err)
	}
	return data, nil
}

// addApps defines an app: a kind's name, or one kind with its options.
func addApps(root *jsonschema.Schema, reg *target.Registry) {
	var alone []any
	kinds := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	for _, k := range reg.Kinds() {
		options := reflected(k.Options)
		options.Description = k.Doc
		if len(options.Required) == 0 {
			alone = append(alone, k.Name)
		}
		root.Definitions["app."+k.Name] = options
		kinds.Properties.Set(k.Name, &jsonschema.Schema{Ref: "#/$defs/app." + k.Name})
	}
	root.Definitions["app"] = named(alone, kinds)
}

// addChecks defines a check, text or one name with its options, and how trials are
// reduced.
func addChecks(root *jsonschema.Schema) {
	compound := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	for _, name := range gate.Compounds() {
		options := reflected(gate.CompareOptions{})
		if name == "must_pass" {
			options = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
				reflected(gate.MustPassOptions{}), {Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: count(1)},
			}}
		}
		compound.Properties.Set(name, options)
	}
	compound.Type, compound.AdditionalProperties = "object", jsonschema.FalseSchema
	compound.MinProperties, compound.MaxProperties = count(1), count(1)
	root.Definitions["check"] = &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, compound}}

	var names []any
	withK := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	withK.MinProperties, withK.MaxProperties = count(1), count(1)
	for _, name := range reduce.Names() {
		if strings.HasSuffix(name, "_k") {
			withK.Properties.Set(name, &jsonschema.Schema{Type: "integer", Minimum: "1"})
		} else {
			names = append(names, name)
		}
	}
	root.Definitions["reduce"] = &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string", Enum: names}, withK}}
}

// addEvaluators defines an evaluator: a name, or one name with its options.
func addEvaluators(root *jsonschema.Schema, reg *evaluator.Registry) {
	var names []any
	all := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	for _, d := range reg.Definitions() {
		options := reflected(d.Options, nested)
		options.Properties.Set("name", &jsonschema.Schema{Type: "string", Description: "The metric's name. Default: the evaluator's."})
		def := options
		if d.Scalar != "" {
			bare := &jsonschema.Schema{}
			if p := property(options, d.Scalar); p.Type == "array" {
				bare.Type, bare.Items = p.Type, p.Items
			} else {
				text(bare, "string", "number", "boolean", "array")
			}
			def = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{options, bare}}
		}
		def.Description = d.Doc
		root.Definitions["evaluator."+d.Name] = def
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			names = append(names, name)
			all.Properties.Set(name, &jsonschema.Schema{Ref: "#/$defs/evaluator." + d.Name})
		}
	}
	root.Definitions["evaluator"] = named(append(names, retell.Metric), all)
}

// named is one of several names, or a map of one of them to its options.
func named(names []any, object *jsonschema.Schema) *jsonschema.Schema {
	object.Type, object.AdditionalProperties = "object", jsonschema.FalseSchema
	object.MinProperties, object.MaxProperties = count(1), count(1)
	if len(names) == 0 {
		return object
	}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string", Enum: names}, object}}
}

// reflected is the schema of a struct of options, nil for none.
func reflected(options any, more ...func(reflect.Type) *jsonschema.Schema) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true,
	}
	r.Mapper = func(t reflect.Type) *jsonschema.Schema {
		for _, f := range append(more, mapped) {
			if s := f(t); s != nil {
				return s
			}
		}
		return nil
	}
	if options == nil {
		options = struct{}{}
	}
	s := r.Reflect(options)
	s.Version = ""
	return s
}

// nested is what an evaluator's list of nodes holds: evaluators.
func nested(t reflect.Type) *jsonschema.Schema {
	if t != reflect.TypeFor[[]strict.Node]() {
		return nil
	}
	return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Ref: "#/$defs/evaluator"}}
}

// mapped are types that the schema does not find out by itself.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[strict.Node]():
		return &jsonschema.Schema{}
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[+-]?([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+$|` + referencePattern}
	}
	return nil
}

const referencePattern = `\$\{env:[A-Za-z_][A-Za-z0-9_]*\}`

// relax widens types to what a suite may say: a number where text is wanted,
// and a reference to the environment, or a percentage, for a number.
func relax(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	switch {
	case s.Type == "string" && s.Pattern == "" && len(s.Enum) == 0:
		text(s, "string", "number", "boolean")
	case s.Type == "integer" || s.Type == "boolean":
		text(s, s.Type, "string")
		s.Pattern = "^" + referencePattern + "$"
	case s.Type == "number":
		text(s, s.Type, "string")
		s.Pattern = `^[+-]?[0-9][0-9_.eE+-]* *%$|^` + referencePattern + "$"
	}
	if s.Properties != nil {
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			relax(p.Value)
		}
	}
	relax(s.Items)
	if s.AdditionalProperties != jsonschema.FalseSchema && s.AdditionalProperties != jsonschema.TrueSchema {
		relax(s.AdditionalProperties)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, sub := range list {
			relax(sub)
		}
	}
}

// text lets a schema have several types.
func text(s *jsonschema.Schema, types ...string) {
	s.Type = ""
	s.Extras = map[string]any{"type": types}
}

// requireOne asks for exactly one of several keys.
func requireOne(keys ...string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, k := range keys {
		out = append(out, &jsonschema.Schema{Required: []string{k}})
	}
	return out
}

func property(s *jsonschema.Schema, key string) *jsonschema.Schema {
	p, _ := s.Properties.Get(key)
	return p
}

func count(n uint64) *uint64 { return &n }
