package retell

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness/strict"
)

// fileChecker collects what is wrong with a file whose keys and types are right.
type fileChecker struct {
	errs  []error
	names map[string]strict.Node // of test cases, behind that of the engine
}

func (c *fileChecker) fail(n strict.Node, format string, args ...any) {
	c.errs = append(c.errs, n.Errorf(format, args...))
}

func (c *fileChecker) hint(n strict.Node, hint, format string, args ...any) {
	e := n.Errorf(format, args...)
	e.Hint = hint
	c.errs = append(c.errs, e)
}

func (c *fileChecker) document(n strict.Node, doc document, fallback *ResponseEngine) {
	if doc.ResponseEngine != nil {
		c.engine(n.Get("response_engine"), *doc.ResponseEngine)
		e := doc.ResponseEngine.engine()
		fallback = &e
	}
	cases := n.Get("test_cases")
	if len(doc.TestCases) == 0 {
		c.fail(cases, "there is no test case")
	}
	for i, item := range cases.Items() {
		c.testCase(item, doc.TestCases[i], fallback)
	}
}

func (c *fileChecker) testCase(n strict.Node, fc fileCase, fallback *ResponseEngine) {
	if !n.Given() {
		c.fail(n, "expected a test case, found nothing")
		return
	}
	engine := fallback
	if fc.ResponseEngine != nil {
		c.engine(n.Get("response_engine"), *fc.ResponseEngine)
		e := fc.ResponseEngine.engine()
		engine = &e
	}
	if engine == nil {
		c.hint(n, "give the file a response_engine: {type: retell-llm, llm_id: …}, or the command --llm-id or --conversation-flow-id",
			"test case %s has no response engine", strict.Quote(string(fc.Name)))
	} else {
		c.name(n.Get("name"), string(fc.Name), *engine)
	}
	c.text(n.Get("name"), "the name", string(fc.Name))
	c.text(n.Get("user_prompt"), "the prompt", string(fc.UserPrompt))
	for i, m := range n.Get("metrics").Items() {
		text := string(fc.Metrics[i])
		c.text(m, "the metric", text)
		if first := slices.Index(fc.Metrics, fileText(text)); first < i && text != "" {
			c.fail(m, "the metric %s is there twice", strict.Quote(text))
		}
	}
	for _, p := range n.Get("dynamic_variables").Pairs() {
		if !p.Value.Given() {
			c.hint(p.Value, `for an empty text write ""`, "the dynamic variable %s has no value", strict.Quote(p.Key.Value))
		}
	}
	c.mocks(n.Get("tool_mocks"), fc.ToolMocks)
}

// name wants one that no other test case of the engine has.
func (c *fileChecker) name(n strict.Node, name string, e ResponseEngine) {
	key := e.Type + "\x00" + e.ID() + "\x00" + name
	if first, twice := c.names[key]; twice {
		c.fail(n, "duplicate name %s; the first one is at %d:%d", strict.Quote(name), first.Line, first.Column)
		return
	}
	c.names[key] = n
}

func (c *fileChecker) text(n strict.Node, what, text string) {
	if strings.TrimSpace(text) == "" {
		c.fail(n, "%s is empty", what)
	}
}

func (c *fileChecker) engine(n strict.Node, e fileEngine) {
	id, other := "llm_id", "conversation_flow_id"
	switch e.Type {
	case EngineLLM:
	case EngineFlow:
		id, other = other, id
	case EngineCustom:
		c.hint(n.Get("type"), "there are "+EngineLLM+" and "+EngineFlow, "test cases can't run on a response engine of type %s", EngineCustom)
		return
	default:
		types := []string{EngineLLM, EngineFlow}
		c.hint(n.Get("type"), "there are "+EngineLLM+" and "+EngineFlow, "unknown response engine %s%s", strict.Quote(string(e.Type)), strict.Meant(string(e.Type), types))
		return
	}
	if n.Get(other).Given() {
		c.fail(n.Get(other), "a response engine of type %s has a %s, and no %s", e.Type, id, other)
	}
	if e.engine().ID() == "" {
		c.fail(n, "%q is missing", id)
	}
	if e.Version != nil && *e.Version < 0 {
		c.fail(n.Get("version"), "expected a version from 0, found %d", *e.Version)
	}
}

