package retell_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
)

func TestConfig(t *testing.T) {
	env := map[string]string{"RETELL_API_KEY": "k", "RETELL_BASE_URL": "http://127.0.0.1:8500"}
	assert.Equal(t, retell.Config{APIKey: "k", BaseURL: "http://127.0.0.1:8500"},
		retell.ConfigFromEnv(func(name string) string { return env[name] }))
	for name, c := range map[string]retell.Config{
		"no key":     {},
		"plain http": {APIKey: key, BaseURL: "http://api.example.com"},
		"bad key":    {APIKey: key + "\n"},
		"no scheme":  {APIKey: key, BaseURL: "localhost:8500"},
		"password":   {APIKey: key, BaseURL: "https://me:" + key + "@api.example.com"},
	} {
		_, err := retell.New(c)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), key)
	}
	_, err := retell.New(retell.Config{BaseURL: "http://127.0.0.1:8500"})
	assert.NoError(t, err, "a server on loopback may want no key")
}

// Every endpoint; the stand-in checks each request and answer against the contract.
func TestEndpoints(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	ctx := t.Context()

	d, err := c.CreateTestCaseDefinition(ctx, retell.TestCaseDefinitionInput{Name: "late", UserPrompt: "Ask.", ResponseEngine: &engine})
	require.NoError(t, err)
	assert.Equal(t, []string{}, d.Metrics)
	full := retell.TestCaseDefinitionInput{
		Name: "full", UserPrompt: "Ask <b>&", Metrics: []string{"polite"}, DynamicVariables: map[string]string{"a": "b"}, LLMModel: "gpt-5.1",
		ResponseEngine: &retell.ResponseEngine{Type: retell.EngineFlow, ConversationFlowID: "cf/1"},
		ToolMocks: []retell.ToolMock{
			{ToolName: "find", InputMatchRule: retell.MatchRule{Type: retell.MatchPartial, Args: map[string]any{"id": 1.0}}, Output: `{"ok":true}`},
			{ToolName: "find", InputMatchRule: retell.MatchRule{Type: retell.MatchAny}, Output: `{}`, Result: new(false)},
		},
	}
	f, err := c.CreateTestCaseDefinition(ctx, full)
	require.NoError(t, err)
	assert.Equal(t, full.ToolMocks, f.ToolMocks)
	got, err := c.GetTestCaseDefinition(ctx, f.ID)
	require.NoError(t, err)
	assert.Equal(t, f, got)
	changed, err := c.UpdateTestCaseDefinition(ctx, f.ID, retell.TestCaseDefinitionInput{UserPrompt: "Ask.", ToolMocks: []retell.ToolMock{}})
	require.NoError(t, err)
	assert.Equal(t, "Ask.", changed.UserPrompt)
	assert.Empty(t, changed.ToolMocks)
	assert.Equal(t, full.Metrics, changed.Metrics, "what is not given stays")
	page, err := c.ListTestCaseDefinitions(ctx, engine, retell.ListOptions{Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, []retell.TestCaseDefinition{d}, page.Items)
	page, err = c.ListTestCaseDefinitions(ctx, *full.ResponseEngine, retell.ListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []retell.TestCaseDefinition{changed}, page.Items)
	require.NoError(t, c.DeleteTestCaseDefinition(ctx, f.ID))
	_, err = c.GetTestCaseDefinition(ctx, f.ID)
	assert.ErrorContains(t, err, "404 Not Found: The requested resource was not found. (is the ID right, and of this account?)")

	b, err := c.CreateBatchTest(ctx, retell.CreateBatchTestRequest{DefinitionIDs: []string{d.ID, d.ID}, ResponseEngine: engine})
	require.NoError(t, err)
	same, err := c.GetBatchTest(ctx, b.ID)
	require.NoError(t, err)
	assert.Equal(t, b, same)
	batches, err := c.ListBatchTests(ctx, engine, retell.ListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []retell.BatchTest{b}, batches.Items)
	runs, err := c.ListTestRuns(ctx, b.ID, retell.ListOptions{Limit: 1})
	require.NoError(t, err)
	assert.True(t, runs.HasMore)
	runs, err = c.ListTestRuns(ctx, b.ID, retell.ListOptions{Limit: 1, PaginationKey: runs.PaginationKey})
	require.NoError(t, err)
	require.Len(t, runs.Items, 1)
	run, err := c.GetTestRun(ctx, runs.Items[0].ID)
	require.NoError(t, err)
	assert.Equal(t, runs.Items[0], run)
	assert.Equal(t, "polite", *run.Explanation)
	assert.Equal(t, `{"turns":[1]}`, string(run.Transcript))
	p.noOtherKey()
	assert.Contains(t, p.requests, "GET /v2/list-batch-tests?llm_id=llm_1&type=retell-llm&version=3")
}

func TestWrongArgumentsAreNotSent(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	for want, r := range map[string]retell.CreateBatchTestRequest{
		"0 test cases; a batch has 1 to 1000":             {ResponseEngine: engine},
		"1001 test cases; a batch has 1 to 1000":          {ResponseEngine: engine, DefinitionIDs: strings.Split(strings.Repeat("a,", 1000)+"a", ",")},
		"the ID of test case 1 is empty":                  {ResponseEngine: engine, DefinitionIDs: []string{"a", ""}},
		`a response engine of type "custom-llm" can't be`: {ResponseEngine: retell.ResponseEngine{Type: retell.EngineCustom}, DefinitionIDs: []string{"a"}},
		`a response engine of type "" can't be tested`:    {DefinitionIDs: []string{"a"}},
		"type retell-llm has no ID":                       {ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, ConversationFlowID: "x"}, DefinitionIDs: []string{"a"}},
		"version of the response engine is negative":      {ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "x", Version: new(-1)}, DefinitionIDs: []string{"a"}},
	} {
		_, err := c.CreateBatchTest(t.Context(), r)
		assert.ErrorContains(t, err, want)
		assert.False(t, retell.Ambiguous(err))
		_, err = c.Intend(t.Context(), r)
		assert.ErrorContains(t, err, want)
	}
	for _, id := range []string{"", ".", ".."} {
		_, err := c.GetBatchTest(t.Context(), id)
		assert.ErrorContains(t, err, "is not an ID")
		assert.ErrorContains(t, c.DeleteTestCaseDefinition(t.Context(), id), "is not an ID")
	}
	assert.Empty(t, p.requests)
}

