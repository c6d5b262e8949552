package httpx

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness/internal/redact"
	"github.com/evalrun/evalrun/harness/internal/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-very/secret+key=1"

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(r *http.Request, status int, contentType, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func stub(t *testing.T, c Config, f roundTrip) *Client {
	t.Helper()
	c.BaseURL = "https://api.example.com/base/"
	c.HTTPClient = &http.Client{Transport: f}
	c.Header = http.Header{"x-api-key": {secret}}
	c.Secrets = []string{secret}
	client, err := New(c)
	require.NoError(t, err)
	return client
}

func serve(t *testing.T, c Config, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	c.BaseURL = server.URL
	c.Header = http.Header{"x-api-key": {secret}}
	c.Secrets = []string{secret}
	client, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.CloseClientConnections(); server.Close() })
	return client
}

func noWait(context.Context, time.Duration) error { return nil }

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.NotContains(t, err.Error(), secret)
	assert.NotContains(t, err.Error(), url.QueryEscape(secret))
	return e
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing":         {},
		"no scheme":       {BaseURL: "api.example.com"},
		"other scheme":    {BaseURL: "ftp://api.example.com"},
		"plain http":      {BaseURL: "http://api.example.com"},
		"not loopback":    {BaseURL: "http://127.0.0.1.evil.com"},
		"below localhost": {BaseURL: "http://a.localhost"},
		"localhost, dot":  {BaseURL: "http://localhost."},
		"password":        {BaseURL: "https://me:" + secret + "@api.example.com"},
		"not a URL":       {BaseURL: "https://me:" + secret + "@ \x7f"},
		"query":           {BaseURL: "https://api.example.com?key=" + secret},
		"idempotency key": {BaseURL: "https://api.example.com", Header: http.Header{"idempotency-key": {"1"}}},
		"header break":    {BaseURL: "https://api.example.com", Header: http.Header{"X-Api-Key": {"a\r\nb: c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestNewAccepts(t *testing.T) {
	for _, base := range []string{"https://api.example.com", "http://localhost:1", "http://127.0.0.9:80/x", "http://[::1]:80", "http://LOCALHOST"} {
		_, err := New(Config{BaseURL: base})
		assert.NoError(t, err, base)
	}
	_, err := New(Config{BaseURL: "http://10.0.0.1", AllowInsecure: true})
	assert.NoError(t, err)
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	c := stub(t, Config{}, func(r *http.Request) (*http.Response, error) {
		got = r
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		return reply(r, 200, "application/json; charset=utf-8", `{"a": 1}`), nil
	})
	var out map[string]int
	err := c.Do(t.Context(), Request{Method: "POST", Path: "/v4/x%2Fy", Query: url.Values{"page": {"2"}}, Body: map[string]string{"b": "<&>"}}, &out)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"a": 1}, out)
	assert.Equal(t, "https://api.example.com/base/v4/x%2Fy?page=2", got.URL.String())
	assert.Equal(t, `{"b":"<&>"}`, body)
	assert.Equal(t, secret, got.Header.Get("X-Api-Key"))
	assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
	assert.Empty(t, got.Header.Get("Idempotency-Key"))
}

