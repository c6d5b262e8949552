package retell

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

// Unknown holds the fields of a JSON object that have no Go field here, and
// those whose value did not fit its Go field, null among them. They are kept when
// an object is decoded and written back when it is encoded.
type Unknown = wire.Unknown

// The values of ResponseEngine.Type. More may come: it is a string on purpose.
const (
	EngineLLM    = "retell-llm"
	EngineFlow   = "conversation-flow"
	EngineCustom = "custom-llm" // in answers only: test cases can't use it
)

// ResponseEngine is the union of what can answer a caller, whose discriminator
// is type.
type ResponseEngine struct {
	Type string `json:"type"`
	// LLMID is of EngineLLM.
	LLMID string `json:"llm_id,omitzero"`
	// ConversationFlowID is of EngineFlow.
	ConversationFlowID string `json:"conversation_flow_id,omitzero"`
	// LLMWebsocketURL is of EngineCustom.
	LLMWebsocketURL string `json:"llm_websocket_url,omitzero"`
	// Version is nil when absent: the platform takes the latest.
	Version *int `json:"version,omitzero"`

	Unknown Unknown `json:"-"`
}

// ID is the ID of the engine, "" of a custom-llm and of types that are not known.
func (e ResponseEngine) ID() string {
	switch e.Type {
	case EngineLLM:
		return e.LLMID
	case EngineFlow:
		return e.ConversationFlowID
	}
	return ""
}

// The values of MatchRule.Type.
const (
	MatchAny     = "any"
	MatchPartial = "partial_match"
)

// MatchRule is the union ToolMockInputMatchRule, whose discriminator is type: any
// call of the tool, or one whose arguments are among others those of Args.
type MatchRule struct {
	Type string `json:"type"`
	// Args are of MatchPartial; nil when absent, empty is not the same.
	Args map[string]any `json:"args,omitzero"`

	Unknown Unknown `json:"-"`
}

// MaxMockOutput is how many characters the output of a ToolMock may have.
const MaxMockOutput = 15_000

// ToolMock is the answer to a tool call in place of the real tool's.
type ToolMock struct {
	// ToolName is the name of the function that the model calls, not a tool's ID.
	ToolName       string    `json:"tool_name"`
	InputMatchRule MatchRule `json:"input_match_rule"`
	// Output is fed to the model; JSON text, up to MaxMockOutput characters.
	Output string `json:"output"`
	// Result is for tools that succeed or not, such as transfer_call.
	Result *bool `json:"result,omitzero"`

	Unknown Unknown `json:"-"`
}

// TestCaseDefinitionInput creates or changes a definition. To create one, Name,
// ResponseEngine, UserPrompt and Metrics are needed; in a change what is zero
// stays as it is, and an empty list or map that is not nil empties.
type TestCaseDefinitionInput struct {
	Name             string            `json:"name,omitzero"`
	ResponseEngine   *ResponseEngine   `json:"response_engine,omitzero"`
	UserPrompt       string            `json:"user_prompt,omitzero"`
	Metrics          []string          `json:"metrics,omitzero"`
	DynamicVariables map[string]string `json:"dynamic_variables,omitzero"`
	ToolMocks        []ToolMock        `json:"tool_mocks,omitzero"`
	// LLMModel simulates the caller.
	LLMModel string `json:"llm_model,omitzero"`

	Unknown Unknown `json:"-"`
}

// TestCaseDefinition is a scenario that a simulated caller plays.
type TestCaseDefinition struct {
	ID string `json:"test_case_definition_id"`
	// Type is "simulation", the only value that there is.
	Type             string            `json:"type,omitzero"`
	Name             string            `json:"name"`
	ResponseEngine   ResponseEngine    `json:"response_engine"`
	UserPrompt       string            `json:"user_prompt"`
	Metrics          []string          `json:"metrics,omitzero"`
	DynamicVariables map[string]string `json:"dynamic_variables,omitzero"`
	ToolMocks        []ToolMock        `json:"tool_mocks,omitzero"`
	LLMModel         string            `json:"llm_model,omitzero"`
	// Created and UserModified are milliseconds since 1970, here and below.
	Created      int64 `json:"creation_timestamp"`
	UserModified int64 `json:"user_modified_timestamp"`

	Unknown Unknown `json:"-"`
}

