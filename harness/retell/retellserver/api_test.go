package retellserver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// object is what tests send and get.
type object = map[string]any

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// api is a running server, spoken to over HTTP. Each exchange is held against the
// platform's contract, unless it is meant to break it.
type api struct {
	t         *testing.T
	url       string
	key       string
	clock     *clock
	server    *retellserver.Server
	unchecked bool
}

// start starts a server whose time stands still, and on which a run takes 20 to 60
// seconds, unless the Config says otherwise.
func start(t *testing.T, c retellserver.Config) *api {
	t.Helper()
	clock := &clock{now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	if c.Now == nil {
		c.Now = clock.Now
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	server := retellserver.New(c)
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	key := c.APIKey
	if key == "" {
		key = "any"
	}
	return &api{t: t, url: srv.URL, key: key, clock: clock, server: server}
}

// send sends a body: strings as they are, else as JSON; nil for none.
func (a *api) send(method, path string, body any) (int, []byte) {
	a.t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		data, err = json.Marshal(body)
		require.NoError(a.t, err)
	}
	req, err := http.NewRequest(method, a.url+path, bytes.NewReader(data))
	require.NoError(a.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	if !a.unchecked {
		exchange{req, data, resp.StatusCode, resp.Header, answer}.check(a.t)
	}
	return resp.StatusCode, answer
}

// ask sends a request that must succeed with a status, and decodes its answer.
func ask[T any](a *api, want int, method, path string, body any) T {
	a.t.Helper()
	status, answer := a.send(method, path, body)
	require.Equal(a.t, want, status, "%s %s: %s", method, path, answer)
	var v T
	require.NoError(a.t, json.Unmarshal(answer, &v))
	return v
}

// refused sends a request that must be refused, and returns the message.
func (a *api) refused(want int, method, path string, body any) string {
	a.t.Helper()
	status, answer := a.send(method, path, body)
	require.Equal(a.t, want, status, "%s %s: %s", method, path, answer)
	var v struct{ Status, Message string }
	require.NoError(a.t, json.Unmarshal(answer, &v), "%s", answer)
	assert.Equal(a.t, "error", v.Status)
	assert.NotEmpty(a.t, v.Message)
	return v.Message
}

func llm(version ...int) object {
	e := object{"type": "retell-llm", "llm_id": "llm_1"}
	if len(version) > 0 {
		e["version"] = version[0]
	}
	return e
}

const ofLLM = "?type=retell-llm&llm_id=llm_1"

// definition makes a definition and gives its ID.
func (a *api) definition(name string, variables object) string {
	a.t.Helper()
	body := object{"name": name, "response_engine": llm(), "user_prompt": "Ask for " + name, "metrics": []string{"polite", "books " + name}}
	if variables != nil {
		body["dynamic_variables"] = variables
	}
	return ask[object](a, 201, "POST", "/create-test-case-definition", body)["test_case_definition_id"].(string)
}

// batch starts a batch.
func (a *api) batch(engine object, ids ...string) retell.BatchTest {
	a.t.Helper()
	return ask[retell.BatchTest](a, 201, "POST", "/create-batch-test", object{"test_case_definition_ids": ids, "response_engine": engine})
}

func (a *api) runs(batch string) []retell.TestRun {
	a.t.Helper()
	return ask[retell.Page[retell.TestRun]](a, 200, "GET", "/v2/list-test-runs/"+batch+"?limit=1000", nil).Items
}
