package retellserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

const invalid = "Invalid request format, please check API reference."

func TestBadBodies(t *testing.T) {
	a := start(t, retellserver.Config{})
	id := a.definition("a", nil)
	with := func(field string, value any) object {
		o := object{"name": "n", "response_engine": llm(), "user_prompt": "u", "metrics": []string{}}
		o[field] = value
		return o
	}
	mock := func(field string, value any) object {
		m := object{"tool_name": "t", "input_match_rule": object{"type": "any"}, "output": ""}
		m[field] = value
		return with("tool_mocks", []object{m})
	}
	for place, body := range map[string]any{
		"not JSON":                            `{"name":`,
		"/: got array":                        `[]`,
		"missing properties 'name'":           object{},
		"/name: got number":                   with("name", 3),
		"/metrics: got null":                  with("metrics", nil),
		"/metrics/0":                          with("metrics", []any{nil}),
		"/llm_model":                          with("llm_model", "parrot-1"),
		"/dynamic_variables/x":                with("dynamic_variables", object{"x": 1}),
		"/response_engine/type":               with("response_engine", object{"type": "custom-llm", "llm_websocket_url": "ws://x"}),
		"/response_engine: missing property":  with("response_engine", object{"type": "retell-llm", "conversation_flow_id": "f"}),
		"missing property 'conversation_flow": with("response_engine", object{"type": "conversation-flow"}),
		"/response_engine/version":            with("response_engine", object{"type": "retell-llm", "llm_id": "l", "version": "3"}),
		"missing property 'type'":             with("response_engine", object{}),
		"/tool_mocks/0/output: maxLength":     mock("output", strings.Repeat("é", 15001)),
		"/tool_mocks/0/output: got object":    mock("output", object{}),
		"/tool_mocks/0/input_match_rule/type": mock("input_match_rule", object{"type": "regex"}),
		"/tool_mocks/0/input_match_rule: mis": mock("input_match_rule", object{"type": "partial_match"}),
		"/tool_mocks/0/result":                mock("result", "yes"),
	} {
		message := a.refused(400, "POST", "/create-test-case-definition", body)
		assert.Contains(t, message, place)
		assert.True(t, strings.HasPrefix(message, invalid+" "), message)
		if _, ok := body.(object); ok && !strings.Contains(place, "'name'") {
			assert.Contains(t, a.refused(400, "PUT", "/update-test-case-definition/"+id, body), place)
		}
	}
	_ = ask[object](a, 201, "POST", "/create-test-case-definition", mock("output", strings.Repeat("é", 15000)))

	many := func(n int) []string { return strings.Fields(strings.Repeat(id+" ", n)) }
	for place, body := range map[string]any{
		"minItems":                     object{"test_case_definition_ids": []string{}, "response_engine": llm()},
		"maxItems":                     object{"test_case_definition_ids": many(1001), "response_engine": llm()},
		"missing property 'response":   object{"test_case_definition_ids": many(1)},
		"/response_engine/type":        object{"test_case_definition_ids": many(1), "response_engine": object{"type": "custom-llm"}},
		"/test_case_definition_ids/1:": object{"test_case_definition_ids": []string{id, "unheard-of"}, "response_engine": llm()},
	} {
		assert.Contains(t, a.refused(400, "POST", "/create-batch-test", body), place)
	}
	assert.Empty(t, a.server.Batches(), "nothing was started")
	assert.Equal(t, 1000, a.batch(llm(), many(1000)...).TotalCount)
}

