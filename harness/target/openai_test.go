package target_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/target"
)

const completion = `{"id":"c-1","model":"m-2026","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Paris"}}],"usage":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}}`

func TestOpenAIRequest(t *testing.T) {
	var body map[string]any
	var path, auth string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = nil
		_ = json.Unmarshal(data, &body)
		path, auth = r.URL.Path, r.Header.Get("Authorization")
		_, _ = io.WriteString(w, completion)
	})
	user := func(text string) map[string]any { return map[string]any{"role": "user", "content": text} }
	history := []any{user("before"), map[string]any{"role": "assistant", "content": "yes?"}}
	tests := []struct {
		name, options string
		in            harness.Input
		want          map[string]any
	}{
		{"default", "", harness.Input{Value: "hi"}, map[string]any{"messages": []any{user("hi")}}},
		{"structured input", "", harness.Input{Value: map[string]any{"a": 1.0}}, map[string]any{"messages": []any{user(`{"a":1}`)}}},
		{"history", "", harness.Input{Value: "hi", History: history}, map[string]any{"messages": []any{history[0], history[1], user("hi")}}},
		{"messages", `messages: [{role: system, content: "Answer in {{ .Metadata.lang }}."}, "{{ .History }}", {role: user, content: "{{ .Input }}"}]`,
			harness.Input{Value: map[string]any{"a": 1.0}, History: history, Metadata: map[string]any{"lang": "French"}},
			map[string]any{"messages": []any{map[string]any{"role": "system", "content": "Answer in French."}, history[0], history[1], user(`{"a":1}`)}}},
		{"no history", `messages: ["{{ .History }}", {role: user, content: [{type: text, text: "{{ .Input }}"}]}]`, harness.Input{Value: "hi"},
			map[string]any{"messages": []any{map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "hi"}}}}}},
		{"sampling", "temperature: 0\ntop_p: 0.5\nmax_tokens: 10\nseed: 7\nstop: [a, b]\nextra: {response_format: {type: json_object}, seed: '{{ .Seed }}'}", harness.Input{Value: "hi", Seed: 99},
			map[string]any{"messages": []any{user("hi")}, "temperature": 0.0, "top_p": 0.5, "max_tokens": 10.0, "seed": 99.0, "stop": []any{"a", "b"}, "response_format": map[string]any{"type": "json_object"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := build(t, "openai", "model: m\napi_key: sk-secret-1\nbase_url: "+url+"/v1/\n"+tt.options)
			_, err := app.Respond(t.Context(), tt.in)
			require.NoError(t, err)
			tt.want["model"] = "m"
			assert.Equal(t, tt.want, body)
			assert.Equal(t, "/v1/chat/completions", path)
			assert.Equal(t, "Bearer sk-secret-1", auth)
		})
	}
	app := build(t, "openai", "model: m\nbase_url: "+url)
	_, err := app.Respond(t.Context(), harness.Input{Value: "hi", History: "not messages"})
	require.ErrorContains(t, err, `messages: expected {role, content}, got "\"not messages\""`)
	_, err = app.Respond(t.Context(), harness.Input{Value: "hi", History: []any{map[string]any{"content": "x"}}})
	require.ErrorContains(t, err, "messages: a message has no role")
}

func TestOpenAIReplies(t *testing.T) {
	usage := &harness.Usage{InputTokens: 1000, OutputTokens: 200}
	cost := 0.0027
	message := func(m string) string {
		return `{"choices":[{"finish_reason":"stop","message":` + m + `}]}`
	}
	stop := map[string]any{"finish_reason": "stop"}
	tests := []struct {
		name, body string
		want       harness.Output
	}{
		{"all", completion, harness.Output{Value: "Paris", Usage: usage, CostUSD: &cost,
			Metadata: map[string]any{"model": "m-2026", "response_id": "c-1", "finish_reason": "stop"}}},
		{"empty", message(`{"content":""}`), harness.Output{Value: "", Metadata: stop}},
		{"parts", message(`{"content":[{"type":"text","text":"Pa"},{"type":"text","text":"ris"}]}`), harness.Output{Value: "Paris", Metadata: stop}},
		{"tools", message(`{"content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":[1]}"}},{"function":{"name":"g","arguments":"{broken"}},{"function":{"name":"h","arguments":""}}]}`),
			harness.Output{Value: "", Metadata: stop, ToolCalls: []harness.ToolCall{
				{Name: "f", Args: map[string]any{"x": []any{1.0}}}, {Name: "g", Args: map[string]any{"arguments": "{broken"}}, {Name: "h"},
			}}},
		{"refusal", message(`{"content":null,"refusal":"I can't."}`), harness.Output{Value: "I can't.", Metadata: map[string]any{"finish_reason": "stop", "refusal": true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serve(t, respond(200, "application/json", tt.body))
			out, err := ask(t, build(t, "openai", "{model: m, base_url: "+url+", price: {input_per_million: 1.5, output_per_million: 6}}"), "hi")
			require.NoError(t, err)
			if tt.want.CostUSD != nil {
				require.NotNil(t, out.CostUSD)
				assert.InEpsilon(t, *tt.want.CostUSD, *out.CostUSD, 1e-12)
				out.CostUSD = tt.want.CostUSD
			}
			assert.Equal(t, tt.want, out)
		})
	}
}

func TestOpenAIErrors(t *testing.T) {
	const js = "application/json"
	tests := []struct {
		name      string
		status    int
		body      string
		permanent bool
		want      string
	}{
		{"bad key", 401, `{"error":{"message":"Incorrect API key provided: sk-secret-1"}}`, true, "Incorrect API key provided: [redacted]"},
		{"rate limit", 429, `{"error":{"message":"slow down","code":"rate_limit_exceeded"}}`, false, "status 429 Too Many Requests"},
		{"no money", 429, `{"error":{"message":"pay","code":"insufficient_quota"}}`, true, "insufficient_quota"},
		{"200 with an error", 200, `{"error":{"message":"model overloaded"}}`, true, "the API says: model overloaded"},
		{"not JSON", 200, "<html>", true, "the reply is not JSON"},
		{"a list", 200, "[]", true, "the reply has no choices"},
		{"no choices", 200, `{"choices":[]}`, true, "the reply has no choices"},
		{"no message", 200, `{"choices":[{}]}`, true, "the reply's choice has no message"},
		{"no content", 200, `{"choices":[{"message":{}}]}`, true, "the reply's message has no content"},
		{"content that is none", 200, `{"choices":[{"message":{"content":7}}]}`, true, "the reply's content is a number"},
		{"tools that are none", 200, `{"choices":[{"message":{"content":"x","tool_calls":[1]}}]}`, true, "the reply's tool_calls can't be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serve(t, respond(tt.status, js, tt.body))
			_, err := ask(t, build(t, "openai", "{model: m, api_key: sk-secret-1, base_url: "+url+"}"), "hi")
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "POST "+url+"/chat/completions: ")
			assert.NotContains(t, err.Error(), "sk-secret-1")
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.permanent, e.Permanent)
			assert.Equal(t, tt.status, e.Status)
		})
	}
}

func TestKindsAreDocumented(t *testing.T) {
	kinds := target.NewRegistry().Kinds()
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
		assert.NotEmpty(t, k.Doc, k.Name)
		assert.NotNil(t, k.New, k.Name)
	}
	assert.Equal(t, []string{"echo", "exec", "http", "openai", "replay"}, names)
	kinds[0].Name = "changed"
	assert.Equal(t, "echo", target.NewRegistry().Kinds()[0].Name)
}
