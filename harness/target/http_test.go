package target_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// serve starts a server for the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// respond is a handler with one answer.
func respond(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestHTTPRequest(t *testing.T) {
	var got struct{ method, path, query, body, contentType, auth, host string }
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got.method, got.path, got.query, got.body = r.Method, r.URL.Path, r.URL.RawQuery, string(data)
		got.contentType, got.auth, got.host = r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Host
		_, _ = io.WriteString(w, "ok")
	})
	in := harness.Input{ID: "a", Value: "<é> & \"\n", History: []any{"h"}, Metadata: map[string]any{"lang": "en"}, Trial: 1, Seed: 5}
	tests := []struct {
		name, options                    string
		method, query, body, contentType string
	}{
		{"default body", "", "POST", "", `{"id":"a","input":"<é> & \"\n","history":["h"],"metadata":{"lang":"en"},"trial":1,"seed":5}`, "application/json"},
		{"template", `body: {question: "{{ .Input }}", lang: "{{ .Metadata.lang }}", n: 1, all: "{{ .History }}"}`, "POST", "",
			`{"all":["h"],"lang":"en","n":1,"question":"<é> & \"\n"}`, "application/json"},
		{"list", `body: ["{{ .ID }}"]`, "POST", "", `["a"]`, "application/json"},
		{"text", `body: "Q: {{ .Input }}"`, "POST", "", "Q: <é> & \"\n", "text/plain; charset=utf-8"},
		{"one action that is text", `body: "{{ .Input }}"`, "POST", "", "<é> & \"\n", "text/plain; charset=utf-8"},
		{"one action that is a list", `body: "{{ .History }}"`, "POST", "", `["h"]`, "application/json"},
		{"own content type", `{body: "x", headers: {content-type: application/xml}}`, "POST", "", "x", "application/xml"},
		{"get", `{method: get, query: {q: "{{ .Input }}", n: 2}}`, "GET", "n=2&q=%3C%C3%A9%3E+%26+%22%0A", "", ""},
		{"put", `{method: PUT, headers: {Authorization: Bearer abc, Host: example.org}}`, "PUT", "", `{"id":"a","input":"<é> & \"\n","history":["h"],"metadata":{"lang":"en"},"trial":1,"seed":5}`, "application/json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := build(t, "http", withURL(t, tt.options, url+"/answer"))
			out, err := app.Respond(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, "ok", out.Value)
			assert.Equal(t, "/answer", got.path)
			if strings.HasPrefix(tt.body, `{"id"`) {
				assert.JSONEq(t, tt.body, got.body)
				got.body = tt.body
			}
			assert.Equal(t, []string{tt.method, tt.query, tt.body, tt.contentType}, []string{got.method, got.query, got.body, got.contentType})
		})
	}
	assert.Equal(t, "Bearer abc", got.auth)
	assert.Equal(t, "example.org", got.host)

	app := build(t, "http", `{url: "`+url+`/answer?fixed=1&q=old", query: {q: new}, method: GET}`)
	_, err := app.Respond(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, "fixed=1&q=new", got.query)
}

// withURL adds the URL to options in block or flow style.
func withURL(t testing.TB, options, url string) string {
	t.Helper()
	if strings.HasPrefix(options, "{") {
		return `{url: "` + url + `", ` + options[1:]
	}
	return "url: " + url + "\n" + options
}

