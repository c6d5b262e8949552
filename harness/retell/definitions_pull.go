package retell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Pull reads the definitions of an engine as a file may have them, the oldest
// first. lost names what the platform has and a file can't say.
func (c *Client) Pull(ctx context.Context, engine ResponseEngine) (d Definitions, lost []string, err error) {
	engine.Version = nil // all versions have the same definitions
	d.Engine = &engine
	all, err := c.definitions(ctx, engine)
	if err != nil {
		return d, nil, err
	}
	var list []TestCaseDefinition
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(all[name]) > 1 {
			errs = append(errs, twice(name, engine, all[name]))
		}
		list = append(list, all[name]...)
	}
	if err := errors.Join(errs...); err != nil {
		return d, nil, err
	}
	slices.SortStableFunc(list, func(a, b TestCaseDefinition) int { return cmp.Compare(a.Created, b.Created) })
	for _, have := range list {
		in := have.input()
		d.Cases = append(d.Cases, in)
		for _, field := range have.strange() {
			lost = append(lost, fmt.Sprintf("%s of test case %q", field, have.Name))
		}
	}
	if len(d.Cases) > 0 && !slices.ContainsFunc(d.Cases, func(in TestCaseDefinitionInput) bool {
		return !in.ResponseEngine.equal(*d.Cases[0].ResponseEngine)
	}) {
		d.Engine = d.Cases[0].ResponseEngine
	}
	return d, lost, nil
}

// input is what would create the definition.
func (d TestCaseDefinition) input() TestCaseDefinitionInput {
	engine := d.ResponseEngine
	return TestCaseDefinitionInput{Name: d.Name, ResponseEngine: &engine, UserPrompt: d.UserPrompt, Metrics: d.Metrics,
		DynamicVariables: d.DynamicVariables, ToolMocks: d.ToolMocks, LLMModel: d.LLMModel}
}

// strange are the fields that are not known here, or not of their types.
func (d TestCaseDefinition) strange() []string {
	fields := strangeNames(d.Unknown, "")
	fields = append(fields, strangeNames(d.ResponseEngine.Unknown, "response_engine.")...)
	for i, m := range d.ToolMocks {
		fields = append(fields, strangeNames(m.Unknown, fmt.Sprintf("tool_mocks[%d].", i))...)
		fields = append(fields, strangeNames(m.InputMatchRule.Unknown, fmt.Sprintf("tool_mocks[%d].input_match_rule.", i))...)
	}
	return fields
}

// strangeNames are the names of unknown fields that say something.
func strangeNames(u Unknown, prefix string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if text := string(u[name]); text != "null" && text != `""` {
			names = append(names, prefix+name)
		}
	}
	return names
}
