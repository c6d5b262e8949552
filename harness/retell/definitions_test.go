package retell_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/strict"
)

const definitionsFile = `
response_engine: {type: retell-llm, llm_id: llm_1}
test_cases:
  - name: late parcel
    user_prompt: |
      You ordered a parcel a week ago.
      Ask where it is.
    metrics: [gives the tracking link, stays polite]
    dynamic_variables: {customer: Ann, orders: 7, none: ""}
    tool_mocks:
      - tool_name: find_order
        input_match_rule: {type: partial_match, args: {id: 12345678901234567890, tags: [a, null, 0.5], on: 2026-01-01}}
        output: '{"status": "late"}'
        result: true
      - tool_name: find_order
        input_match_rule: {type: any}
        output: "{}"
    llm_model: gpt-4.1
  - name: refund
    user_prompt: Ask for a refund.
    metrics: []
    response_engine: {type: conversation-flow, conversation_flow_id: cf_1, version: 0}
`

func TestParseDefinitions(t *testing.T) {
	d, err := retell.ParseDefinitions("cases.yaml", []byte(definitionsFile), nil)
	require.NoError(t, err)
	llm := &retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"}
	assert.Equal(t, retell.Definitions{Engine: llm, Cases: []retell.TestCaseDefinitionInput{
		{
			Name: "late parcel", UserPrompt: "You ordered a parcel a week ago.\nAsk where it is.\n", ResponseEngine: llm,
			Metrics:          []string{"gives the tracking link", "stays polite"},
			DynamicVariables: map[string]string{"customer": "Ann", "orders": "7", "none": ""},
			ToolMocks: []retell.ToolMock{
				{ToolName: "find_order", Output: `{"status": "late"}`, Result: new(true), InputMatchRule: retell.MatchRule{Type: retell.MatchPartial,
					Args: map[string]any{"id": json.Number("12345678901234567890"), "tags": []any{"a", nil, 0.5}, "on": "2026-01-01"}}},
				{ToolName: "find_order", Output: "{}", InputMatchRule: retell.MatchRule{Type: retell.MatchAny}},
			},
			LLMModel: "gpt-4.1",
		},
		{
			Name: "refund", UserPrompt: "Ask for a refund.", Metrics: []string{}, DynamicVariables: map[string]string{}, ToolMocks: []retell.ToolMock{},
			ResponseEngine: &retell.ResponseEngine{Type: retell.EngineFlow, ConversationFlowID: "cf_1", Version: new(0)},
		},
	}}, d)

	d, err = retell.ParseDefinitions("f", []byte("test_cases: [{name: n, user_prompt: p, metrics: [m]}]"), &engine)
	require.NoError(t, err)
	assert.Nil(t, d.Engine)
	assert.Equal(t, engine, *d.Cases[0].ResponseEngine)
}