// How often a request goes out, and what its error says of its fate.
func TestRetriesAndFate(t *testing.T) {
	status := func(code int, header ...string) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			return reply(r, code, "application/json", `{"detail": "no"}`, header...), nil
		}
	}
	fails := func(err error) roundTrip {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	for _, tt := range []struct {
		name      string
		f         roundTrip
		get, post int
		fate      Fate
	}{
		{"400", status(400), 1, 1, Refused},
		{"401", status(401), 1, 1, Refused},
		{"403", status(403), 1, 1, Refused},
		{"404", status(404), 1, 1, Refused},
		{"408", status(408), 3, 1, Ambiguous},
		{"409", status(409), 3, 1, Refused},
		{"422", status(422), 1, 1, Refused},
		{"429", status(429), 3, 3, Refused},
		{"499", status(499), 1, 1, Ambiguous},
		{"500", status(500), 3, 1, Ambiguous},
		{"503", status(503), 3, 1, Ambiguous},
		{"500, do not", status(500, "X-Should-Retry", "false"), 1, 1, Ambiguous},
		{"429, do not", status(429, "X-Should-Retry", "false"), 1, 1, Refused},
		{"400, do", status(400, "X-Should-Retry", "true"), 3, 1, Refused},
		{"500, do", status(500, "X-Should-Retry", "true"), 3, 1, Ambiguous},
		{"dial", fails(dial), 3, 3, NotSent},
		{"unknown host", fails(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true, Name: "x"}}), 1, 1, NotSent},
		{"proxy", fails(&proxyError{"proxy:1", 407}), 1, 1, NotSent},
		{"reset", fails(reset), 3, 1, Ambiguous},
		{"EOF", fails(io.ErrUnexpectedEOF), 3, 1, Ambiguous},
		{"odd", fails(errors.New("odd")), 3, 1, Ambiguous},
		{"307", status(307, "Location", "https://evil.example.org/?k="+secret), 1, 1, Refused},
		{"303", status(303, "Location", "/elsewhere"), 1, 1, Ambiguous},
		{"304", status(304), 1, 1, Ambiguous},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for method, want := range map[string]int{"GET": tt.get, "POST": tt.post, "PATCH": tt.post} {
				var calls int
				c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
					calls++
					return tt.f(r)
				})
				e := asError(t, c.Do(t.Context(), Request{Method: method, Path: "/x"}, nil))
				assert.Equal(t, want, calls, method)
				assert.Equal(t, want, e.Attempts, method)
				assert.Equal(t, tt.fate, e.Fate, method)
				assert.Equal(t, tt.fate == Ambiguous, e.Ambiguous())
			}
		})
	}
}

func TestRetrySucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		c := stub(t, Config{MaxRetries: 8}, func(r *http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			if len(at) < 8 {
				return reply(r, 500, "text/plain", "busy"), nil
			}
			return reply(r, 200, "application/json", `{}`), nil
		})
		require.NoError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &struct{}{}))
		for i, want := range []float64{0.5, 1, 2, 4, 8, 8, 8} {
			got := (at[i+1] - at[i]).Seconds()
			assert.Greater(t, got, want*0.75-1e-9, "pause %d", i)
			assert.LessOrEqual(t, got, want, "pause %d", i)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		want   time.Duration // 0: the usual pause
	}{
		{"seconds", []string{"Retry-After", "7"}, 7 * time.Second},
		{"fraction", []string{"Retry-After", "1.5"}, 1500 * time.Millisecond},
		{"a minute", []string{"Retry-After", "60"}, time.Minute},
		{"milliseconds win", []string{"Retry-After", "7", "Retry-After-Ms", "250"}, 250 * time.Millisecond},
		{"too long", []string{"Retry-After", "61"}, 0},
		{"absurd", []string{"Retry-After", "1e300"}, 0},
		{"zero", []string{"Retry-After", "0"}, 0},
		{"past", []string{"Retry-After", "-5"}, 0},
		{"NaN", []string{"Retry-After", "NaN"}, 0},
		{"rubbish", []string{"Retry-After", "soon"}, 0},
		{"date", []string{"Retry-After", "DATE+20"}, 20 * time.Second},
		{"past date", []string{"Retry-After", "DATE-20"}, 0},
		{"far date", []string{"Retry-After", "DATE+3600"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				header := append([]string{}, tt.header...)
				if offset, ok := strings.CutPrefix(header[1], "DATE"); ok {
					d, err := time.ParseDuration(offset + "s")
					require.NoError(t, err)
					header[1] = time.Now().Add(d).UTC().Format(http.TimeFormat)
				}
				start := time.Now()
				calls := 0
				c := stub(t, Config{}, func(r *http.Request) (*http.Response, error) {
					if calls++; calls == 1 {
						return reply(r, 429, "application/json", `{}`, header...), nil
					}
					return reply(r, 200, "application/json", `{}`), nil
				})
				require.NoError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
				if tt.want > 0 {
					assert.Equal(t, tt.want, time.Since(start))
				} else {
					assert.LessOrEqual(t, time.Since(start), 500*time.Millisecond)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := stub(t, Config{}, func(r *http.Request) (*http.Response, error) {
			calls++
			return reply(r, 503, "application/json", `{}`, "Retry-After", "30"), nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Do(ctx, Request{Method: "GET", Path: "/x"}, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 503, asError(t, err).Status)
		assert.Equal(t, 1, calls)

		e := asError(t, c.Do(ctx, Request{Method: "POST", Path: "/x"}, nil))
		assert.Equal(t, NotSent, e.Fate)
		assert.Equal(t, 1, calls)
	})
}

// The time limit covers the whole answer: one byte a second is not an answer.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		start := time.Now()
		c := stub(t, Config{Timeout: 10 * time.Second, MaxRetries: -1}, func(r *http.Request) (*http.Response, error) {
			calls++
			resp := reply(r, 200, "application/json", "")
			resp.Body = io.NopCloser(slowly{r.Context()})
			return resp, nil
		})
		e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil))
		assert.True(t, e.Ambiguous())
		require.ErrorIs(t, e, errTimeout)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, 1, calls)
	})
}

