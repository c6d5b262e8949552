package target

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/strict"
)

type openaiOptions struct {
	BaseURL       string            `yaml:"base_url" json:"base_url,omitempty" jsonschema_description:"The API's URL without /chat/completions. Default: https://api.openai.com/v1."`
	Model         string            `yaml:"model" json:"model" jsonschema:"required" jsonschema_description:"The model's name."`
	APIKey        string            `yaml:"api_key" json:"api_key,omitempty" jsonschema_description:"Sent as a bearer token; write \"${env:OPENAI_API_KEY}\"."`
	AllowInsecure bool              `yaml:"allow_insecure" json:"allow_insecure,omitempty" jsonschema_description:"Send the key, and headers that hold secrets, over plain http to a host other than this one."`
	Headers       map[string]string `yaml:"headers" json:"headers,omitempty" jsonschema_description:"Further request headers."`
	Messages      strict.Node       `yaml:"messages" json:"messages,omitempty" jsonschema_description:"A list of {role, content}; texts are templates. An item that is one text, such as \"{{ .History }}\", stands for the messages that it gives. Default: the history, then the input as the user's."`
	Temperature   *float64          `yaml:"temperature" json:"temperature,omitempty" jsonschema:"minimum=0" jsonschema_description:"Sampling temperature. Default: the server's."`
	TopP          *float64          `yaml:"top_p" json:"top_p,omitempty" jsonschema:"minimum=0,maximum=1" jsonschema_description:"Nucleus sampling. Default: the server's."`
	MaxTokens     *int              `yaml:"max_tokens" json:"max_tokens,omitempty" jsonschema:"minimum=1" jsonschema_description:"The longest answer in tokens. For models that want max_completion_tokens put that into extra."`
	Seed          *int64            `yaml:"seed" json:"seed,omitempty" jsonschema_description:"Sampling seed, the same for each case. For one that differs: extra: {seed: \"{{ .Seed }}\"}."`
	Stop          []string          `yaml:"stop" json:"stop,omitempty" jsonschema_description:"Texts that end the answer."`
	Extra         strict.Node       `yaml:"extra" json:"extra,omitempty" jsonschema_description:"Further fields of the request, such as tools or response_format; texts are templates."`
	Price         *price            `yaml:"price" json:"price,omitempty" jsonschema_description:"What the model costs, for the report's cost."`
}

type price struct {
	Input  float64 `yaml:"input_per_million" json:"input_per_million" jsonschema:"required,minimum=0" jsonschema_description:"US dollars for a million input tokens."`
	Output float64 `yaml:"output_per_million" json:"output_per_million" jsonschema:"required,minimum=0" jsonschema_description:"US dollars for a million output tokens."`
}

// openaiApp asks a chat model.
type openaiApp struct {
	endpoint
	fields   map[string]any // of every request
	messages *tree
	extra    *tree
	price    *price
}

var (
	_ harness.App = (*openaiApp)(nil)
	_ io.Closer   = (*openaiApp)(nil)
)

func newOpenAI(n strict.Node, env Env) (harness.App, error) {
	o := openaiOptions{BaseURL: "https://api.openai.com/v1"}
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	if o.Model == "" {
		return nil, n.Errorf("openai: model is missing")
	}
	headers := maps.Clone(o.Headers)
	if o.APIKey != "" {
		if headers == nil {
			headers = map[string]string{}
		}
		headers["Authorization"] = "Bearer " + o.APIKey
	}
	insecure := o.AllowInsecure || o.APIKey != "" // the key is looked at below
	e, err := newEndpoint(n, "base_url", strings.TrimRight(o.BaseURL, "/")+"/chat/completions", headers, insecure, env)
	if err != nil {
		return nil, err
	}
	if o.APIKey != "" && e.url.Scheme == "http" && !httpx.Loopback(e.url.Hostname()) && !o.AllowInsecure {
		return nil, n.Get("base_url").Errorf("openai: the key would be readable on its way: use https, or say allow_insecure: true")
	}
	e.header.Set("Content-Type", "application/json")
	a := &openaiApp{endpoint: e, fields: o.fields(), price: o.Price}
	if o.Messages.Given() {
		if a.messages, err = newMessages(o.Messages); err != nil {
			return nil, err
		}
	}
	if o.Extra.Given() {
		if o.Extra.Kind != yaml.MappingNode {
			return nil, o.Extra.Errorf("expected fields of the request by name")
		}
		if a.extra, err = newTree(o.Extra); err != nil {
			return nil, err
		}
	}
	if p := o.Price; p != nil && (p.Input < 0 || p.Output < 0) {
		return nil, n.Get("price").Errorf("a price can't be negative")
	}
	return a, nil
}

func (o openaiOptions) fields() map[string]any {
	f := map[string]any{"model": o.Model}
	if o.Temperature != nil {
		f["temperature"] = *o.Temperature
	}
	if o.TopP != nil {
		f["top_p"] = *o.TopP
	}
	if o.MaxTokens != nil {
		f["max_tokens"] = *o.MaxTokens
	}
	if o.Seed != nil {
		f["seed"] = *o.Seed
	}
	if len(o.Stop) > 0 {
		f["stop"] = o.Stop
	}
	return f
}

