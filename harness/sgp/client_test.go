package sgp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/sgp"
)

func TestConfig(t *testing.T) {
	env := map[string]string{"SGP_API_KEY": "k", "SGP_ACCOUNT_ID": "a", "SGP_CLIENT_BASE_URL": "http://127.0.0.1:5003/public"}
	assert.Equal(t, sgp.Config{APIKey: "k", AccountID: "a", BaseURL: "http://127.0.0.1:5003/public"},
		sgp.ConfigFromEnv(func(name string) string { return env[name] }))

	for name, c := range map[string]sgp.Config{
		"no key":     {},
		"plain http": {APIKey: key, BaseURL: "http://api.example.com"},
		"bad key":    {APIKey: key + "\n"},
	} {
		_, err := sgp.New(c)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), key)
	}
	for _, base := range []string{"localhost:8400", "127.0.0.1:8400", "api.example.com", "ftp://api.example.com"} {
		for _, key := range []string{"", key} {
			_, err := sgp.New(sgp.Config{BaseURL: base, APIKey: key})
			assert.EqualError(t, err, "sgp: the base URL (SGP_CLIENT_BASE_URL) needs http:// or https:// before the host")
		}
	}
	_, err := sgp.New(sgp.Config{BaseURL: "http://127.0.0.1:8400"})
	assert.NoError(t, err, "a server on loopback may want no key")
}

// Every endpoint, each request checked against the contract by the stand-in.
func TestEndpoints(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	ctx := t.Context()

	d, err := c.CreateDataset(ctx, sgp.CreateEvaluationDatasetRequest{Name: "n", SchemaType: sgp.Generation})
	require.NoError(t, err)
	assert.Equal(t, "ds_1", d.ID)
	_, err = c.GetDataset(ctx, d.ID, "DatasetVersion", "TestCaseCount")
	require.NoError(t, err)
	datasets, err := c.ListDatasets(ctx, sgp.ListOptions{Page: 1, Limit: 10, IncludeArchived: true})
	require.NoError(t, err)
	assert.Len(t, datasets.Items, 1)

	cases, err := c.BatchCreateTestCases(ctx, d.ID, []sgp.TestCaseVersionRequest{
		{TestCaseData: sgp.TestCaseData{Input: "hi", ExpectedOutput: "hello", ExpectedExtraInfo: sgp.StringInfo("greeting")}},
		{TestCaseData: sgp.TestCaseData{Input: "<b>", ArtifactIDsFilter: []string{}, ExpectedExtraInfo: sgp.ChunksInfo(sgp.Chunk{Text: "x"})}},
		{TestCaseData: sgp.TestCaseData{Input: map[string]any{"n": 1.5, "none": nil, "list": []any{"a"}}}, AccountID: "acc", ChatHistory: map[string]any{"a": 1.0}},
	})
	require.NoError(t, err)
	require.Len(t, cases, 3)
	assert.Equal(t, "<b>", cases[1].TestCaseData.Input)
	assert.NotNil(t, cases[1].TestCaseData.ArtifactIDsFilter)
	live, err := c.ListTestCases(ctx, d.ID, sgp.ListOptions{})
	require.NoError(t, err)
	assert.EqualValues(t, 3, live.TotalItemCount)

	draft := true
	v, err := c.CreateVersion(ctx, d.ID, sgp.EvaluationDatasetVersionRequest{Draft: &draft})
	require.NoError(t, err)
	_, err = c.PublishVersion(ctx, d.ID, v.ID)
	require.NoError(t, err)
	_, err = c.Publish(ctx, d.ID)
	require.NoError(t, err)
	latest, err := c.LatestVersion(ctx, d.ID)
	require.NoError(t, err)
	assert.Equal(t, 2, latest)
	frozen, err := c.ListVersionTestCases(ctx, d.ID, latest, sgp.ListOptions{Page: 2, Limit: 2})
	require.NoError(t, err)
	assert.Len(t, frozen.Items, 1)

	spec, err := c.CreateApplicationSpec(ctx, sgp.ApplicationSpecRequest{Name: "app"})
	require.NoError(t, err)
	_, err = c.GetApplicationSpec(ctx, spec.ID)
	require.NoError(t, err)
	e, err := c.CreateEvaluation(ctx, sgp.EvaluationRequest{Name: "e", ApplicationSpecID: spec.ID})
	require.NoError(t, err)
	_, err = c.GetEvaluation(ctx, e.ID, "ApplicationSpec")
	require.NoError(t, err)
	_, err = c.ListEvaluations(ctx, sgp.ListOptions{ApplicationSpecID: spec.ID})
	require.NoError(t, err)
	started, err := sgp.StartEvaluation(ctx, c, sgp.RunEvaluation{RunID: "01", Name: "nightly", Tags: map[string]any{"branch": "main"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"evalrun_run": "01", "branch": "main"}, started.Tags)
	assert.Equal(t, "as_1", started.ApplicationSpecID)

	results, err := c.BatchCreateResults(ctx, e.ID, []sgp.TestCaseResultRequest{{
		ApplicationSpecID: spec.ID, EvaluationDatasetVersionNum: "2", TestCaseID: cases[0].ID,
		TestCaseEvaluationData: sgp.TestCaseEvaluationData{GenerationOutput: "hello"},
		Result:                 map[string]any{"q1": 1.0, "q2": "good", "q3": true, "q4": []any{"a", 1.0}},
	}})
	require.NoError(t, err)
	listed, err := c.ListResults(ctx, e.ID, sgp.ListOptions{Views: []string{"Metrics", "TestCaseVersion"}})
	require.NoError(t, err)
	assert.Equal(t, results, listed.Items)
	one, err := c.GetResult(ctx, e.ID, results[0].ID, "Task")
	require.NoError(t, err)
	assert.Equal(t, results[0], one)
	patched, err := c.PatchResult(ctx, e.ID, results[0].ID, sgp.TestCaseResultPatch{AuditComment: "seen", LabelStatus: sgp.StatusPending})
	require.NoError(t, err)
	assert.Equal(t, "seen", patched.AuditComment)

	assert.Equal(t, map[string]int{key: len(p.requests)}, p.keys)
	none, err := c.BatchCreateResults(ctx, e.ID, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestIDsAreEscaped(t *testing.T) {
	var got string
	p := newPlatform(t)
	p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
		got = r.URL.EscapedPath()
		return respond(r, 200, `{"id": "x"}`), nil
	}
	_, err := p.client().GetDataset(t.Context(), "a/../b?c#d%")
	require.NoError(t, err)
	assert.Equal(t, "/v4/evaluation-datasets/a%2F..%2Fb%3Fc%23d%25", got)
	for _, id := range []string{"", ".", ".."} {
		_, err := p.client().GetDataset(t.Context(), id)
		assert.ErrorContains(t, err, "is not an ID")
	}
}

func TestHints(t *testing.T) {
	for status, want := range map[int]string{401: "SGP_API_KEY", 402: "paid", 403: "SGP_ACCOUNT_ID", 404: "is the ID right"} {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
			return respond(r, status, `{"detail": "no, `+key+`"}`), nil
		}
		_, err := p.client().GetDataset(t.Context(), "ds_1")
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), key)
		assert.False(t, sgp.Ambiguous(err))
		assert.Len(t, p.requests, 1)
	}
}