// The values of BatchTest.Status.
const (
	StatusInProgress = "in_progress" // of runs too
	StatusComplete   = "complete"
)

// BatchTest is a TestCaseBatchJob: test cases that run against one engine.
type BatchTest struct {
	ID string `json:"test_case_batch_job_id"`
	// Status may have values that are not known here: see Finished.
	Status         string         `json:"status"`
	ResponseEngine ResponseEngine `json:"response_engine"`
	PassCount      int            `json:"pass_count"`
	FailCount      int            `json:"fail_count"`
	ErrorCount     int            `json:"error_count"`
	TotalCount     int            `json:"total_count"`
	Created        int64          `json:"creation_timestamp"`
	UserModified   int64          `json:"user_modified_timestamp"`

	Unknown Unknown `json:"-"`
}

// Finished tells whether the batch is over. One with a status that is not known
// is not.
func (b BatchTest) Finished() bool { return b.Status == StatusComplete }

// CreatedAt is when the platform says that it was created.
func (b BatchTest) CreatedAt() time.Time { return time.UnixMilli(b.Created) }

// The values of TestRun.Status, beside StatusInProgress.
const (
	StatusPending = "pending"
	StatusPass    = "pass"
	StatusFail    = "fail"
	StatusError   = "error"
)

// TestRun is a TestCaseJob: one definition as it was played once.
type TestRun struct {
	ID string `json:"test_case_job_id"`
	// Status may have values that are not known here: see Finished.
	Status       string `json:"status"`
	DefinitionID string `json:"test_case_definition_id"`
	// Definition is what was played, whatever became of the definition since.
	Definition TestCaseDefinition `json:"test_case_definition_snapshot"`
	// Transcript is a JSON object whose form the platform does not document, or
	// null, or nil when absent.
	Transcript json.RawMessage `json:"transcript_snapshot,omitzero"`
	// Explanation says why it passed or failed; nil when there is none.
	Explanation  *string `json:"result_explanation,omitzero"`
	Created      int64   `json:"creation_timestamp"`
	UserModified int64   `json:"user_modified_timestamp"`

	Unknown Unknown `json:"-"`
}

// Finished tells whether the run has a result: pass, fail or error. One with a
// status that is not known has none.
func (r TestRun) Finished() bool {
	return r.Status == StatusPass || r.Status == StatusFail || r.Status == StatusError
}

// CreateBatchTestRequest starts a batch.
type CreateBatchTestRequest struct {
	// DefinitionIDs are 1 to MaxBatch.
	DefinitionIDs []string `json:"test_case_definition_ids"`
	// ResponseEngine is what is tested, whatever engine the definitions name.
	ResponseEngine ResponseEngine `json:"response_engine"`

	Unknown Unknown `json:"-"`
}

// MaxBatch is how many test cases a batch may have.
const MaxBatch = 1000

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// PaginationKey asks for the next page; "" when absent.
	PaginationKey string `json:"pagination_key,omitzero"`
	// HasMore tells whether there is a next page. Where the platform does not say,
	// there is one when there is a key.
	HasMore bool `json:"has_more"`

	Unknown Unknown `json:"-"`
}

// UnmarshalJSON refuses what is no page: items must be there, all of them of
// their type.
func (p *Page[T]) UnmarshalJSON(data []byte) error {
	var must struct {
		Items   *[]json.RawMessage `json:"items"`
		HasMore *bool              `json:"has_more"`
		Key     string             `json:"pagination_key"`
	}
	err := json.Unmarshal(data, &must)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return errors.New("not a page: no object")
	case err != nil:
		return err
	}
	if must.Items == nil {
		return errors.New("not a page: no items")
	}
	if err := wire.DecodeExact(data, p); err != nil {
		return err
	}
	if _, bad := p.Unknown["items"]; bad {
		return errors.New("not a page: items can't be read")
	}
	if must.HasMore == nil {
		p.HasMore = p.PaginationKey != ""
	}
	return nil
}

// MarshalJSON writes unknown fields back, and no items as [].
func (p Page[T]) MarshalJSON() ([]byte, error) {
	if p.Items == nil {
		p.Items = []T{}
	}
	return wire.Encode(p)
}
