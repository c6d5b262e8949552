package retell_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
)

const definition = `{
	"test_case_definition_id": "tc_1", "type": "simulation", "name": "late", "user_prompt": "Ask <b>&", "metrics": ["polite"],
	"response_engine": {"type": "retell-llm", "llm_id": "llm_1", "version": null, "new": {"n": 12345678901234567890}},
	"dynamic_variables": {"a": ""}, "llm_model": "gpt-9",
	"tool_mocks": [
		{"tool_name": "find", "input_match_rule": {"type": "any", "new": 1}, "output": "{}", "result": null},
		{"tool_name": "find", "input_match_rule": {"type": "partial_match", "args": {"n": 9007199254740993, "x": [null]}}, "output": "", "result": false},
		{"tool_name": "find", "input_match_rule": {"type": "partial_match", "args": {}}, "output": "", "new": true},
		{"tool_name": "find", "input_match_rule": {"type": "fuzzy", "of": 1}, "output": ""}],
	"creation_timestamp": 1767323045123, "user_modified_timestamp": 1767323045124, "new": [1]
}`

const run = `{"test_case_job_id": "job_1", "status": "pending", "test_case_definition_id": "tc_1", "test_case_definition_snapshot": ` + definition + `,
	"transcript_snapshot": null, "result_explanation": null, "creation_timestamp": 1, "user_modified_timestamp": 2, "new": null}`

const batch = `{"test_case_batch_job_id": "b_1", "status": "paused", "response_engine": {"type": "custom-llm", "llm_websocket_url": "wss://x", "version": 3},
	"pass_count": 0, "fail_count": 1, "error_count": 2, "total_count": 3, "creation_timestamp": 1, "user_modified_timestamp": 2, "new": null}`

func TestRoundTripKeepsEverything(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		into any
	}{
		"definition":     {definition, &retell.TestCaseDefinition{}},
		"input":          {`{"name": "n", "response_engine": {"type": "conversation-flow", "conversation_flow_id": "cf", "version": 0}, "metrics": [], "dynamic_variables": {}, "tool_mocks": [], "new": 1}`, &retell.TestCaseDefinitionInput{}},
		"nothing":        {`{}`, &retell.TestCaseDefinitionInput{}},
		"run":            {run, &retell.TestRun{}},
		"finished run":   {`{"test_case_job_id": "job_1", "status": "fail", "test_case_definition_id": "tc_1", "test_case_definition_snapshot": ` + definition + `, "transcript_snapshot": {"a": [1e400]}, "result_explanation": "", "creation_timestamp": 1, "user_modified_timestamp": 2}`, &retell.TestRun{}},
		"batch":          {batch, &retell.BatchTest{}},
		"unknown engine": {`{"type": "telepathy", "mind": {"id": 1}}`, &retell.ResponseEngine{}},
		"create batch":   {`{"test_case_definition_ids": ["a", "a"], "response_engine": {"type": "retell-llm", "llm_id": "l"}, "new": 1}`, &retell.CreateBatchTestRequest{}},
		"page":           {`{"items": [` + batch + `], "pagination_key": "k", "has_more": true, "total": 7}`, &retell.Page[retell.BatchTest]{}},
		"last page":      {`{"items": [` + run + `], "pagination_key": null, "has_more": false}`, &retell.Page[retell.TestRun]{}},
		"empty texts":    {`{"name": "", "llm_model": "", "user_prompt": "", "new": ""}`, &retell.TestCaseDefinitionInput{}},
		// Values of other types are kept as they are.
		"misfits": {`{"test_case_definition_id": 7, "type": {}, "name": null, "response_engine": null, "user_prompt": ["p"], "metrics": ["a", null],
			"dynamic_variables": {"a": null}, "tool_mocks": [null], "llm_model": 1.5, "creation_timestamp": "1", "user_modified_timestamp": 1.5}`, &retell.TestCaseDefinition{}},
		"more misfits": {`{"test_case_batch_job_id": "b", "status": null, "response_engine": {"type": "retell-llm", "llm_id": "l", "version": 1.5},
			"pass_count": "1", "fail_count": null, "error_count": -1, "total_count": 1e300, "creation_timestamp": 1, "user_modified_timestamp": 2}`, &retell.BatchTest{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, json.Unmarshal([]byte(tt.text), tt.into))
			out, err := json.Marshal(tt.into)
			require.NoError(t, err)
			assert.Equal(t, exact(t, []byte(tt.text)), exact(t, out))
		})
	}
}

// exact decodes with numbers as they are written.
func exact(t *testing.T, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), string(data))
	return v
}