func TestHTTPReplies(t *testing.T) {
	const js = "application/json"
	usage := &harness.Usage{InputTokens: 3, OutputTokens: 4}
	tests := []struct {
		name, options, contentType, body string
		want                             harness.Output
	}{
		{"text", "", "text/plain", "hello\n", harness.Output{Value: "hello\n"}},
		{"no content type", "", "", "hello", harness.Output{Value: "hello"}},
		{"text of a framework", "", "text/html", "Paris", harness.Output{Value: "Paris"}},
		{"not UTF-8", "", "text/plain", "caf\xe9", harness.Output{Value: "caf\uFFFD", Metadata: map[string]any{"invalid_utf8": true, "raw_base64": "Y2Fm6Q=="}}},
		{"output", "", js, `{"output": "x", "n": 1}`, harness.Output{Value: "x"}},
		{"output without a content type", "", "", ` {"output": {"a": [1]}}`, harness.Output{Value: map[string]any{"a": []any{1.0}}}},
		{"no output", "", js, `{"answer": "x"}`, harness.Output{Value: `{"answer": "x"}`}},
		{"JSON text", "", js, `"Paris"`, harness.Output{Value: "Paris"}},
		{"JSON list", "", js, `[1, 2]`, harness.Output{Value: "[1, 2]"}},
		{"like JSON", "", "text/plain", "{not JSON", harness.Output{Value: "{not JSON"}},
		{"expression", "output: .a[0].b", js, `{"a": [{"b": 12345678901234567890}]}`, harness.Output{Value: json.Number("12345678901234567890")}},
		{"expression, other content type", "output: .a", "text/plain", `{"a": false}`, harness.Output{Value: false}},
		{"expression over a list", `output: 'map(.t) | join(" ")'`, js, `[{"t":"a"},{"t":"b"}]`, harness.Output{Value: "a b"}},
		{"json", "reply: json", "text/plain", `{"answer": "x"}`, harness.Output{Value: map[string]any{"answer": "x"}}},
		{"as text", "reply: text", js, `{"output": "x"}`, harness.Output{Value: `{"output": "x"}`}},
		{"empty as text", "reply: text", "", "", harness.Output{Value: ""}},
		{"page as text", "reply: text", "text/html", "<html>", harness.Output{Value: "<html>"}},
		{"all of it", "output: .answer", js, `{"answer": "x", "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "chunks": ["c"], "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}}], "metadata": {"k": 1}, "error": null}`,
			harness.Output{Value: "x", Usage: usage, Chunks: []harness.Chunk{{Text: "c"}}, ToolCalls: []harness.ToolCall{{Name: "f", Args: map[string]any{"x": 1.0}}}, Metadata: map[string]any{"k": 1.0}}},
		{"an API of its own", "", js, `{"output": "x", "usage": "high", "chunks": 7, "tool_calls": {}, "cost_usd": "?", "metadata": []}`, harness.Output{Value: "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := ask(t, build(t, "http", withURL(t, tt.options, serve(t, respond(200, tt.contentType, tt.body)))), "hi")
			require.NoError(t, err)
			assert.Equal(t, tt.want, out)
		})
	}
}

