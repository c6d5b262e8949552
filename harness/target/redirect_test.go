package target

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/strict"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// over builds an app whose requests go through f.
func over(t *testing.T, kind, yaml string, f http.RoundTripper) harness.App {
	t.Helper()
	n, err := strict.Parse("suite.yaml", []byte(yaml))
	require.NoError(t, err)
	app, err := New(kind, n, Env{})
	require.NoError(t, err)
	switch app := app.(type) {
	case *httpApp:
		app.client.Transport = once{httpx.Readable{RoundTripper: f}}
	case *openaiApp:
		app.client.Transport = once{httpx.Readable{RoundTripper: f}}
	}
	return app
}

// Where a redirect may point to, for an app at https://app.example/answer, and
// what the error says of it: a host, never what else is in it. "" is followed.
var redirects = map[string]string{
	"https://evil.example/k?k=1":             "https://evil.example",
	"https://app.example:8443/":              "https://app.example:8443",
	"https://app.example.:443/":              "https://app.example.:443",
	"http://app.example/":                    "http://app.example",
	"https://api.app.example/":               "https://api.app.example",
	"https://example/":                       "https://example",
	"https://app.example.evil.example/":      "https://app.example.evil.example",
	"https://app.example@evil.example/":      "https://evil.example",
	"https://me:p%40ss@evil.example:1/#x":    "https://evil.example:1",
	"//evil.example/":                        "https://evil.example",
	`https:\\evil.example/`:                  "https://",
	"ftp://app.example/":                     "ftp://app.example",
	"javascript:alert(1)":                    "javascript://",
	"https://APP.example/":                   "https://APP.example",
	"https://[::1/":                          "elsewhere",
	"\x1b]0;x\x07https://app.example/":       "elsewhere",
	"":                                       "elsewhere",
	"/elsewhere?k=1":                         "",
	"https://app.example/elsewhere":          "",
	"https://someone:else@app.example/where": "",
	`/\evil.example`:                         "",
	"elsewhere":                              "",
	"//app.example/elsewhere":                "",
}

// Headers, keys and the body go to the app's own origin alone, whatever the
// redirect; there a request is followed as long as it stays what it is.
func TestRedirectsLeakNothing(t *testing.T) {
	cells, followed := 0, 0
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, app := range [][3]string{
			{"http", "GET", "{url: 'https://me:secret-pass@app.example/answer?k=secret-query', method: GET, headers: {X-Key: secret-key, Authorization: Bearer secret-bearer, Cookie: sid=secret-cookie}}"},
			{"http", "POST", "{url: 'https://me:secret-pass@app.example/answer?k=secret-query', headers: {X-Key: secret-key, Authorization: Bearer secret-bearer, Cookie: sid=secret-cookie}}"},
			{"openai", "POST", "{model: m, base_url: 'https://app.example', api_key: secret-key, headers: {X-Key: secret-key}}"},
		} {
			for location, says := range redirects {
				cells++
				name := fmt.Sprintf("%d %s %s %q", status, app[0], app[1], location)
				var got []*http.Request
				a := over(t, app[0], app[2], roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.Body != nil {
						data, err := io.ReadAll(r.Body)
						require.NoError(t, err)
						r.Body = io.NopCloser(strings.NewReader(string(data)))
					}
					got = append(got, r)
					header := http.Header{}
					if location != "" {
						header["Location"] = []string{location}
					}
					if len(got) > 1 {
						return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(strings.NewReader(`{"output": "x", "choices": [{"message": {"content": "x"}}]}`)), Request: r}, nil
					}
					return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("moved")), Request: r}, nil
				}))
				_, err := a.Respond(t.Context(), harness.Input{ID: "a", Value: "hi"})
				for _, r := range got {
					assert.Equal(t, "https app.example", r.URL.Scheme+" "+r.URL.Host, name)
				}
				if says == "" && (app[1] == "GET" || status >= 307) {
					followed++
					require.NoError(t, err, name)
					require.Len(t, got, 2, name)
					assert.Equal(t, got[0].Header.Get("X-Key"), got[1].Header.Get("X-Key"))
					assert.Equal(t, got[0].Method+body(t, got[0]), got[1].Method+body(t, got[1]), name)
					continue
				}
				assert.Len(t, got, 1, name)
				var e *harness.Error
				require.ErrorAs(t, err, &e, name)
				assert.True(t, e.Permanent, name)
				if says == "" {
					says = "https://app.example"
				}
				assert.Contains(t, e.Message, fmt.Sprintf("status %d", status), name)
				assert.Contains(t, e.Message, says, name)
				assert.NotContains(t, e.Message, "secret", name)
				assert.NotContains(t, e.Message, "\x1b", name)
				if u, err := url.Parse(location); err == nil && u.Path != "" && u.Host != "" {
					assert.NotContains(t, e.Message, u.Host+u.Path+"k", name)
					assert.NotContains(t, e.Message, "p%40ss", name)
				}
			}
		}
	}
	t.Logf("%d cells, %d followed at the same origin, 0 requests to another one", cells, followed)
}

func body(t *testing.T, r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	data, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(data)
}

// A redirect in a circle ends.
func TestRedirectLoop(t *testing.T) {
	requests := 0
	app := over(t, "http", "{url: 'https://app.example/answer'}", roundTrip(func(r *http.Request) (*http.Response, error) {
		requests++
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"/answer"}}, Body: http.NoBody, Request: r}, nil
	}))
	_, err := app.Respond(t.Context(), harness.Input{})
	require.ErrorContains(t, err, "status 307 Temporary Redirect: a redirect to https://app.example that is not followed")
	assert.Equal(t, 5, requests)
}