// newMessages compiles the list of messages and checks what can be checked now.
func newMessages(n strict.Node) (*tree, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, n.Errorf("expected a list of messages {role, content}")
	}
	for _, item := range n.Items() {
		if item.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(item.Value), "{{") {
			continue
		}
		if !item.Get("role").Given() {
			return nil, item.Errorf("expected a message {role, content}, or one template that gives messages")
		}
	}
	return newTree(n)
}

// Respond makes one request.
func (a *openaiApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	request, err := a.request(in)
	if err != nil {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true}, err.Error())
	}
	body, err := wire.Marshal(request)
	if err != nil {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true}, "request: "+err.Error())
	}
	reply, err := a.do(ctx, "", body, a.header)
	if err != nil {
		return harness.Output{}, quota(err, reply)
	}
	return a.output(reply)
}

// quota makes the error permanent when the account has run out of money: the
// API answers 429 then as well, and waiting does not help.
func quota(err error, reply answer) error {
	if e, ok := err.(*harness.Error); ok && e.Status == 429 {
		v, _ := jsonx.Decode(reply.body)
		m, _ := v.(map[string]any)
		if _, code, _ := problem(m); code == "insufficient_quota" {
			e.Permanent = true
		}
	}
	return err
}

func (a *openaiApp) request(in harness.Input) (map[string]any, error) {
	s := scopeOf(in)
	request := maps.Clone(a.fields)
	if a.extra != nil {
		extra, err := a.extra.render(s)
		if err != nil {
			return nil, fmt.Errorf("extra: %w", err)
		}
		maps.Copy(request, extra.(map[string]any))
	}
	items := []any{in.History, map[string]any{"role": "user", "content": in.Text()}}
	if a.messages != nil {
		rendered, err := a.messages.render(s)
		if err != nil {
			return nil, fmt.Errorf("messages: %w", err)
		}
		items = rendered.([]any)
	}
	messages, err := flatten(items)
	if err != nil {
		return nil, err
	}
	request["messages"] = messages
	return request, nil
}

// flatten puts lists of messages in their place into the list, and checks each.
func flatten(items []any) ([]any, error) {
	messages := []any{}
	for _, item := range items {
		switch item := item.(type) {
		case nil:
		case []any:
			inner, err := flatten(item)
			if err != nil {
				return nil, err
			}
			messages = append(messages, inner...)
		case map[string]any:
			if role, ok := item["role"].(string); !ok || role == "" {
				return nil, fmt.Errorf("messages: a message has no role: %s", shown(item))
			}
			switch content := item["content"].(type) {
			case map[string]any, float64, json.Number, bool: // a template over structured input
				text, err := asText(content)
				if err != nil {
					return nil, err
				}
				item = maps.Clone(item)
				item["content"] = text
			}
			messages = append(messages, item)
		default:
			return nil, fmt.Errorf("messages: expected {role, content}, got %s", shown(item))
		}
	}
	return messages, nil
}

func shown(v any) string {
	text, _ := asJSON(v)
	return excerpt([]byte(text))
}

// output reads a chat completion: the first choice, the usage, the model.
func (a *openaiApp) output(r answer) (harness.Output, error) {
	v, err := jsonx.Decode(r.body)
	if err != nil {
		return harness.Output{}, a.wrong(r, "the reply is not JSON: "+err.Error())
	}
	m, _ := v.(map[string]any)
	if message, _, failed := problem(m); failed {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true, Status: r.status}, "the API says: "+message)
	}
	choices, _ := m["choices"].([]any)
	if len(choices) == 0 {
		return harness.Output{}, a.wrong(r, "the reply has no choices")
	}
	choice, _ := choices[0].(map[string]any)
	message, ok := choice["message"].(map[string]any)
	if !ok {
		return harness.Output{}, a.wrong(r, "the reply's choice has no message")
	}
	out := harness.Output{Metadata: map[string]any{}}
	if out.ToolCalls, ok = toolCallsOf(message["tool_calls"]); !ok && message["tool_calls"] != nil {
		return harness.Output{}, a.wrong(r, "the reply's tool_calls can't be read")
	}
	switch content := message["content"].(type) {
	case string:
		out.Value = content
	case []any:
		out.Value = partsText(content)
	case nil:
		refusal, refused := message["refusal"].(string)
		if !refused && len(out.ToolCalls) == 0 {
			return harness.Output{}, a.wrong(r, "the reply's message has no content")
		}
		out.Value = refusal
		if refused {
			out.Metadata["refusal"] = true
		}
	default:
		return harness.Output{}, a.wrong(r, "the reply's content is "+jsonx.Kind(content))
	}
	for name, at := range map[string]any{"model": m["model"], "response_id": m["id"], "finish_reason": choice["finish_reason"]} {
		if at != nil {
			out.Metadata[name] = at
		}
	}
	if out.Usage, ok = usageOf(m["usage"]); ok && a.price != nil {
		cost := (float64(out.Usage.InputTokens)*a.price.Input + float64(out.Usage.OutputTokens)*a.price.Output) / 1e6
		out.CostUSD = &cost
	}
	return out, nil
}

// partsText joins the texts of a content that comes in parts.
func partsText(parts []any) string {
	var b strings.Builder
	for _, p := range parts {
		m, _ := p.(map[string]any)
		text, _ := m["text"].(string)
		b.WriteString(text)
	}
	return b.String()
}
