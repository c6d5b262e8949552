package sgp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/sgp"
)

// answering is a client whose every request is answered with 200 and this body.
func answering(t *testing.T, contentType, body string) *sgp.Client {
	t.Helper()
	c, err := sgp.New(sgp.Config{
		BaseURL: "https://api.example.com", APIKey: key, Sleep: func(context.Context, time.Duration) error { return nil },
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})},
	})
	require.NoError(t, err)
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const (
	goodPage  = `{"items": [{"id": "tc_1", "schema_type": "GENERATION", "test_case_data": {"input": "é\ud83d\ude00"}}], "total_item_count": 1, "current_page": 1, "items_per_page": 100}`
	goodBatch = `[{"id": "r_1", "test_case_id": "tc_1", "test_case_evaluation_data": {"output": "é"}}]`
	goodOne   = `{"id": "ev_1", "name": "nightly", "status": "PENDING"}`
)

// call is one of the three sorts of calls: a list, a batch, one thing.
type call struct {
	good    string
	changes bool
	make    func(ctx context.Context, c *sgp.Client) error
}

var calls = map[string]call{
	"list": {goodPage, false, func(ctx context.Context, c *sgp.Client) error {
		_, err := c.ListTestCases(ctx, "ds", sgp.ListOptions{})
		return err
	}},
	"batch": {goodBatch, true, func(ctx context.Context, c *sgp.Client) error {
		_, err := c.BatchCreateResults(ctx, "ev", []sgp.TestCaseResultRequest{{TestCaseID: "tc_1"}})
		return err
	}},
	"create": {goodOne, true, func(ctx context.Context, c *sgp.Client) error {
		_, err := c.CreateEvaluation(ctx, sgp.EvaluationRequest{Name: "nightly"})
		return err
	}},
	"get": {goodOne, false, func(ctx context.Context, c *sgp.Client) error {
		_, err := c.GetEvaluation(ctx, "ev")
		return err
	}},
}

// refuses checks that an answer is an error, for a call that changes something one
// that leaves its fate open, and that its text can be shown.
func refuses(t *testing.T, name string, c call, contentType, body string) {
	t.Helper()
	err := c.make(t.Context(), answering(t, contentType, body))
	shown := fmt.Sprintf("%s: %.100q", name, body)
	if !assert.Error(t, err, shown) {
		return
	}
	if c.changes {
		assert.True(t, sgp.Ambiguous(err), shown)
	}
	assert.Less(t, len(err.Error()), 1000, shown)
	assert.False(t, strings.ContainsFunc(err.Error(), func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar && !strings.Contains(body, "\uFFFD") && false
	}), "%q", err)
	assert.NotContains(t, err.Error(), key)
}

func TestGoodAnswers(t *testing.T) {
	for name, c := range calls {
		assert.NoError(t, c.make(t.Context(), answering(t, "application/json", c.good)), name)
	}
}

// A good answer that is cut at any byte is none, though its status is 200.
func TestAnswersCutAtEveryByte(t *testing.T) {
	cuts := 0
	for name, c := range calls {
		for n := range len(c.good) {
			cuts++
			refuses(t, name, c, "application/json", c.good[:n])
		}
	}
	t.Logf("%d cut answers, 0 accepted", cuts)
}

func TestInvalidJSONAnswers(t *testing.T) {
	files := shared.Files(t, "corpora/jsontestsuite/n_*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for name, c := range calls {
			refuses(t, name+" "+filepath.Base(file), c, "application/json", string(data))
			refuses(t, name+" in a good one "+filepath.Base(file), c, "application/json", strings.Replace(c.good, `"id"`, `"x": `+string(data)+`, "id"`, 1))
		}
	}
	t.Logf("%d files, 0 accepted", len(files))
}

func TestOddAnswers(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for _, tt := range []struct{ contentType, body string }{
		{"text/html", "<html><title>Sign in</title>\x1b[31m\u202e"},
		{"application/json", "<!DOCTYPE html>"},
		{"application/json", ""},
		{"", ""},
		{"text/plain", "OK"},
		{"application/json", "null"},
		{"application/json", "true"},
		{"application/json", `"ok"`},
		{"application/json", "{}"},
		{"application/json", "[{}]"},
		{"application/json", "[null]"},
		{"application/json", `[{"id": ""}]`},
		{"application/json", `{"id": null}`},
		{"application/json", `{"detail": "internal error"}`},
		{"application/json", `{"error": {"message": "quota"}}`},
		{"application/json", `{"items": null, "total_item_count": 0}`},
		{"application/json", `{"items": {}, "total_item_count": 0}`},
		{"application/json", `{"items": []}`},
		{"application/json", `{"items": [], "total_item_count": 1e999}`},
		{"application/json", `{"items": [], "total_item_count": 0.5}`},
		{"application/json", `{"items": [], "total_item_count": 99999999999999999999999999}`},
		{"application/json", `{"items": [], "total_item_count": 0}{}`},
		{"application/json", deep},
		{"application/json", deep + strings.Repeat("]", 100_000)},
		{"application/json", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)},
		{"application/json", `{"id": "` + strings.Repeat("x", 1<<20)},
	} {
		for name, c := range calls {
			refuses(t, name, c, tt.contentType, tt.body)
		}
	}
	for name, c := range calls { // good JSON that says to be something else
		for _, contentType := range []string{"text/html", "text/plain; charset=utf-8", "application/octet-stream", "application/jsonp", "a/b/c", "\x1b[0m"} {
			refuses(t, name, c, contentType, c.good)
		}
	}
}