func TestWrongDefinitions(t *testing.T) {
	const head = "response_engine: {type: retell-llm, llm_id: l}\ntest_cases:\n"
	long := strings.Repeat("é", retell.MaxMockOutput)
	mock := func(text string) string {
		return head + "- name: n\n  user_prompt: p\n  metrics: []\n  tool_mocks:\n  - " + text + "\n"
	}
	for text, want := range map[string]string{
		"":                                    "f.yaml: the file is empty",
		"# nothing":                           "f.yaml: the file is empty",
		"[]":                                  "f.yaml:1:1: expected a map, found a list",
		"test_cases: []":                      "f.yaml:1:13: there is no test case",
		"test_cases: {}":                      "f.yaml:1:13: expected a list, found a map",
		"cases: []":                           `f.yaml:1:1: unknown key "cases"`,
		"response_engine: {}":                 `"test_cases" is missing`,
		head + "- ":                           "f.yaml:3:2: expected a test case, found nothing",
		head + "- 7":                          "f.yaml:3:3: expected a map, found 7",
		head + "- name: n":                    `f.yaml:3:3: "metrics" is missing` + "\n" + `f.yaml:3:3: "user_prompt" is missing`,
		head + "- {name: n, metrics: }":       `"metrics" is missing`,
		head + "- {name: n, prompt: p}":       `unknown key "prompt"`,
		head + "- {name: n, usr_prompt: p}":   `unknown key "usr_prompt"; did you mean "user_prompt"?`,
		head + "- {name: n, metrics: polite}": `expected a list, found "polite"`,
		head + "- {name: n, metrics: [[a]]}":  "expected text, found a list",
		head + "- {name: n, dynamic_variables: 7}":                                                                                "expected a map, found 7",
		head + "- {name: ' ', user_prompt: p, metrics: []}":                                                                       "f.yaml:3:10: the name is empty",
		head + "- {name: n, user_prompt: '', metrics: []}":                                                                        "f.yaml:3:26: the prompt is empty",
		head + "- {name: n, user_prompt: p, metrics: [a, '', a]}":                                                                 "f.yaml:3:42: the metric is empty\nf.yaml:3:46: the metric \"a\" is there twice",
		head + "- {name: n, user_prompt: p, metrics: [], dynamic_variables: {a: }}":                                               `f.yaml:3:65: the dynamic variable "a" has no value`,
		head + "- {name: n, user_prompt: p, metrics: []}\n- {name: n, user_prompt: q, metrics: []}":                               `f.yaml:4:10: duplicate name "n"; the first one is at 3:10`,
		"test_cases:\n- {name: n, user_prompt: p, metrics: []}":                                                                   `f.yaml:2:3: test case "n" has no response engine`,
		"response_engine: {type: retel-llm, llm_id: l}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":                `f.yaml:1:25: unknown response engine "retel-llm"; did you mean "retell-llm"?`,
		"response_engine: {type: custom-llm}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":                          "f.yaml:1:25: test cases can't run on a response engine of type custom-llm",
		"response_engine: {type: retell-llm}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":                          `f.yaml:1:18: "llm_id" is missing`,
		"response_engine: {llm_id: l}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":                                 `f.yaml:1:18: "type" is missing`,
		"response_engine: {type: conversation-flow, llm_id: l}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":        "f.yaml:1:18: \"conversation_flow_id\" is missing\nf.yaml:1:52: a response engine of type conversation-flow has a conversation_flow_id, and no llm_id",
		"response_engine: {type: retell-llm, llm_id: l, version: -1}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}":  "f.yaml:1:57: expected a version from 0, found -1",
		"response_engine: {type: retell-llm, llm_id: l, version: new}\n" + head[46:] + "- {name: n, user_prompt: p, metrics: []}": `f.yaml:1:57: expected a whole number, found "new"`,
		mock("{}"): "f.yaml:7:5: \"input_match_rule\" is missing\nf.yaml:7:5: \"output\" is missing\nf.yaml:7:5: \"tool_name\" is missing",
		mock(""):   "f.yaml:7:4: expected a mock, found nothing",
		mock("{tool_name: '', input_match_rule: {type: any}, output: ''}"):                                                             "f.yaml:7:17: the name of the tool is empty",
		mock("{tool_name: t, input_match_rule: {type: anny}, output: ''}"):                                                             `f.yaml:7:45: unknown type of rule "anny"; did you mean "any"?`,
		mock("{tool_name: t, input_match_rule: any, output: ''}"):                                                                      `f.yaml:7:38: expected a map, found "any"`,
		mock("{tool_name: t, input_match_rule: {type: any, args: {a: 1}}, output: ''}"):                                                "f.yaml:7:56: a rule of type any has no args",
		mock("{tool_name: t, input_match_rule: {type: partial_match}, output: ''}"):                                                    `f.yaml:7:38: "args" is missing: a rule of type partial_match has the arguments to look for`,
		mock("{tool_name: t, input_match_rule: {type: partial_match, args: [1]}, output: ''}"):                                         "f.yaml:7:66: expected a map of arguments",
		mock("{tool_name: t, input_match_rule: {type: partial_match, args: {a: .inf}}, output: ''}"):                                   "has no JSON value",
		mock("{tool_name: t, input_match_rule: {type: any}, output: {ok: true}}"):                                                      "f.yaml:7:59: expected text, found a map",
		mock("{tool_name: t, input_match_rule: {type: any}, output: '', result: maybe}"):                                               "expected true or false",
		mock("{tool_name: t, input_match_rule: {type: any}, output: '" + long + "x'}"):                                                 "f.yaml:7:59: the output has 15001 characters; the platform takes up to 15000",
		mock("{tool_name: t, input_match_rule: {type: any}, output: a}\n  - {tool_name: t, input_match_rule: {type: any}, output: b}"): `f.yaml:8:5: the tool "t" has a mock for the same calls at 7:5`,
	} {
		_, err := retell.ParseDefinitions("f.yaml", []byte(text), nil)
		assert.ErrorContains(t, err, want, "%.300s", text)
		assert.NotEmpty(t, strict.Flatten(err))
	}
	_, err := retell.ParseDefinitions("f", []byte(mock("{tool_name: t, input_match_rule: {type: any}, output: '"+long+"'}")), nil)
	assert.NoError(t, err, "as many as are allowed, in characters")
}

