package target

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/strict"
)

type httpOptions struct {
	URL           string            `yaml:"url" json:"url" jsonschema:"required" jsonschema_description:"Where the app answers: an http or https URL."`
	Method        string            `yaml:"method" json:"method,omitempty" jsonschema_description:"Default: POST."`
	Headers       map[string]string `yaml:"headers" json:"headers,omitempty" jsonschema_description:"Request headers. Values may be secrets, such as \"Bearer ${env:KEY}\"."`
	AllowInsecure bool              `yaml:"allow_insecure" json:"allow_insecure,omitempty" jsonschema_description:"Send headers that hold secrets, such as Authorization, over plain http to a host other than this one."`
	Query         strict.Node       `yaml:"query" json:"query,omitempty" jsonschema_description:"Query parameters, by name; the values are templates."`
	Body          strict.Node       `yaml:"body" json:"body,omitempty" jsonschema_description:"The request's body: a map or list is sent as JSON, text as it is; texts in it are templates. Default: {id, input, history, metadata, trial, seed}; nothing for GET."`
	Output        string            `yaml:"output" json:"output,omitempty" jsonschema_description:"jq expression for the answer in a JSON reply, such as .answer. Default: .output when the reply is an object that has it, else the whole reply."`
	Reply         string            `yaml:"reply" json:"reply,omitempty" jsonschema:"enum=auto,enum=json,enum=text" jsonschema_description:"What a reply is. text: any text, taken as it is. json: JSON, whatever the content type says. auto (the default): JSON when it is an object or says so, else text; a web page or nothing at all is an error."`
	MaxReply      int64             `yaml:"max_reply" json:"max_reply,omitempty" jsonschema:"minimum=1" jsonschema_description:"The longest reply in bytes. Default: 10485760."`
}

// httpApp asks a server.
type httpApp struct {
	endpoint
	query  url.Values // of the URL
	params []param
	body   *tree // nil: the whole input, or nothing when empty is set
	empty  bool
	text   http.Header // the header when the body is text
	expr   *jsonx.Expr
	reply  string
}

type param struct {
	name  string
	value *tree
}

var (
	_ harness.App = (*httpApp)(nil)
	_ io.Closer   = (*httpApp)(nil)
)

func newHTTP(n strict.Node, env Env) (harness.App, error) {
	var o httpOptions
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	a := &httpApp{reply: o.Reply}
	var err error
	if a.endpoint, err = newEndpoint(n, "url", o.URL, o.Headers, o.AllowInsecure, env); err != nil {
		return nil, err
	}
	if o.Method != "" {
		a.method = strings.ToUpper(o.Method)
	}
	if _, err := http.NewRequest(a.method, "http://localhost", nil); err != nil {
		return nil, n.Get("method").Errorf("%q is no method", o.Method)
	}
	if !slices.Contains([]string{"", "auto", "json", "text"}, o.Reply) {
		return nil, n.Get("reply").Errorf("reply is %q; expected auto, json or text", o.Reply)
	}
	if o.Output != "" {
		if o.Reply == "text" {
			return nil, n.Get("output").Errorf("output is for JSON replies; here replies are text")
		}
		if a.expr, err = jsonx.Compile(o.Output); err != nil {
			return nil, n.Get("output").Errorf("%s", err)
		}
	}
	if o.MaxReply < 0 {
		return nil, n.Get("max_reply").Errorf("max_reply is %d; expected 1 or more", o.MaxReply)
	} else if o.MaxReply > 0 {
		a.max = o.MaxReply
	}
	if err := a.setQuery(o.Query); err != nil {
		return nil, err
	}
	return a, a.setBody(o.Body)
}

func (a *httpApp) setQuery(n strict.Node) error {
	if !n.Given() {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return n.Errorf("expected query parameters by name")
	}
	for _, p := range n.Pairs() {
		value, err := newTree(p.Value)
		if err != nil {
			return err
		}
		a.params = append(a.params, param{p.Key.Value, value})
	}
	a.query = a.url.Query()
	return nil
}