func TestBadQueriesAndIDs(t *testing.T) {
	a := start(t, retellserver.Config{})
	batch := a.batch(llm(), a.definition("a", nil)).ID
	for _, list := range []string{"/v2/list-batch-tests", "/list-batch-tests", "/v2/list-test-case-definitions", "/list-test-case-definitions"} {
		assert.Contains(t, a.refused(400, "GET", list, nil), "type must be")
		assert.Contains(t, a.refused(400, "GET", list+"?type=custom-llm&llm_id=x", nil), "type must be")
		assert.Contains(t, a.refused(400, "GET", list+"?type=retell-llm&conversation_flow_id=x", nil), "llm_id is required")
		assert.Contains(t, a.refused(400, "GET", list+"?type=conversation-flow", nil), "conversation_flow_id is required")
	}
	for _, list := range []string{"/v2/list-batch-tests" + ofLLM, "/v2/list-test-case-definitions" + ofLLM, "/v2/list-test-runs/" + batch + "?"} {
		for _, limit := range []string{"0", "-1", "1001", "many", "", "1.5"} {
			assert.Contains(t, a.refused(400, "GET", list+"&limit="+limit, nil), "limit must be", limit)
		}
		assert.Contains(t, a.refused(400, "GET", list+"&pagination_key=x~y", nil), "pagination_key")
	}
	assert.Contains(t, a.refused(400, "GET", "/v2/list-batch-tests"+ofLLM+"&version=two", nil), "version")
	for _, path := range []string{"/get-batch-test/x", "/get-test-run/x", "/v2/list-test-runs/x", "/list-test-runs/x", "/get-test-case-definition/x"} {
		assert.Equal(t, "The requested resource was not found.", a.refused(404, "GET", path, nil))
	}
	a.unchecked = true // the documents have no such paths
	a.refused(404, "GET", "/v2/get-batch-test/"+batch, nil)
	a.refused(404, "GET", "/", nil)
	a.refused(405, "DELETE", "/get-batch-test/"+batch, nil)
}

func TestKeys(t *testing.T) {
	a := start(t, retellserver.Config{APIKey: "key_right"})
	a.definition("a", nil)
	for _, key := range []string{"", "key_wrong", "key_right ", "key_righ"} {
		a.key = key
		a.unchecked = key == ""  // a request without a key is not the documents'
		if key != "key_right " { // a client cuts the space off
			assert.Equal(t, "API key is missing or invalid.", a.refused(401, "GET", "/v2/list-batch-tests"+ofLLM, nil))
			a.refused(401, "POST", "/create-batch-test", object{})
		}
	}
	a = start(t, retellserver.Config{})
	a.key, a.unchecked = "", true
	ask[object](a, 200, "GET", "/v2/list-batch-tests"+ofLLM, nil)
}

// Browsers on the same machine, and bodies of another kind.
func TestWhoMaySpeakToTheServer(t *testing.T) {
	server := retellserver.New(retellserver.Config{Hosts: []string{"evals.internal"}})
	for name, test := range map[string]struct {
		host, contentType, origin, length string
		want                              int
	}{
		"right":              {"localhost:8401", "application/json", "", "", 201},
		"named":              {"evals.internal", "application/json; charset=utf-8", "http://evals.internal", "", 201},
		"another host":       {"evil.com", "application/json", "", "", 403},
		"another origin":     {"localhost", "application/json", "http://evil.com", "", 403},
		"a form":             {"localhost", "text/plain", "", "", 400},
		"no content type":    {"localhost", "", "", "", 400},
		"a body of 17 MiB":   {"localhost", "application/json", "", strings.Repeat(" ", 17<<20), 413},
		"another charset":    {"localhost", "application/json; charset=latin1", "", "", 400},
		"somebody's address": {"10.0.0.1", "application/json", "", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"name":"n","response_engine":{"type":"retell-llm","llm_id":"l"},"user_prompt":"u","metrics":[]}` + test.length
			req := httptest.NewRequest("POST", "/create-test-case-definition", strings.NewReader(body))
			req.Host = test.host
			req.Header = http.Header{"Authorization": {"Bearer x"}}
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			if test.origin != "" {
				req.Header.Set("Origin", test.origin)
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, req)
			assert.Equal(t, test.want, w.Code, "%s", w.Body)
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			for name := range w.Header() {
				assert.NotContains(t, name, "Access-Control")
			}
		})
	}
}