func TestErrors(t *testing.T) {
	for status, hint := range map[int]string{400: "", 401: "RETELL_API_KEY", 402: "paid", 404: "is the ID right", 422: "is the ID right", 429: "", 500: ""} {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
			return p.refusal(r, status, "no, with "+key), nil
		}
		for method, call := range map[string]func() error{
			"read":   func() error { _, err := p.client().GetBatchTest(t.Context(), "b"); return err },
			"create": func() error { _, err := p.client().CreateBatchTest(t.Context(), request("tc")); return err },
			"update": func() error {
				_, err := p.client().UpdateTestCaseDefinition(t.Context(), "tc", retell.TestCaseDefinitionInput{Name: "n"})
				return err
			},
			"delete": func() error { return p.client().DeleteTestCaseDefinition(t.Context(), "tc") },
		} {
			p.requests = nil
			err := call()
			var e *retell.Error
			require.ErrorAs(t, err, &e, "%d %s", status, method)
			assert.Equal(t, status, e.Status)
			assert.Equal(t, "no, with [redacted]", e.Message)
			assert.ErrorContains(t, err, hint)
			assert.NotContains(t, err.Error(), key)
			attempts := 1
			if status == 429 || status == 500 && method == "read" { // a refusal for its rate was not taken
				attempts = 3
			}
			assert.Len(t, p.requests, attempts, "%d %s", status, method)
			assert.Equal(t, status == 500, retell.Ambiguous(err), "%d %s", status, method)
		}
	}
}

func TestAnswersThatAreNotWhatWasAskedFor(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "<html>", "half": `{"test_case_batch_job_id": "b`, "null": "null", "no ID": `{"status": "in_progress"}`, "ID a number": `{"test_case_batch_job_id": 7}`,
	} {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
			return p.says(r, body), nil
		}
		_, err := p.client().CreateBatchTest(t.Context(), request("tc"))
		require.Error(t, err, name)
		assert.True(t, retell.Ambiguous(err), name)
		assert.Len(t, p.requests, 1, name)
	}
	assert.False(t, retell.Ambiguous(nil))
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the key went elsewhere") }))
	defer thief.Close()
	origin := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer origin.Close()
	c, err := retell.New(retell.Config{BaseURL: origin.URL, APIKey: key})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.GetBatchTest(t.Context(), "b")
	assert.ErrorContains(t, err, "redirected")
	_, err = c.CreateBatchTest(t.Context(), request("tc"))
	assert.ErrorContains(t, err, "redirected")
}