type slowly struct{ ctx context.Context }

func (s slowly) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

func TestNotJSON(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body string
		ok                      bool
	}{
		{"JSON", "application/json", `{"a":1}`, true},
		{"problem JSON", "application/problem+json", `{"a":1}`, true},
		{"no content type", "", `{"a":1}`, true},
		{"HTML", "text/html", "<html>\n<script>alert(1)</script>\x1b[31m", false},
		{"HTML as JSON", "application/json", "<html>", false},
		{"JSON as HTML", "text/html", `{"a":1}`, false},
		{"empty", "application/json", "", false},
		{"two values", "application/json", `{"a":1}{"a":2}`, false},
		{"wrong type", "application/json", `[1]`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
				return reply(r, 200, tt.contentType, tt.body), nil
			})
			var out struct{ A int }
			err := c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, &out)
			if tt.ok {
				require.NoError(t, err)
				assert.Equal(t, 1, out.A)
				return
			}
			e := asError(t, err)
			assert.True(t, e.Ambiguous())
			assert.Equal(t, 200, e.Status)
			assert.Equal(t, 1, e.Attempts)
			assert.NotContains(t, err.Error(), "\x1b")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestTruncatedAtEveryByte(t *testing.T) {
	const body = `{"items": [{"id": "a", "n": 12}], "total_item_count": 1}`
	for n := range len(body) {
		c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
			return reply(r, 200, "application/json", body[:n]), nil
		})
		var out map[string]any
		assert.Error(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &out), body[:n])
	}
}

// A body that the connection breaks off is read again, for reads.
func TestBrokenOff(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, Config{Sleep: noWait}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if calls.Add(1)%3 != 0 {
			w.Header().Set("Content-Length", "100")
		}
		_, _ = io.WriteString(w, `{}`)
	})
	require.NoError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &struct{}{}))
	assert.EqualValues(t, 3, calls.Load())
	e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, &struct{}{}))
	assert.True(t, e.Ambiguous())
	assert.EqualValues(t, 4, calls.Load())
}

// The corpus of what no JSON parser may accept, as answers.
func TestInvalidJSONCorpus(t *testing.T) {
	for _, file := range shared.Files(t, "corpora/jsontestsuite/n_*.json") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
			return reply(r, 200, "application/json", string(data)), nil
		})
		var out any
		assert.Error(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &out), filepath.Base(file))
	}
}