func TestHTTPBadReplies(t *testing.T) {
	const js = "application/json"
	tests := []struct {
		name, options string
		handler       http.HandlerFunc
		want          string // after the URL
		status        int
		permanent     bool
		retryAfter    time.Duration
	}{
		{"500", "", respond(500, "text/plain", "no\x1b[31m model\n<b>"), `status 500 Internal Server Error: "no [31m model <b>"`, 500, false, 0},
		{"503 with Retry-After", "", respond(503, "", "", "Retry-After", "7"), "status 503 Service Unavailable", 503, false, 7 * time.Second},
		{"429 with Retry-After", "", respond(429, js, `{"error":"slow"}`, "Retry-After", "1.5"), `status 429 Too Many Requests: "{\"error\":\"slow\"}"`, 429, false, 1500 * time.Millisecond},
		{"429 with nonsense", "", respond(429, "", "", "Retry-After", "soon"), "status 429 Too Many Requests", 429, false, 0},
		{"429 in the past", "", respond(429, "", "", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), "status 429 Too Many Requests", 429, false, 0},
		{"408", "", respond(408, "", ""), "status 408 Request Timeout", 408, false, 0},
		{"400", "", respond(400, "text/plain", strings.Repeat("é", 300)), `status 400 Bad Request: "` + strings.Repeat("é", 100) + `"…`, 400, true, 0},
		{"401 that repeats the key", "headers: {Authorization: Bearer sk-secret-123}", respond(401, "", "bad key sk-secret-123"), `status 401 Unauthorized: "bad key [redacted]"`, 401, true, 0},
		{"401 with the key across the cut", "headers: {Authorization: Bearer sk-secret-123}", respond(401, "", strings.Repeat("x", 188)+" sk-secret-123"), `status 401 Unauthorized: "` + strings.Repeat("x", 188) + ` [redacted]"`, 401, true, 0},
		{"401 with one key in another", "headers: {X-A: sk-secret, X-B: sk-secret-123}", respond(401, "", "no sk-secret-123"), `status 401 Unauthorized: "no [redacted]"`, 401, true, 0},
		{"404", "", respond(404, "text/html", "<html>nope</html>"), `status 404 Not Found: "<html>nope</html>"`, 404, true, 0},
		{"999", "", respond(999, "", ""), "status 999", 999, false, 0},
		{"a page", "", respond(200, "text/html", "\n<!DOCTYPE HTML><title>Login</title>"), `the reply is a web page; is this the app's URL? (status 200, text/html): "<!DOCTYPE HTML><title>Login</title>"`, 200, true, 0},
		{"a page in place of JSON", "output: .answer", respond(200, "text/html; charset=utf-8", "<html>"), `the reply is not JSON: invalid character '<' looking for beginning of value (status 200, text/html): "<html>"`, 200, true, 0},
		{"empty", "", respond(200, "", " \n"), `the reply is empty (status 200, no content type): ""`, 200, true, 0},
		{"204", "", respond(204, "", ""), `the reply is empty (status 204, no content type): ""`, 204, true, 0},
		{"empty in place of JSON", "output: .answer", respond(200, js, ""), "the reply is not JSON: unexpected end of JSON input", 200, true, 0},
		{"cut JSON", "", respond(200, js, `{"output": "x`), "the reply is not JSON: unexpected end of JSON input", 200, true, 0},
		{"not UTF-8", "", respond(200, js, "{\"output\": \"caf\xe9\"}"), "the reply is not valid UTF-8, which JSON has to be", 200, true, 0},
		{"null", "", respond(200, js, "null"), "the reply is null", 200, true, 0},
		{"an output that is null", "", respond(200, js, `{"output": null, "n": 1}`), `the reply's output is null (status 200, application/json): "{\"output\": null, \"n\": 1}"`, 200, true, 0},
		{"an output that is null, as JSON", "reply: json", respond(200, js, `{"output": null}`), "the reply's output is null", 200, true, 0},
		{"an output that is null, with an error", "", respond(200, js, `{"output": null, "error": "no model"}`), "the app says: no model", 200, true, 0},
		{"200 with an error", "", respond(200, js, `{"error": {"message": "out of memory"}}`), "the app says: out of memory", 200, true, 0},
		{"200 with an error and an expression", "output: .answer", respond(200, js, `{"error": "out of memory"}`), "the app says: out of memory", 200, true, 0},
		{"other fields", "output: .answer", respond(200, js, `{"reply": 1}`), `output .answer is not in the reply (status 200, application/json): "{\"reply\": 1}"`, 200, true, 0},
		{"expression that fails", "output: .a | .b", respond(200, js, `{"a": 1}`), "jq expression", 200, true, 0},
		{"too long", "max_reply: 10", respond(200, "", "12345678901"), `the reply is longer than 10 bytes (status 200, no content type): "12345678901"`, 200, true, 0},
		{"redirect elsewhere", "", respond(302, "", "", "Location", "http://example.org/login?token=1"), "status 302 Found: a redirect to http://example.org that is not followed", 302, true, 0},
		{"redirect without a place", "", respond(301, "", ""), "status 301 Moved Permanently: a redirect to elsewhere that is not followed", 301, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serve(t, tt.handler)
			_, err := ask(t, build(t, "http", withURL(t, tt.options, url+"/a?token=hidden")), "hi")
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			require.True(t, strings.HasPrefix(e.Message, "POST "+url+"/a: "+tt.want), "%s\nwant %s", e.Message, tt.want)
			assert.Equal(t, tt.status, e.Status)
			assert.Equal(t, tt.permanent, e.Permanent)
			assert.Equal(t, tt.retryAfter, e.RetryAfter)
			assert.Equal(t, harness.KindApp, e.Kind)
			assert.NotContains(t, e.Message, "hidden")
			assert.NotContains(t, e.Message, "sk-sec")
		})
	}
}

