package retell

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// CreateTestCaseDefinition makes a definition. Metrics may be empty.
func (c *Client) CreateTestCaseDefinition(ctx context.Context, in TestCaseDefinitionInput) (TestCaseDefinition, error) {
	if in.Metrics == nil {
		in.Metrics = []string{}
	}
	return one[TestCaseDefinition](ctx, c, "create test case definition "+strconv.Quote(in.Name), http.MethodPost, in, "create-test-case-definition")
}

// GetTestCaseDefinition reads a definition.
func (c *Client) GetTestCaseDefinition(ctx context.Context, id string) (TestCaseDefinition, error) {
	return one[TestCaseDefinition](ctx, c, "get test case definition "+id, http.MethodGet, nil, "get-test-case-definition", id)
}

// UpdateTestCaseDefinition changes what is not zero in the input.
func (c *Client) UpdateTestCaseDefinition(ctx context.Context, id string, in TestCaseDefinitionInput) (TestCaseDefinition, error) {
	return one[TestCaseDefinition](ctx, c, "update test case definition "+id, http.MethodPut, in, "update-test-case-definition", id)
}

// DeleteTestCaseDefinition deletes a definition. Runs keep theirs.
func (c *Client) DeleteTestCaseDefinition(ctx context.Context, id string) error {
	return c.call(ctx, "delete test case definition "+id, http.MethodDelete, nil, nil, nil, "delete-test-case-definition", id)
}

// ListTestCaseDefinitions reads one page of the definitions of an engine,
// whatever its version.
func (c *Client) ListTestCaseDefinitions(ctx context.Context, engine ResponseEngine, o ListOptions) (Page[TestCaseDefinition], error) {
	engine.Version = nil // not a parameter here
	return list[TestCaseDefinition](ctx, c, "list test case definitions", &engine, o, "v2", "list-test-case-definitions")
}

// CreateBatchTest starts a batch. Each costs money and none can be stopped: after
// an error that is [Ambiguous] it must not be sent again before it is known that
// the platform did not take it. See [Client.Start].
func (c *Client) CreateBatchTest(ctx context.Context, r CreateBatchTestRequest) (BatchTest, error) {
	if err := r.check(); err != nil {
		return BatchTest{}, fmt.Errorf("retell: create batch test: %w", err)
	}
	return one[BatchTest](ctx, c, "create batch test", http.MethodPost, r, "create-batch-test")
}

func (r CreateBatchTestRequest) check() error {
	if n := len(r.DefinitionIDs); n == 0 || n > MaxBatch {
		return fmt.Errorf("%d test cases; a batch has 1 to %d", n, MaxBatch)
	}
	for i, id := range r.DefinitionIDs {
		if id == "" {
			return fmt.Errorf("the ID of test case %d is empty", i)
		}
	}
	return r.ResponseEngine.check()
}

func (e ResponseEngine) check() error {
	switch {
	case e.Type != EngineLLM && e.Type != EngineFlow:
		return fmt.Errorf("a response engine of type %q can't be tested; there are %s and %s", e.Type, EngineLLM, EngineFlow)
	case e.ID() == "":
		return fmt.Errorf("the response engine of type %s has no ID", e.Type)
	case e.Version != nil && *e.Version < 0:
		return errors.New("the version of the response engine is negative")
	}
	return nil
}

// GetBatchTest reads a batch.
func (c *Client) GetBatchTest(ctx context.Context, id string) (BatchTest, error) {
	return one[BatchTest](ctx, c, "get batch test "+id, http.MethodGet, nil, "get-batch-test", id)
}

// ListBatchTests reads one page of the batches of an engine: of its version, or
// without one of what the platform takes for the latest.
func (c *Client) ListBatchTests(ctx context.Context, engine ResponseEngine, o ListOptions) (Page[BatchTest], error) {
	return list[BatchTest](ctx, c, "list batch tests", &engine, o, "v2", "list-batch-tests")
}

// GetTestRun reads a run.
func (c *Client) GetTestRun(ctx context.Context, id string) (TestRun, error) {
	return one[TestRun](ctx, c, "get test run "+id, http.MethodGet, nil, "get-test-run", id)
}

// ListTestRuns reads one page of the runs of a batch.
func (c *Client) ListTestRuns(ctx context.Context, batch string, o ListOptions) (Page[TestRun], error) {
	return list[TestRun](ctx, c, "list test runs of "+batch, nil, o, "v2", "list-test-runs", batch)
}

// ListOptions choose a page of a list.
type ListOptions struct {
	// Limit is the most items, 1 to 1000; 0 means the platform's 50.
	Limit int
	// PaginationKey is of the page before; "" for the first.
	PaginationKey string
}

// list reads one page, of the things of an engine or of all.
func list[T any](ctx context.Context, c *Client, what string, engine *ResponseEngine, o ListOptions, parts ...string) (Page[T], error) {
	var out Page[T]
	q := url.Values{}
	if engine != nil {
		what += " of " + engine.Type + " " + engine.ID()
		if err := engine.check(); err != nil {
			return out, fmt.Errorf("retell: %s: %w", what, err)
		}
		q.Set("type", engine.Type)
		if engine.Type == EngineLLM {
			q.Set("llm_id", engine.LLMID)
		} else {
			q.Set("conversation_flow_id", engine.ConversationFlowID)
		}
		if engine.Version != nil {
			q.Set("version", strconv.Itoa(*engine.Version))
		}
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.PaginationKey != "" {
		q.Set("pagination_key", o.PaginationKey)
	}
	return out, c.call(ctx, what, http.MethodGet, q, nil, &out, parts...)
}