func TestRealToolsAreWarnedOf(t *testing.T) {
	mock := func(tool, rule string) retell.ToolMock {
		return retell.ToolMock{ToolName: tool, InputMatchRule: retell.MatchRule{Type: rule}}
	}
	closed := retell.TestCaseDefinitionInput{Name: "closed", ToolMocks: []retell.ToolMock{mock("a", retell.MatchPartial), mock("a", retell.MatchAny)}}
	open := retell.TestCaseDefinitionInput{Name: "open", ToolMocks: []retell.ToolMock{mock("a", retell.MatchAny), mock("b", retell.MatchPartial), mock("b", retell.MatchPartial)}}
	none := retell.TestCaseDefinitionInput{Name: "none"}
	warning := func(cases ...retell.TestCaseDefinitionInput) string {
		return retell.Definitions{Cases: cases}.RealTools()
	}
	assert.Empty(t, warning(closed))
	assert.Equal(t, `a tool call that no mock matches runs the REAL tool, with all that it does (bookings, payments, messages)
  without any mock: "none"
  without a mock of type any for some tool: "open" (b)`, warning(closed, none, open))
	assert.Contains(t, warning(none, none, none, none, none, none, none), `"none", "none" and 2 more`)
}

// What is written is read as the same, whatever the texts are.
func TestFormatRoundTrip(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"x", "a: b", "- a", "#", "yes", "~", "null", "1_000", "0x1f", "1e3", "2026-01-01", "<<", "=", "'", `"`, "{a}", "a\nb", "a\n\nb\n", "\n", " a", "a ", "a\n  b\n c",
			"a\r\nb", "\t", "é\u2028é", "\ufeff", "\u0085", "\x01", "a\n ", "|", "> x\n", "%", "@", "a #b", "*a", "&a", "!a", "\U0001F600\nx", "? a", "-", "---\na", "...", "a:\n  b"}),
		rapid.StringN(1, 40, -1),
	)
	filled := text.Filter(func(s string) bool { return strings.TrimSpace(s) != "" && strings.ToValidUTF8(s, "") == s })
	text = text.Filter(func(s string) bool { return strings.ToValidUTF8(s, "") == s })
	value := rapid.OneOf(rapid.Just[any](nil), rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-1e15, 1e15), func(f float64) any { return f }), rapid.Just[any](json.Number("123456789012345678901234567890")), rapid.Just[any](json.Number("1e400")),
		rapid.Just[any]([]any{}), rapid.Just[any](map[string]any{}), rapid.Map(text, func(s string) any { return []any{map[string]any{s: s}, []any{1.0, "1"}} }))
	rapid.Check(t, func(t *rapid.T) {
		d := retell.Definitions{Engine: &engine}
		for _, name := range rapid.SliceOfNDistinct(filled, 1, 3, rapid.ID[string]).Draw(t, "names") {
			e := &engine
			if rapid.Bool().Draw(t, "own engine") {
				e = &retell.ResponseEngine{Type: retell.EngineFlow, ConversationFlowID: filled.Draw(t, "id")}
			}
			mocks := []retell.ToolMock{}
			for _, tool := range rapid.SliceOfNDistinct(filled, 0, 3, rapid.ID[string]).Draw(t, "tools") {
				rule := retell.MatchRule{Type: retell.MatchAny}
				if rapid.Bool().Draw(t, "partial") {
					rule = retell.MatchRule{Type: retell.MatchPartial, Args: rapid.MapOfN(text, value, 0, 3).Draw(t, "args")}
				}
				mocks = append(mocks, retell.ToolMock{ToolName: tool, InputMatchRule: rule, Output: text.Draw(t, "output"), Result: rapid.Ptr(rapid.Bool(), true).Draw(t, "result")})
			}
			d.Cases = append(d.Cases, retell.TestCaseDefinitionInput{
				Name: name, ResponseEngine: e, UserPrompt: filled.Draw(t, "prompt"), Metrics: rapid.SliceOfNDistinct(filled, 0, 3, rapid.ID[string]).Draw(t, "metrics"),
				DynamicVariables: rapid.MapOfN(text, text, 0, 3).Draw(t, "variables"), ToolMocks: mocks, LLMModel: rapid.SampledFrom([]string{"", "gpt-4.1", "1.5"}).Draw(t, "model"),
			})
		}
		data, err := d.Format()
		require.NoError(t, err)
		again, err := retell.ParseDefinitions("f", data, nil)
		require.NoError(t, err, "%s", data)
		assert.Equal(t, d, again, "%s", data)
	})
}