func TestRetryAfterIsObeyed(t *testing.T) {
	p := newPlatform(t)
	b := p.add(request("tc"))
	p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if len(p.requests) == 1 {
			resp := p.refusal(r, 429, "slow down")
			resp.Header.Set("Retry-After", "7")
			return resp, nil
		}
		return serve(), nil
	}
	var waits []time.Duration
	c := p.clientThat(func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil })
	_, err := c.GetBatchTest(t.Context(), b.ID)
	require.NoError(t, err)
	assert.Equal(t, []time.Duration{7 * time.Second}, waits)
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	p := newPlatform(t)
	p.paged = 7
	for range 700 {
		p.definitions = append(p.definitions, retell.TestCaseDefinition{ID: p.id("tc"), Type: "simulation", Name: "n", ResponseEngine: engine, Metrics: []string{},
			DynamicVariables: map[string]string{}, ToolMocks: []retell.ToolMock{}, LLMModel: "gpt-4.1"})
	}
	n := 0
	for d, err := range p.client().AllTestCaseDefinitions(t.Context(), engine) {
		require.NoError(t, err)
		assert.NotEmpty(t, d.ID)
		n++
	}
	assert.Equal(t, 700, n)
	assert.Equal(t, 100, len(p.requests))
	for range p.client().AllTestCaseDefinitions(t.Context(), engine) {
		break
	}
	for range p.client().AllTestRuns(t.Context(), "none") {
		t.Error("there is none")
	}
}

// A list that does not hold together ends with an error, never as if it were whole.
func TestListsThatDoNotHoldTogether(t *testing.T) {
	page := func(key, more string, ids ...string) string {
		items := make([]string, len(ids))
		for i, id := range ids {
			items[i] = fmt.Sprintf(`{"test_case_batch_job_id": %q}`, id)
		}
		return fmt.Sprintf(`{"items": [%s], "pagination_key": %s, "has_more": %s}`, strings.Join(items, ","), key, more)
	}
	for name, tt := range map[string]struct {
		pages []string // the last one again and again
		ids   []string
		want  string // "": no error
	}{
		"empty pages are passed": {[]string{page(`"a"`, "true", "1"), page(`"b"`, "true"), page(`"c"`, "true"), page("null", "false", "2")}, []string{"1", "2"}, ""},
		"has_more decides":       {[]string{page(`"a"`, "false", "1")}, []string{"1"}, ""},
		"only a key":             {[]string{page(`"a"`, "null", "1"), page("null", "null", "2")}, []string{"1", "2"}, ""},
		"the same key again":     {[]string{page(`"a"`, "true", "1"), page(`"a"`, "true", "2")}, []string{"1", "2"}, "leads back"},
		"a circle":               {[]string{page(`"a"`, "true"), page(`"b"`, "true"), page(`"a"`, "true")}, nil, "leads back"},
		"no key":                 {[]string{page("null", "true", "1")}, []string{"1"}, "no key that leads there"},
		"an ID twice":            {[]string{page(`"a"`, "true", "1"), page("null", "false", "1")}, []string{"1"}, `it has "1" twice`},
		"no ID":                  {[]string{page("null", "false", "")}, nil, "an item has no ID"},
		"an error in the middle": {[]string{page(`"a"`, "true", "1"), `{}`}, []string{"1"}, "not a page: no items"},
		"an old list":            {[]string{`[{"test_case_batch_job_id": "1"}]`}, nil, "can't be read"},
	} {
		p, n := newPlatform(t), 0
		p.fault = func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
			n++
			return p.says(r, tt.pages[min(n, len(tt.pages))-1]), nil
		}
		ids, err := collect(p.client().AllBatchTests(t.Context(), engine))
		assert.Equal(t, tt.ids, ids, name)
		if tt.want == "" {
			assert.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, tt.want, name)
	}

	p, n := newPlatform(t), 0
	p.fault = func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
		n++
		return p.says(r, page(fmt.Sprintf(`"%d"`, n), "true")), nil
	}
	_, err := collect(p.client().AllBatchTests(t.Context(), engine))
	require.ErrorContains(t, err, "more than 100 empty pages in a row")
	assert.ErrorIs(t, err, retell.ErrChanged)
	assert.Equal(t, 101, n)
}

func collect(batches iter.Seq2[retell.BatchTest, error]) (ids []string, err error) {
	for b, trouble := range batches {
		if trouble != nil {
			return ids, errors.Join(err, trouble)
		}
		ids = append(ids, b.ID)
	}
	return ids, nil
}

func request(ids ...string) retell.CreateBatchTestRequest {
	return retell.CreateBatchTestRequest{DefinitionIDs: ids, ResponseEngine: engine}
}
