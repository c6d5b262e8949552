package retell_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
)

func parse(t *testing.T, text string) retell.Definitions {
	t.Helper()
	d, err := retell.ParseDefinitions("f.yaml", []byte(text), &engine)
	require.NoError(t, err)
	return d
}

// push plans and applies, and tells what was done.
func push(t *testing.T, c *retell.Client, d retell.Definitions) (plan retell.Plan, did []string) {
	t.Helper()
	plan, err := c.PlanPush(t.Context(), d)
	require.NoError(t, err)
	require.NoError(t, c.Apply(t.Context(), plan, func(ch retell.Change) {
		assert.NotEmpty(t, ch.ID)
		did = append(did, string(ch.Action)+" "+ch.Want.Name+" "+strings.Join(ch.Fields, ","))
	}))
	return plan, did
}

func TestPush(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, definitionsFile)
	plan, err := c.PlanPush(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, 2, plan.Count(retell.Create))
	assert.Empty(t, p.definitions, "a plan changes nothing")

	_, did := push(t, c, d)
	assert.Equal(t, []string{"create late parcel ", "create refund "}, did)
	plan, did = push(t, c, d)
	assert.Empty(t, did, "again: nothing")
	assert.Equal(t, 2, plan.Count(retell.Unchanged))
	assert.Zero(t, plan.Left)

	// What the platform adds by itself is no difference.
	p.definitions[0].ResponseEngine.Version = new(9)
	p.definitions[1].LLMModel = "gpt-5.1"
	_, did = push(t, c, d)
	assert.Empty(t, did)

	// The platform has another of them, and one that the file does not name.
	p.definitions = append(p.definitions, p.definitions[0])
	p.definitions[2].ID, p.definitions[2].Name = "tc_x", "other"
	plan, _ = push(t, c, d)
	assert.Equal(t, 1, plan.Left)
	assert.Len(t, p.definitions, 3)
	p.definitions = append(p.definitions, p.definitions[2])
	p.definitions[3].ID = "tc_y"
	plan, _ = push(t, c, d)
	assert.Equal(t, 2, plan.Left, "also of one name")
}

// Somebody creates a definition while the list is read: it is read again.
func TestPushWhileTheListChanges(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, "test_cases: [{name: a, user_prompt: p, metrics: []}, {name: b, user_prompt: p, metrics: []}]")
	push(t, c, d)
	p.paged = 1
	added := false
	p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if r.URL.Query().Has("pagination_key") && !added {
			added = true
			p.definitions = append(p.definitions, p.definitions[0])
			p.definitions[2].ID, p.definitions[2].Name = "tc_x", "other"
		}
		return serve(), nil
	}
	plan, did := push(t, c, d)
	assert.True(t, added)
	assert.Empty(t, did)
	assert.Equal(t, 1, plan.Left)
}

// What can't be read on the platform is not what the file says.
func TestPushUpdatesWhatCannotBeRead(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, "test_cases: [{name: n, user_prompt: p, metrics: []}]")
	push(t, c, d)
	p.definitions[0].Unknown = retell.Unknown{"dynamic_variables": []byte(`{"a": 1}`), "tool_mocks": []byte(`[null]`), "metrics": []byte(`null`), "mood": []byte(`1`)}
	p.definitions[0].DynamicVariables, p.definitions[0].ToolMocks, p.definitions[0].Metrics = nil, nil, nil
	p.wild = true
	plan, err := c.PlanPush(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, []string{"dynamic_variables", "tool_mocks"}, plan.Changes[0].Fields)
	push(t, c, d)
	p.definitions[0].Unknown = nil
	_, did := push(t, c, d)
	assert.Empty(t, did)
}