func TestFormatReadsWell(t *testing.T) {
	d, err := retell.ParseDefinitions("f", []byte(definitionsFile), nil)
	require.NoError(t, err)
	data, err := d.Format()
	require.NoError(t, err)
	assert.Equal(t, `response_engine:
  type: retell-llm
  llm_id: llm_1
test_cases:
  - name: late parcel
    user_prompt: |
      You ordered a parcel a week ago.
      Ask where it is.
    metrics:
      - gives the tracking link
      - stays polite
    dynamic_variables:
      customer: Ann
      none: ""
      orders: "7"
    tool_mocks:
      - tool_name: find_order
        input_match_rule:
          type: partial_match
          args:
            id: 12345678901234567890
            "on": "2026-01-01"
            tags:
              - a
              - null
              - 0.5
        output: '{"status": "late"}'
        result: true
      - tool_name: find_order
        input_match_rule:
          type: any
        output: '{}'
    llm_model: gpt-4.1
  - name: refund
    response_engine:
      type: conversation-flow
      conversation_flow_id: cf_1
      version: 0
    user_prompt: Ask for a refund.
    metrics: []
`, string(data))
}

// The lines of a prompt stay lines where some of them are indented.
func TestFormatKeepsIndentedLines(t *testing.T) {
	d := retell.Definitions{Engine: &engine, Cases: []retell.TestCaseDefinitionInput{{Name: "n", UserPrompt: "Steps:\n- greet\n  - by name\n\n  - kindly\n", ResponseEngine: &engine}}}
	data, err := d.Format()
	require.NoError(t, err)
	assert.Contains(t, string(data), `
    user_prompt: |
      Steps:
      - greet
        - by name

        - kindly
`)
}

// No text panics, and what is read can be written and read again.
func FuzzParseDefinitions(f *testing.F) {
	f.Add(definitionsFile)
	f.Add("test_cases: [{name: n, user_prompt: p, metrics: [m], tool_mocks: [{tool_name: t, input_match_rule: {type: partial_match, args: {a: 1e400}}, output: !!str 7}]}]")
	f.Add("test_cases: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := retell.ParseDefinitions("f", []byte(text), &engine)
		if err != nil {
			return
		}
		data, err := d.Format()
		require.NoError(t, err)
		again, err := retell.ParseDefinitions("f", data, &engine)
		require.NoError(t, err, "%s", data)
		require.Equal(t, d.Cases, again.Cases, "%s", data)
	})
}

func TestHostileTextsAsDefinitions(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "corpora/blns.json"))
	require.NoError(t, err)
	var all []string
	require.NoError(t, json.Unmarshal(data, &all))
	require.Greater(t, len(all), 500)
	for _, s := range all {
		d := retell.Definitions{Engine: &engine, Cases: []retell.TestCaseDefinitionInput{{Name: "n" + s, UserPrompt: "p" + s, Metrics: []string{"m" + s},
			ResponseEngine: &engine, DynamicVariables: map[string]string{s: s}, ToolMocks: []retell.ToolMock{}}}}
		data, err := d.Format()
		require.NoError(t, err)
		again, err := retell.ParseDefinitions("f", data, nil)
		require.NoError(t, err, "%s", data)
		require.Equal(t, d, again, "%s", data)
	}
}