func TestGzipBomb(t *testing.T) {
	bomb := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		spaces := []byte(strings.Repeat(" ", 1<<20))
		for range 64 {
			if _, err := z.Write(spaces); err != nil {
				return
			}
		}
		_ = z.Close()
	}
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprintf("own transport %v", own), func(t *testing.T) {
			config := Config{MaxBody: 1 << 20, Sleep: noWait}
			if !own { // one that leaves the decompression to us
				tr := &http.Transport{DisableCompression: true}
				t.Cleanup(tr.CloseIdleConnections)
				config.HTTPClient = &http.Client{Transport: tr}
			}
			c := serve(t, config, bomb)
			e := asError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
			require.ErrorIs(t, e, ErrTooLarge)
			assert.Equal(t, 1, e.Attempts)
		})
	}
}

// No redirect carries the key, or anything else, to another place.
func TestRedirectLeaksNothing(t *testing.T) {
	var strangers atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer stranger.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"GET", "POST"} {
			for _, to := range []string{stranger.URL, strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1), "//evil.example.org/", "https://evil.example.org/?k=" + secret, "/elsewhere", ""} {
				var calls int
				c := serve(t, Config{Sleep: noWait}, func(w http.ResponseWriter, r *http.Request) {
					calls++
					if to != "" {
						w.Header().Set("Location", to)
					}
					w.WriteHeader(code)
				})
				e := asError(t, c.Do(t.Context(), Request{Method: method, Path: "/x"}, nil))
				assert.Contains(t, e.Error(), "not followed")
				assert.Equal(t, 1, calls)
			}
		}
	}
	assert.Zero(t, strangers.Load())
}

func TestServerMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"detail": "no such dataset"}`:                                 "no such dataset",
		`{"message": "slow down"}`:                                      "slow down",
		`{"error": {"code": 7}}`:                                        `{"error": {"code": 7}}`,
		`{"detail": [{"loc": ["body", 3, "input"], "msg": "missing"}]}`: "body.3.input: missing",
		`{"detail": [{"loc": ["a"], "msg": "1"}, {"loc": ["b"], "msg": "2"}, {"loc": ["c"], "msg": "3"}, {"loc": ["d"], "msg": "4"}]}`: "a: 1; b: 2; c: 3; and 1 more",
		"<html>\x1b]0;own\x07\u202eevil</html>": "<html>\uFFFD]0;own\uFFFDevil</html>",
		"key was " + secret + " \xff":           "key was [redacted] \uFFFD",
		"in a URL: " + url.QueryEscape(secret):  "in a URL: [redacted]",
		strings.Repeat("é", 200):                strings.Repeat("é", 98) + "…",
		"":                                      "",
	} {
		c := stub(t, Config{}, func(r *http.Request) (*http.Response, error) { return reply(r, 400, "text/plain", body), nil })
		e := asError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
		assert.Equal(t, want, e.Message)
		assert.LessOrEqual(t, len(e.Message), 200)
		assert.Equal(t, redact.New(secret).Text(body), string(e.Body))
	}
}

func TestErrorText(t *testing.T) {
	c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
		return reply(r, 503, "application/json", `{"detail": "down for repairs"}`), nil
	})
	err := c.Do(t.Context(), Request{Method: "GET", Path: "/v4/x"}, nil)
	assert.EqualError(t, err, "GET /v4/x: 503 Service Unavailable after 3 attempts: down for repairs")

	c = stub(t, Config{}, func(*http.Request) (*http.Response, error) { return nil, errors.New("broke at " + secret) })
	err = c.Do(t.Context(), Request{Method: "POST", Path: "/v4/x"}, nil)
	assert.EqualError(t, err, "POST /v4/x: api.example.com: broke at [redacted]")
}

func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	var waits int
	c, err := New(Config{BaseURL: server.URL, Sleep: func(context.Context, time.Duration) error { waits++; return nil }})
	require.NoError(t, err)
	defer c.Close()
	e := asError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
	assert.Equal(t, NotSent, e.Fate)
	assert.Zero(t, waits)
	assert.Contains(t, e.Error(), "SSL_CERT_FILE")
}

func TestDown(t *testing.T) {
	// Nobody listens at port 1; a free port of now may be another test's a moment later.
	c, err := New(Config{BaseURL: "http://127.0.0.1:1", Sleep: noWait})
	require.NoError(t, err)
	for _, method := range []string{"GET", "POST"} {
		e := asError(t, c.Do(t.Context(), Request{Method: method, Path: "/x"}, nil))
		assert.Equal(t, NotSent, e.Fate)
		assert.Equal(t, 3, e.Attempts)
	}
}

func TestProxyRefuses(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	transport := newTransport()
	transport.Proxy = http.ProxyURL(address)
	defer transport.CloseIdleConnections()
	c, err := New(Config{BaseURL: "https://api.example.com", HTTPClient: &http.Client{Transport: transport}, Sleep: noWait})
	require.NoError(t, err)
	e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil))
	assert.Equal(t, NotSent, e.Fate)
	assert.Equal(t, 1, e.Attempts)
	assert.Contains(t, e.Error(), "407")
}

// net/http must not send a POST again by itself when a kept connection drops.
func TestPostIsSentOnceOverADroppedConnection(t *testing.T) {
	var posts atomic.Int32
	c := serve(t, Config{Sleep: noWait}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			posts.Add(1)
			panic(http.ErrAbortHandler) // after the request was read, before an answer
		}
		_, _ = io.WriteString(w, `{}`)
	})
	require.NoError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
	e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x", Body: map[string]int{}}, nil))
	assert.True(t, e.Ambiguous())
	assert.EqualValues(t, 1, posts.Load())
}

func TestBodyThatCannotBeEncoded(t *testing.T) {
	c := stub(t, Config{}, func(*http.Request) (*http.Response, error) { return nil, errors.New("not reached") })
	e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x", Body: func() {}}, nil))
	assert.Equal(t, NotSent, e.Fate)
	assert.Zero(t, e.Attempts)
}

// A server that breaks the protocol after it has read the request may have taken
// it, though the error looks like one of a handshake.
func TestBrokenRecordAfterTheRequest(t *testing.T) {
	maker := httptest.NewUnstartedServer(http.NotFoundHandler())
	maker.StartTLS() // for its certificate
	defer maker.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	var reads atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			conn := tls.Server(raw, &tls.Config{Certificates: maker.TLS.Certificates})
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				if body, err := io.ReadAll(r.Body); err == nil && string(body) == `{"a":1}` {
					reads.Add(1)
				}
			}
			_, _ = io.WriteString(raw, "SSH-2.0-OpenSSH\r\n")
			_ = raw.Close()
		}
	}()
	roots := maker.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	c, err := New(Config{BaseURL: "https://" + listener.Addr().String(), HTTPClient: &http.Client{Transport: transport}, Sleep: noWait})
	require.NoError(t, err)
	e := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x", Body: map[string]int{"a": 1}}, nil))
	var record tls.RecordHeaderError
	require.ErrorAs(t, e, &record)
	assert.True(t, e.Ambiguous())
	assert.EqualValues(t, 1, reads.Load(), "it is sent once")
	require.NoError(t, listener.Close())
	<-done
}

func TestNowIsTheServersTime(t *testing.T) {
	ahead := time.Duration(0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		if r.URL.Path == "/undated" {
			w.Header().Set("Date", "yesterday")
		}
		http.Error(w, "no", http.StatusBadRequest)
	}))
	defer server.Close()
	c, err := New(Config{BaseURL: server.URL})
	require.NoError(t, err)
	defer c.Close()
	off := func() time.Duration { return time.Until(c.Now()).Round(time.Hour) }
	assert.Zero(t, off())
	for _, ahead = range []time.Duration{48 * time.Hour, -3 * time.Hour} {
		require.Error(t, c.Do(t.Context(), Request{Method: "GET", Path: "/"}, nil))
		assert.Equal(t, ahead, off())
		require.Error(t, c.Do(t.Context(), Request{Method: "GET", Path: "/undated"}, nil))
		assert.Equal(t, ahead, off())
	}
}