func TestHTTPRetryAfterDate(t *testing.T) {
	at := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	_, err := ask(t, build(t, "http", "url: "+serve(t, respond(429, "", "", "Retry-After", at))), "hi")
	var e *harness.Error
	require.ErrorAs(t, err, &e)
	assert.InDelta(t, time.Hour.Seconds(), e.RetryAfter.Seconds(), 60)
}

// TestHTTPTruncated cuts a good reply at every byte: none passes for the whole.
func TestHTTPTruncated(t *testing.T) {
	const good = `{"answer": "the é whole", "usage": {"input_tokens": 1}}`
	var body atomic.Value
	var length atomic.Bool
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if length.Load() { // the connection breaks off
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
		}
		_, _ = io.WriteString(w, body.Load().(string))
	})
	app, plain := build(t, "http", "{url: "+url+", output: .answer}"), build(t, "http", "{url: "+url+"}")
	for n := range len(good) {
		body.Store(good[:n])
		for _, promised := range []bool{false, true} {
			length.Store(promised)
			for _, a := range []harness.App{app, plain} {
				_, err := ask(t, a, "hi")
				var e *harness.Error
				require.ErrorAs(t, err, &e, good[:n])
				assert.Equal(t, !promised, e.Permanent, "a broken connection may be whole the next time")
			}
		}
	}
	body.Store(good)
	out, err := ask(t, app, "hi")
	require.NoError(t, err)
	assert.Equal(t, "the é whole", out.Value)
}

func TestHTTPInvalidJSONCorpus(t *testing.T) {
	files := shared.Files(t, "corpora/jsontestsuite/n_*.json")
	require.Greater(t, len(files), 100)
	var body atomic.Value
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		respond(200, "application/json", body.Load().(string))(w, r)
	})
	app, expr := build(t, "http", "url: "+url), build(t, "http", "{url: "+url+", output: .}")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		body.Store(string(data))
		for _, a := range []harness.App{app, expr} {
			_, err = ask(t, a, "hi")
			assert.Error(t, err, filepath.Base(file))
		}
	}
}

func TestHTTPGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	block := make([]byte, 1<<20)
	for range 100 {
		_, _ = z.Write(block)
	}
	require.NoError(t, z.Close())
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	_, err := ask(t, build(t, "http", "url: "+url), "hi")
	require.ErrorContains(t, err, "the reply is longer than 10485760 bytes")
}

func TestHTTPRedirects(t *testing.T) {
	var asked atomic.Int64
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/answer/":
			data, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-Key"), data)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		case "/301":
			http.Redirect(w, r, "/answer/", http.StatusMovedPermanently)
		case "/away":
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		default:
			http.Redirect(w, r, "/answer/", http.StatusTemporaryRedirect)
		}
	})
	with := func(path string) (harness.Output, error) {
		return ask(t, build(t, "http", `{url: "`+url+path+`", headers: {X-Key: secret-key}, body: "{{ .Input }}"}`), "hi")
	}
	out, err := with("/answer")
	require.NoError(t, err)
	assert.Equal(t, "POST secret-key hi", out.Value, "the same request at the same origin")
	for path, status := range map[string]string{"/301": "301", "/loop": "307", "/away": "307"} {
		_, err := with(path)
		require.ErrorContains(t, err, "status "+status)
		require.ErrorContains(t, err, "not followed")
	}
	assert.Zero(t, asked.Load(), "nothing goes to another origin")
}

func TestHTTPConnectionTrouble(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := serve(t, http.NotFound)
	hangUp := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	})
	tests := []struct {
		name, url string
		permanent bool
		want      string
	}{
		{"refused", "http://127.0.0.1:1", false, "connection refused"},
		{"certificate", secure.URL, true, "(SSL_CERT_FILE may name a file with further authorities)"},
		{"https to http", strings.Replace(plain, "http", "https", 1), true, "server gave HTTP response to HTTPS client"},
		{"hangs up", hangUp, false, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ask(t, build(t, "http", "url: "+tt.url), "hi")
			require.ErrorContains(t, err, tt.want)
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.permanent, e.Permanent, e.Message)
			assert.Contains(t, e.Message, "POST "+tt.url+": ")
			assert.Equal(t, 1, strings.Count(e.Message, tt.url))
		})
	}
}