func TestUnions(t *testing.T) {
	var d retell.TestCaseDefinition
	require.NoError(t, json.Unmarshal([]byte(definition), &d))
	assert.Equal(t, "llm_1", d.ResponseEngine.ID())
	assert.Nil(t, d.ResponseEngine.Version)
	assert.Equal(t, map[string]any{"n": json.Number("9007199254740993"), "x": []any{nil}}, d.ToolMocks[1].InputMatchRule.Args)
	assert.Nil(t, d.ToolMocks[0].Result)
	assert.False(t, *d.ToolMocks[1].Result)

	for text, id := range map[string]string{
		`{"type": "conversation-flow", "conversation_flow_id": "cf", "llm_id": "x", "version": 3.0}`: "cf",
		`{"type": "custom-llm", "llm_websocket_url": "wss://x", "llm_id": "x"}`:                      "",
		`{"type": "telepathy", "llm_id": "x"}`:                                                       "",
	} {
		var e retell.ResponseEngine
		require.NoError(t, json.Unmarshal([]byte(text), &e))
		assert.Equal(t, id, e.ID())
		if e.Version != nil {
			assert.Equal(t, 3, *e.Version)
		}
	}
}

func TestUnknownStatusIsNotFinished(t *testing.T) {
	for status, finished := range map[string]bool{
		"pending": false, "in_progress": false, "pass": true, "fail": true, "error": true, "": false, "judging": false, "PASS": false, "complete": false,
	} {
		assert.Equal(t, finished, retell.TestRun{Status: status}.Finished(), status)
	}
	for status, finished := range map[string]bool{"in_progress": false, "complete": true, "": false, "paused": false} {
		assert.Equal(t, finished, retell.BatchTest{Status: status}.Finished(), status)
	}
}

func TestPageInsistsOnItems(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `"x"`, `{"items": null}`, `{"items": {}}`, `{"items": [1]}`, `{"items": [null]}`,
		`{"items": [], "has_more": "yes"}`, `{"items": [], "pagination_key": 7, "has_more": true}`,
	} {
		var p retell.Page[retell.TestRun]
		err := json.Unmarshal([]byte(text), &p)
		assert.Error(t, err, text)
		assert.NotContains(t, fmt.Sprint(err), "struct {", text)
	}
	for text, more := range map[string]bool{
		`{"items": []}`:                                            false,
		`{"items": [], "pagination_key": ""}`:                      false,
		`{"items": [], "pagination_key": "k"}`:                     true,
		`{"items": [], "pagination_key": "k", "has_more": false}`:  false,
		`{"items": [], "pagination_key": null, "has_more": null}`:  false,
		`{"items": [], "has_more": true}`:                          true,
		`{"items": [], "pagination_key": null, "has_more": false}`: false,
	} {
		var p retell.Page[retell.TestRun]
		require.NoError(t, json.Unmarshal([]byte(text), &p), text)
		assert.Equal(t, more, p.HasMore, text)
	}
	out, err := json.Marshal(retell.Page[retell.TestRun]{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"items": [], "has_more": false}`, string(out))
}

// Whatever the platform sends is there when it is encoded again.
func FuzzNothingIsLost(f *testing.F) {
	for _, seed := range []string{definition, run, batch, `{"metrics": [null], "version": 3.0, "tool_mocks": [{"input_match_rule": null}], "status": "\ud800"}`,
		`{"test_case_definition_snapshot": {"response_engine": [], "dynamic_variables": {"a": 1}}, "transcript_snapshot": 7, "result_explanation": 7, "pass_count": 1e2}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
			return
		}
		for _, into := range []any{&retell.TestCaseDefinition{}, &retell.TestRun{}, &retell.BatchTest{}, &retell.TestCaseDefinitionInput{}, &retell.ResponseEngine{}} {
			require.NoError(t, json.Unmarshal([]byte(text), into))
			out, err := json.Marshal(into)
			require.NoError(t, err)
			within(t, exact(t, []byte(text)), exact(t, out))
		}
	})
}

// within wants everything of one JSON value in another.
func within(t *testing.T, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		require.IsType(t, want, got)
		for k, v := range want {
			require.Contains(t, got, k)
			within(t, v, got.(map[string]any)[k])
		}
	case []any:
		require.IsType(t, want, got)
		require.Len(t, got, len(want))
		for i, v := range want {
			within(t, v, got.([]any)[i])
		}
	case json.Number:
		if want != got {
			require.IsType(t, want, got)
			a, errA := want.Float64()
			b, errB := got.(json.Number).Float64()
			require.True(t, errA == nil && errB == nil && a == b, "%v and %v", want, got)
		}
	default:
		require.Equal(t, want, got)
	}
}