func (c *fileChecker) mocks(n strict.Node, mocks []fileMock) {
	rules := map[string]strict.Node{}
	for i, item := range n.Items() {
		m := mocks[i]
		if !item.Given() {
			c.fail(item, "expected a mock, found nothing")
			continue
		}
		c.text(item.Get("tool_name"), "the name of the tool", string(m.ToolName))
		c.rule(item.Get("input_match_rule"), m.InputMatchRule)
		if chars := utf8.RuneCountInString(string(m.Output)); chars > MaxMockOutput {
			c.fail(item.Get("output"), "the output has %d characters; the platform takes up to %d", chars, MaxMockOutput)
		}
		data, _ := json.Marshal(m.InputMatchRule) // maps by key
		key := string(m.ToolName) + "\x00" + string(data)
		if first, twice := rules[key]; twice {
			c.fail(item, "the tool %s has a mock for the same calls at %d:%d", strict.Quote(string(m.ToolName)), first.Line, first.Column)
		} else {
			rules[key] = item
		}
	}
}

func (c *fileChecker) rule(n strict.Node, r fileRule) {
	args := n.Get("args")
	switch r.Type {
	case MatchAny:
		if args.Given() {
			c.hint(args, "for these arguments alone, the type is "+MatchPartial, "a rule of type any has no args")
		}
	case MatchPartial:
		if !args.Given() {
			c.fail(n, "%q is missing: a rule of type %s has the arguments to look for", "args", MatchPartial)
		}
	default:
		types := []string{MatchAny, MatchPartial}
		c.hint(n.Get("type"), "there are any and partial_match", "unknown type of rule %s%s", strict.Quote(string(r.Type)), strict.Meant(string(r.Type), types))
	}
}

// RealTools warns of the tool calls that no mock takes: they run the real tool. It
// is "" when each tool that has a mock has one for any call, in every test case.
func (d Definitions) RealTools() string {
	var none, partial []string
	for _, in := range d.Cases {
		if len(in.ToolMocks) == 0 {
			none = append(none, strict.Quote(in.Name))
		} else if tools := in.openTools(); len(tools) > 0 {
			partial = append(partial, fmt.Sprintf("%s (%s)", strict.Quote(in.Name), strings.Join(tools, ", ")))
		}
	}
	if len(none)+len(partial) == 0 {
		return ""
	}
	text := "a tool call that no mock matches runs the REAL tool, with all that it does (bookings, payments, messages)"
	if len(none) > 0 {
		text += "\n  without any mock: " + some(none)
	}
	if len(partial) > 0 {
		text += "\n  without a mock of type any for some tool: " + some(partial)
	}
	return text
}

// Unjudged warns of the test cases without metrics: Retell has nothing to judge
// their calls by. It is "" when each has some.
func (d Definitions) Unjudged() string {
	var none []string
	for _, in := range d.Cases {
		if len(in.Metrics) == 0 {
			none = append(none, strict.Quote(in.Name))
		}
	}
	if len(none) == 0 {
		return ""
	}
	return "without metrics there is nothing that Retell is asked to judge\n  without any metric: " + some(none)
}

// openTools are the tools with mocks, but without one for any call.
func (in TestCaseDefinitionInput) openTools() []string {
	var open []string
	for _, m := range in.ToolMocks {
		closed := slices.ContainsFunc(in.ToolMocks, func(o ToolMock) bool {
			return o.ToolName == m.ToolName && o.InputMatchRule.Type == MatchAny
		})
		if !closed && !slices.Contains(open, m.ToolName) {
			open = append(open, m.ToolName)
		}
	}
	return open
}

// some names the first of many.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