func TestPushUpdatesWhatDiffers(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(in *retell.TestCaseDefinitionInput)
		want   string // fields; "" for none
	}{
		"prompt": {func(in *retell.TestCaseDefinitionInput) { in.UserPrompt = "x" }, "user_prompt"},
		"metrics": {func(in *retell.TestCaseDefinitionInput) {
			in.Metrics = []string{"stays polite", "gives the tracking link"}
		}, "metrics"},
		"no metrics":    {func(in *retell.TestCaseDefinitionInput) { in.Metrics = []string{} }, "metrics"},
		"no variables":  {func(in *retell.TestCaseDefinitionInput) { in.DynamicVariables = map[string]string{} }, "dynamic_variables"},
		"no mocks":      {func(in *retell.TestCaseDefinitionInput) { in.ToolMocks = []retell.ToolMock{} }, "tool_mocks"},
		"mock's output": {func(in *retell.TestCaseDefinitionInput) { in.ToolMocks[0].Output = "x" }, "tool_mocks"},
		"mock's result": {func(in *retell.TestCaseDefinitionInput) { in.ToolMocks[1].Result = new(false) }, "tool_mocks"},
		"mock's args":   {func(in *retell.TestCaseDefinitionInput) { in.ToolMocks[0].InputMatchRule.Args["id"] = 7.0 }, "tool_mocks"},
		"mock's rule": {func(in *retell.TestCaseDefinitionInput) {
			in.ToolMocks[0].InputMatchRule = retell.MatchRule{Type: retell.MatchAny}
		}, "tool_mocks"},
		"model":    {func(in *retell.TestCaseDefinitionInput) { in.LLMModel = "gpt-5.1" }, "llm_model"},
		"no model": {func(in *retell.TestCaseDefinitionInput) { in.LLMModel = "" }, ""},
		"version": {func(in *retell.TestCaseDefinitionInput) {
			in.ResponseEngine = &retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1", Version: new(0)}
		}, "response_engine"},
		"prompt and model": {func(in *retell.TestCaseDefinitionInput) { in.UserPrompt, in.LLMModel = "x", "gpt-5.1" }, "user_prompt,llm_model"},
	} {
		p := newPlatform(t)
		c := p.client()
		push(t, c, parse(t, definitionsFile))
		d := parse(t, definitionsFile)
		tt.change(&d.Cases[0])
		_, did := push(t, c, d)
		if tt.want == "" {
			assert.Empty(t, did, name)
			continue
		}
		assert.Equal(t, []string{"update late parcel " + tt.want}, did, name)
		_, did = push(t, c, d)
		assert.Empty(t, did, "%s, again", name)
	}
}

func TestNamesThatAreThereTwice(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, definitionsFile)
	for range 2 {
		for _, in := range d.Cases {
			_, err := c.CreateTestCaseDefinition(t.Context(), in)
			require.NoError(t, err)
		}
	}
	_, err := c.PlanPush(t.Context(), d)
	assert.EqualError(t, err, `retell: test cases of the platform have the same name: 2 are called "late parcel" on retell-llm llm_1: tc_3, tc_1; delete or rename all but one of them
retell: test cases of the platform have the same name: 2 are called "refund" on conversation-flow cf_1: tc_4, tc_2; delete or rename all but one of them`)
	assert.ErrorIs(t, err, retell.ErrSameName)
	_, _, err = c.Pull(t.Context(), *d.Engine)
	assert.ErrorContains(t, err, `2 are called "late parcel"`)
}

// A push that breaks off says so, and the next one does the rest.
func TestPushThatBreaksOff(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, definitionsFile)
	n := 0
	p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if r.Method == http.MethodPost {
			if n++; n == 2 {
				serve() // taken, but nobody hears of it
				return p.refusal(r, 502, "bad gateway"), nil
			}
		}
		return serve(), nil
	}
	plan, err := c.PlanPush(t.Context(), d)
	require.NoError(t, err)
	did := 0
	err = c.Apply(t.Context(), plan, func(retell.Change) { did++ })
	assert.True(t, retell.Ambiguous(err))
	assert.Equal(t, 1, did)
	_, again := push(t, c, d)
	assert.Empty(t, again, "it was taken, and is found by its name")
	assert.Len(t, p.definitions, 2)
}

func TestPull(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	d := parse(t, definitionsFile)
	push(t, c, d)
	pulled, lost, err := c.Pull(t.Context(), retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1", Version: new(3)})
	require.NoError(t, err)
	assert.Empty(t, lost)
	assert.Equal(t, retell.Definitions{Engine: d.Engine, Cases: d.Cases[:1]}, pulled)

	data, err := pulled.Format()
	require.NoError(t, err)
	_, did := push(t, c, parse(t, string(data)))
	assert.Empty(t, did, "what is pulled is there")

	p.definitions[0].Unknown = retell.Unknown{"voice": []byte(`"deep"`), "nothing": []byte("null")}
	p.definitions[0].ToolMocks[1].Unknown = retell.Unknown{"delay": []byte("5")}
	p.definitions[0].ToolMocks[1].InputMatchRule.Unknown = retell.Unknown{"case": []byte("true")}
	other := p.definitions[0]
	other.ID, other.Name, other.ResponseEngine.Version, other.Unknown, other.ToolMocks = "tc_x", "A", new(2), nil, []retell.ToolMock{}
	p.definitions = append(p.definitions, other)
	pulled, lost, err = c.Pull(t.Context(), *d.Engine)
	require.NoError(t, err)
	assert.Equal(t, []string{`voice of test case "late parcel"`, `tool_mocks[1].delay of test case "late parcel"`, `tool_mocks[1].input_match_rule.case of test case "late parcel"`}, lost)
	assert.Equal(t, d.Engine, pulled.Engine)
	assert.Len(t, pulled.Cases, 2)

	none, _, err := c.Pull(t.Context(), retell.ResponseEngine{Type: retell.EngineFlow, ConversationFlowID: "cf_2"})
	require.NoError(t, err)
	assert.Empty(t, none.Cases)
}
