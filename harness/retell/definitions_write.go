package retell

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Format writes definitions as a file that [ParseDefinitions] reads as the same.
// The file's engine is d.Engine; test cases of another one name it themselves.
func (d Definitions) Format() ([]byte, error) {
	doc := document{TestCases: []fileCase{}}
	if d.Engine != nil {
		e := d.Engine.file()
		doc.ResponseEngine = &e
	}
	for _, in := range d.Cases {
		doc.TestCases = append(doc.TestCases, in.file(d.Engine))
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func (e ResponseEngine) file() fileEngine {
	return fileEngine{Type: fileText(e.Type), LLMID: fileText(e.LLMID), ConversationFlowID: fileText(e.ConversationFlowID), Version: e.Version}
}

func (in TestCaseDefinitionInput) file(common *ResponseEngine) fileCase {
	fc := fileCase{Name: fileText(in.Name), UserPrompt: fileText(in.UserPrompt), LLMModel: fileText(in.LLMModel),
		Metrics: []fileText{}, DynamicVariables: fileVariables{}}
	if in.ResponseEngine != nil && (common == nil || !in.ResponseEngine.equal(*common)) {
		e := in.ResponseEngine.file()
		fc.ResponseEngine = &e
	}
	for _, m := range in.Metrics {
		fc.Metrics = append(fc.Metrics, fileText(m))
	}
	for name, value := range in.DynamicVariables {
		fc.DynamicVariables[name] = fileText(value)
	}
	for _, m := range in.ToolMocks {
		fc.ToolMocks = append(fc.ToolMocks, fileMock{ToolName: fileText(m.ToolName), Output: fileOutput(m.Output), Result: m.Result,
			InputMatchRule: fileRule{Type: fileText(m.InputMatchRule.Type), Args: m.InputMatchRule.Args}})
	}
	return fc
}

func (e ResponseEngine) equal(o ResponseEngine) bool {
	return e.Type == o.Type && e.ID() == o.ID() && (e.Version == nil) == (o.Version == nil) && (e.Version == nil || *e.Version == *o.Version)
}

// MarshalYAML writes names like other texts.
func (v fileVariables) MarshalYAML() (any, error) {
	m := map[string]any{}
	for name, value := range v {
		m[name] = string(value)
	}
	return valueNode(m), nil
}

// IsZero keeps arguments that are there and empty.
func (a fileArgs) IsZero() bool { return a == nil }

// MarshalYAML writes numbers as they are.
func (a fileArgs) MarshalYAML() (any, error) { return valueNode(map[string]any(a)), nil }

// valueNode is what exactValue reads.
func valueNode(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, textNode(k), valueNode(v[k]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, valueNode(item))
		}
		return n
	case string:
		return textNode(v)
	case json.Number: // beyond a float's range it would be text without a tag
		if strings.ContainsAny(v.String(), ".eE") {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: v.String()}
		}
	}
	data, _ := json.Marshal(v) // a number, a boolean or null is the same in YAML
	return &yaml.Node{Kind: yaml.ScalarNode, Value: string(data)}
}

// fileText is text that is written in the style that reads best.
type fileText string

// MarshalYAML writes lines as a block where that keeps every character.
func (t fileText) MarshalYAML() (any, error) { return textNode(string(t)), nil }

// MarshalYAML writes the text of a mock's output like any other.
func (o fileOutput) MarshalYAML() (any, error) { return textNode(string(o)), nil }

func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	lines := strings.Split(s, "\n")
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff'
	})
	for i, l := range lines {
		if i > 0 {
			l = strings.TrimLeft(l, " ") // as of a list within a list
		}
		plain = plain && l == strings.TrimSpace(l)
	}
	switch {
	case !plain, s == "<<", len(lines) > 1 && lines[0] == "": // yaml has no quotes for <<, and loses a line break before a block
		n.Style = yaml.DoubleQuotedStyle
	case len(lines) > 1:
		n.Style = yaml.LiteralStyle
	default: // quotes where another reader would want them, as for yes and on
		var quoted yaml.Node
		if quoted.Encode(s) == nil {
			n.Style = quoted.Style
		}
	}
	return n
}