func (a *httpApp) setBody(n strict.Node) (err error) {
	a.text = a.header.Clone()
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "application/json")
		a.text.Set("Content-Type", "text/plain; charset=utf-8")
	}
	a.empty = !n.Given() && (a.method == http.MethodGet || a.method == http.MethodHead)
	if a.empty {
		a.header.Del("Content-Type")
	} else if n.Given() {
		a.body, err = newTree(n)
	}
	return err
}

// Respond makes one request.
func (a *httpApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	s := scopeOf(in)
	query, err := a.renderQuery(s)
	if err != nil {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true}, "query: "+err.Error())
	}
	body, header, err := a.renderBody(s, in)
	if err != nil {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true}, "body: "+err.Error())
	}
	reply, err := a.do(ctx, query, body, header)
	if err != nil {
		return harness.Output{}, err
	}
	return a.output(ctx, reply)
}

// renderQuery gives the query string, "" to keep the URL's.
func (a *httpApp) renderQuery(s *scope) (string, error) {
	if len(a.params) == 0 {
		return "", nil
	}
	values := maps.Clone(a.query)
	for _, p := range a.params {
		v, err := p.value.render(s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		text, err := asText(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		values.Set(p.name, text)
	}
	return values.Encode(), nil
}

// renderBody gives the body, with the header that goes with it.
func (a *httpApp) renderBody(s *scope, in harness.Input) ([]byte, http.Header, error) {
	if a.empty {
		return nil, a.header, nil
	}
	var v any = in
	if a.body != nil {
		var err error
		if v, err = a.body.render(s); err != nil {
			return nil, nil, err
		}
		if text, ok := v.(string); ok {
			return []byte(text), a.text, nil
		}
	}
	body, err := wire.Marshal(v)
	return body, a.header, err
}

// output finds the answer in a reply.
func (a *httpApp) output(ctx context.Context, r answer) (harness.Output, error) {
	if a.reply == "text" {
		return textOutput(r.body), nil
	}
	must := a.expr != nil || a.reply == "json" // be JSON
	if !must {
		body := bytes.TrimSpace(r.body)
		switch {
		case len(body) == 0:
			return harness.Output{}, a.wrong(r, "the reply is empty")
		case r.isPage():
			return harness.Output{}, a.wrong(r, "the reply is a web page; is this the app's URL?")
		case !r.isJSON() && body[0] != '{':
			return textOutput(r.body), nil
		}
	}
	if !utf8.Valid(r.body) {
		return harness.Output{}, a.wrong(r, "the reply is not valid UTF-8, which JSON has to be")
	}
	v, err := jsonx.Decode(r.body)
	if err != nil {
		if !must && !r.isJSON() {
			return textOutput(r.body), nil
		}
		return harness.Output{}, a.wrong(r, "the reply is not JSON: "+err.Error())
	}
	return a.fromJSON(ctx, r, v)
}

func (a *httpApp) fromJSON(ctx context.Context, r answer, v any) (harness.Output, error) {
	var out harness.Output
	m, isObject := v.(map[string]any)
	if isObject {
		// What is not in the form of ours belongs to the app's own API.
		_ = more(&out, m)
	}
	switch {
	case a.expr != nil:
		var err error
		if out.Value, err = a.expr.Value(ctx, v); err != nil {
			return harness.Output{}, a.wrong(r, err.Error())
		}
	case isObject && m["output"] != nil:
		out.Value = m["output"]
	}
	if out.Value != nil {
		return out, nil
	}
	if message, _, failed := problem(m); failed {
		return harness.Output{}, a.fail(&harness.Error{Permanent: true, Status: r.status}, "the app says: "+message)
	}
	if _, given := m["output"]; given && a.expr == nil {
		return harness.Output{}, a.wrong(r, "the reply's output is null")
	}
	if a.expr != nil {
		return harness.Output{}, a.wrong(r, "output "+a.expr.String()+" is not in the reply")
	}
	text, isText := v.(string)
	switch {
	case a.reply == "json" && v != nil:
		out.Value = v
	case isText && a.reply != "json":
		out.Value = text // a JSON reply that is one text
	case v == nil:
		return harness.Output{}, a.wrong(r, "the reply is null")
	default:
		out.Value = string(r.body)
	}
	return out, nil
}