func TestHTTPProxyRefuses(t *testing.T) {
	if os.Getenv(childEnv+"_PROXY") == "" { // the proxy is read from the environment once
		proxy := serve(t, respond(407, "", "who are you?"))
		cmd := reexec(t.Name(), childEnv+"_PROXY=1", "HTTPS_PROXY="+proxy, "HTTP_PROXY="+proxy)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	_, err := ask(t, build(t, "http", "url: https://app.example"), "hi")
	require.ErrorContains(t, err, "refused the connection with status 407; HTTPS_PROXY names it")
	var e *harness.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Permanent)
	_, err = ask(t, build(t, "http", "url: http://app.example"), "hi")
	require.ErrorContains(t, err, "status 407 Proxy Authentication Required")
}

// TestHTTPSlow: the deadline covers the whole reply.
func TestHTTPSlow(t *testing.T) {
	for _, name := range []string{"no header", "half a body"} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if name == "half a body" {
					_, _ = io.WriteString(w, "x")
					w.(http.Flusher).Flush()
				}
				select {
				case <-r.Context().Done():
				case <-done:
				}
			})
			defer close(done)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := build(t, "http", "url: "+url).Respond(ctx, harness.Input{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, harness.KindTimeout, e.Kind)
		})
	}
}

func TestHTTPKeepsConnections(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(respond(200, "", "ok"))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	app := build(t, "http", "url: "+s.URL)
	for range 10 {
		done := make(chan error)
		for range 4 {
			go func() {
				_, err := app.Respond(t.Context(), harness.Input{})
				done <- err
			}()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
	}
	assert.LessOrEqual(t, opened.Load(), int64(8), "at concurrency 4 about 4 connections are used again and again")
}

func TestHTTPMissingKeyIsAnError(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	_, err := ask(t, build(t, "http", `{url: "`+url+`", body: {q: "{{ .Input.question }}"}}`), map[string]any{"text": "hi"})
	require.EqualError(t, err, "POST "+url+`: body: q: template at <.Input.question>: map has no entry for key "question"`)
	_, err = ask(t, build(t, "http", `{url: "`+url+`", query: {q: "{{ .Metadata.lang }}"}}`), "hi")
	require.ErrorContains(t, err, `query: q: template at <.Metadata.lang>: map has no entry for key "lang"`)
	assert.Zero(t, asked.Load())
}

func TestSecretsThatMayBeSent(t *testing.T) {
	for _, yaml := range []string{
		"{url: 'https://app.example', headers: {Authorization: Bearer secret}}",
		"{url: 'http://127.0.0.1:8080', headers: {Authorization: Bearer secret}}",
		"{url: 'http://localhost', headers: {X-Api-Key: secret}}",
		"{url: 'http://app.example', headers: {Authorization: Bearer secret}, allow_insecure: true}",
		"{url: 'http://app.example', headers: {Authorization: ''}}",
		"{url: 'http://app.example', headers: {X-Tenant: a, X-Author: b, X-Max-Tokens: '5', Accept: text/plain}}",
		"{url: 'http://me@app.example'}",
	} {
		build(t, "http", yaml)
	}
	build(t, "openai", "{model: m, base_url: 'http://10.0.0.1/v1', api_key: secret, headers: {X-Key: secret}, allow_insecure: true}")
}

func TestOptionErrors(t *testing.T) {
	tests := []struct{ kind, yaml, want string }{
		{"ftp", "{}", `suite.yaml:1:1: unknown kind of app "ftp"`},
		{"http", "{}", `suite.yaml:1:1: "url" is missing`},
		{"http", "url: localhost:8080", "suite.yaml:1:6: url: expected a URL such as http://127.0.0.1:8080/answer"},
		{"http", "url: file:///etc/passwd", "suite.yaml:1:6: url: expected a URL"},
		{"http", "url: 'http://x/{{ .Input }}'", "suite.yaml:1:6: url: a URL can't be a template; query can"},
		{"http", "{url: http://x, ulr: y}", `suite.yaml:1:17: unknown key "ulr"`},
		{"http", "{url: http://x, output: '.a['}", "suite.yaml:1:25: jq expression"},
		{"http", "{url: http://x, output: .a, reply: text}", "suite.yaml:1:25: output is for JSON replies"},
		{"http", "{url: http://x, reply: xml}", `suite.yaml:1:24: reply is "xml"; expected auto, json or text`},
		{"http", "{url: http://x, body: {a: '{{ .Expected }}'}}", "suite.yaml:1:27: a template has no .Expected"},
		{"http", "{url: http://x, query: [a]}", "suite.yaml:1:24: expected query parameters by name"},
		{"http", "{url: http://x, method: 'a b'}", `suite.yaml:1:25: "a b" is no method`},
		{"http", "{url: http://x, headers: {'a b': c}}", `suite.yaml:1:26: header "a b": the name or the value can't be sent`},
		{"http", "{url: http://x, headers: {a: \"c\\nsecret\"}}", `suite.yaml:1:26: header "a": the name or the value can't be sent`},
		{"http", "{url: http://x, max_reply: -1}", "suite.yaml:1:28: max_reply is -1"},
		{"http", "{url: 'http://10.0.0.1/a', headers: {Authorization: Bearer secret}}", `suite.yaml:1:7: url: the header "Authorization" would be readable on its way: use https, or say allow_insecure: true`},
		{"http", "{url: 'http://app.example', headers: {x-api-key: secret}}", `url: the header "x-api-key" would be readable`},
		{"http", "{url: 'http://app.example', headers: {Cookie: sid=secret}}", `url: the header "Cookie" would be readable`},
		{"http", "{url: 'http://app.example', headers: {X-Access-Token: secret}}", `url: the header "X-Access-Token" would be readable`},
		{"http", "{url: 'http://me:secret@app.example'}", "url: the URL's password would be readable"},
		{"openai", "{model: m, base_url: 'http://10.0.0.1/v1', headers: {Api-Key: secret}}", `base_url: the header "Api-Key" would be readable`},
		{"exec", "{}", `suite.yaml:1:1: "command" is missing`},
		{"exec", "command: []", "suite.yaml:1:1: exec: command is missing"},
		{"exec", "command: cat", "expected a list"},
		{"exec", "{command: [cat], protocol: xml}", `suite.yaml:1:28: unknown protocol "xml"; expected text or jsonl`},
		{"exec", "{command: [cat], processes: 2}", "suite.yaml:1:29: processes is for protocol jsonl"},
		{"exec", "{command: [cat], protocol: jsonl, processes: -2}", "suite.yaml:1:46: processes is -2"},
		{"openai", "{}", `suite.yaml:1:1: "model" is missing`},
		{"openai", "{model: m, base_url: 'http://10.0.0.1/v1', api_key: k}", "suite.yaml:1:22: openai: the key would be readable on its way"},
		{"openai", "{model: m, messages: hi}", "suite.yaml:1:22: expected a list of messages"},
		{"openai", "{model: m, messages: [{content: hi}]}", "suite.yaml:1:23: expected a message {role, content}"},
		{"openai", "{model: m, messages: [hi]}", "suite.yaml:1:23: expected a message {role, content}"},
		{"openai", "{model: m, extra: [a]}", "suite.yaml:1:19: expected fields of the request by name"},
		{"openai", "{model: m, price: {input_per_million: -1, output_per_million: 1}}", "suite.yaml:1:19: a price can't be negative"},
		{"replay", "{}", `suite.yaml:1:1: "run" is missing`},
		{"echo", "{x: 1}", `suite.yaml:1:2: unknown key "x"`},
	}
	for _, tt := range tests {
		_, err := target.New(tt.kind, options(t, tt.yaml), target.Env{})
		require.ErrorContains(t, err, tt.want, tt.yaml)
		assert.NotContains(t, err.Error(), "secret")
	}
	for _, kind := range []string{"http", "exec", "openai", "replay"} {
		_, err := target.New(kind, strict.Node{File: "suite.yaml"}, target.Env{})
		require.Error(t, err, kind)
	}
	_, err := target.New("echo", strict.Node{}, target.Env{})
	require.NoError(t, err)
}