// Nothing that is not what was asked for passes as success.
func TestHostileAnswers(t *testing.T) {
	const good = `[{"id": "r_1", "test_case_id": "tc_1"}]`
	bodies := []string{
		`{"detail": "an error with status 200"}`, `{}`, `null`, `[]`, `[{}]`, `[{"id": ""}]`, `[null]`, `"text"`, `{"items": []}`,
		`[{"id": "a"}, {"id": "b"}]`, `<html></html>`, ``, `{"items": 1, "total_item_count": 1}`, `{"items": [], "total_item_count": "many"}`,
	}
	for n := range len(good) {
		bodies = append(bodies, good[:n])
	}
	for _, file := range shared.Files(t, "corpora/jsontestsuite/n_*.json") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies = append(bodies, string(data))
	}
	for _, body := range bodies {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
			return respond(r, 200, body), nil
		}
		c := p.client()
		_, err := c.GetEvaluation(t.Context(), "ev_1")
		assert.Error(t, err, body)
		_, err = c.CreateEvaluation(t.Context(), sgp.EvaluationRequest{})
		assert.True(t, sgp.Ambiguous(err), body)
		if body != `{"items": []}` {
			_, err = c.ListResults(t.Context(), "ev_1", sgp.ListOptions{})
			assert.Error(t, err, body)
		}
		_, err = c.Publish(t.Context(), "ds_1")
		assert.Error(t, err, body)
		_, err = c.BatchCreateResults(t.Context(), "ev_1", []sgp.TestCaseResultRequest{{}})
		assert.True(t, sgp.Ambiguous(err), body)
	}
}

// The key goes nowhere but to the configured address.
func TestRedirectKeepsTheKey(t *testing.T) {
	var strangers atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer stranger.Close()
	server := httptest.NewServer(http.RedirectHandler(stranger.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	c, err := sgp.New(sgp.Config{BaseURL: server.URL, APIKey: key, AccountID: "acc"})
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	_, err = c.GetEvaluation(t.Context(), "ev_1")
	require.ErrorContains(t, err, "not followed")
	_, err = c.CreateEvaluation(t.Context(), sgp.EvaluationRequest{})
	require.ErrorContains(t, err, "not followed")
	assert.Zero(t, strangers.Load())
}

func TestAmbiguous(t *testing.T) {
	assert.False(t, sgp.Ambiguous(nil))
	assert.False(t, sgp.Ambiguous(errors.New("other")))
	assert.False(t, sgp.Ambiguous(&sgp.Error{Status: 422, Fate: 2}))
	assert.True(t, sgp.Ambiguous(&sgp.Error{Err: io.EOF}))
	assert.True(t, sgp.Ambiguous(sgp.ErrUnknownFate))
}
