package retell

import (
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/strict"
)

// Definitions are test case definitions as a file has them:
//
//	response_engine: {type: retell-llm, llm_id: llm_1}   # of all that name none
//	test_cases:
//	  - name: late parcel
//	    user_prompt: You ordered a parcel a week ago. Ask where it is.
//	    metrics: [gives the tracking link, stays polite]
//	    dynamic_variables: {customer: Ann}
//	    tool_mocks:
//	      - tool_name: find_order
//	        input_match_rule: {type: partial_match, args: {id: 7}}   # or {type: any}
//	        output: '{"status": "late"}'
//	    llm_model: gpt-4.1
//
// Lists and maps that a test case leaves out are empty ones; without llm_model it
// keeps the platform's.
type Definitions struct {
	// Engine is the file's response_engine; nil when there is none.
	Engine *ResponseEngine
	// Cases have all they need to be created. Their lists and maps are never nil.
	Cases []TestCaseDefinitionInput
}

// document is the file, to be read by package strict and written by yaml.
type document struct {
	ResponseEngine *fileEngine `yaml:"response_engine,omitempty"`
	TestCases      []fileCase  `yaml:"test_cases" jsonschema:"required"`
}

type fileEngine struct {
	Type               fileText `yaml:"type" jsonschema:"required"`
	LLMID              fileText `yaml:"llm_id,omitempty"`
	ConversationFlowID fileText `yaml:"conversation_flow_id,omitempty"`
	Version            *int     `yaml:"version,omitempty"`
}

type fileCase struct {
	Name             fileText      `yaml:"name" jsonschema:"required"`
	ResponseEngine   *fileEngine   `yaml:"response_engine,omitempty"`
	UserPrompt       fileText      `yaml:"user_prompt" jsonschema:"required"`
	Metrics          []fileText    `yaml:"metrics" jsonschema:"required"`
	DynamicVariables fileVariables `yaml:"dynamic_variables,omitempty"`
	ToolMocks        []fileMock    `yaml:"tool_mocks,omitempty"`
	LLMModel         fileText      `yaml:"llm_model,omitempty"`
}

type fileVariables map[string]fileText

type fileMock struct {
	ToolName       fileText   `yaml:"tool_name" jsonschema:"required"`
	InputMatchRule fileRule   `yaml:"input_match_rule" jsonschema:"required"`
	Output         fileOutput `yaml:"output" jsonschema:"required"`
	Result         *bool      `yaml:"result,omitempty"`
}

type fileRule struct {
	Type fileText `yaml:"type" jsonschema:"required"`
	Args fileArgs `yaml:"args,omitempty"`
}

// ParseDefinitions reads a file's definitions and checks all that can be checked
// before they are sent; errors are of package strict, with places. fallback, when
// not nil, is the engine of test cases for which the file names none. The file is
// its name in errors; nothing is read from disk.
func ParseDefinitions(file string, data []byte, fallback *ResponseEngine) (Definitions, error) {
	var out Definitions
	root, err := strict.Parse(file, data)
	if err != nil {
		return out, err
	}
	if !root.Given() {
		return out, &strict.Error{File: file, Message: "the file is empty", Hint: "it has a list test_cases, each with name, user_prompt and metrics"}
	}
	if isSuite(root) {
		e := root.Errorf("this is a suite, and no file of test cases")
		e.Hint = "evalrun run runs suites; a file of test cases has a list test_cases, each with name, user_prompt and metrics"
		return out, e
	}
	var doc document
	if err := root.Decode(&doc); err != nil {
		return out, err
	}
	c := &fileChecker{names: map[string]strict.Node{}}
	c.document(root, doc, fallback)
	if err := strict.Join(c.errs...); err != nil {
		return out, err
	}
	if doc.ResponseEngine != nil {
		e := doc.ResponseEngine.engine()
		out.Engine, fallback = &e, &e
	}
	for _, fc := range doc.TestCases {
		out.Cases = append(out.Cases, fc.input(fallback))
	}
	return out, nil
}

func isSuite(root strict.Node) bool {
	return !root.Get("test_cases").Given() && (root.Get("dataset").Given() || root.Get("retell").Given())
}

func (e fileEngine) engine() ResponseEngine {
	return ResponseEngine{Type: string(e.Type), LLMID: string(e.LLMID), ConversationFlowID: string(e.ConversationFlowID), Version: e.Version}
}

func (c fileCase) input(fallback *ResponseEngine) TestCaseDefinitionInput {
	in := TestCaseDefinitionInput{
		Name: string(c.Name), UserPrompt: string(c.UserPrompt), LLMModel: string(c.LLMModel), ResponseEngine: fallback,
		Metrics: []string{}, DynamicVariables: map[string]string{}, ToolMocks: []ToolMock{},
	}
	if c.ResponseEngine != nil {
		e := c.ResponseEngine.engine()
		in.ResponseEngine = &e
	}
	for _, m := range c.Metrics {
		in.Metrics = append(in.Metrics, string(m))
	}
	for name, value := range c.DynamicVariables {
		in.DynamicVariables[name] = string(value)
	}
	for _, m := range c.ToolMocks {
		in.ToolMocks = append(in.ToolMocks, ToolMock{
			ToolName: string(m.ToolName), Output: string(m.Output), Result: m.Result,
			InputMatchRule: MatchRule{Type: string(m.InputMatchRule.Type), Args: m.InputMatchRule.Args},
		})
	}
	return in
}

// fileOutput is the output of a mock, which has to be text.
type fileOutput string

// DecodeYAML takes text, and says what to do about JSON without quotes.
func (o *fileOutput) DecodeYAML(n strict.Node) error {
	if n.IsScalar() {
		*o = fileOutput(n.Value)
		return nil
	}
	e := n.Errorf("expected text, found a %s", map[yaml.Kind]string{yaml.MappingNode: "map", yaml.SequenceNode: "list"}[n.Kind])
	e.Hint = `the output is JSON as text: put it in single quotes, as '{"ok": true}'`
	return e
}

// fileArgs are the arguments of a rule. A number that float64 can't hold is a
// json.Number, so that it is sent as it is written.
type fileArgs map[string]any

// DecodeYAML decodes a map.
func (a *fileArgs) DecodeYAML(n strict.Node) error {
	if n.Kind != yaml.MappingNode {
		return n.Errorf("expected a map of arguments")
	}
	v, err := exactValue(n)
	if err == nil {
		*a = v.(map[string]any)
	}
	return err
}

func exactValue(n strict.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for _, p := range n.Pairs() {
			v, err := exactValue(p.Value)
			if err != nil {
				return nil, err
			}
			m[p.Key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Items() {
			v, err := exactValue(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	if tag := n.ShortTag(); tag == "!!int" || tag == "!!float" {
		if v, err := wire.DecodeValue([]byte(n.Value)); err == nil {
			return v, nil
		}
	}
	var v any
	err := n.Decode(&v)
	return v, err
}
