package retell

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/internal/pace"
)

// BaseURL is the platform's own address.
const BaseURL = "https://api.retellai.com"

// Config says where the platform is and who asks.
type Config struct {
	// BaseURL is where the API is; default the constant of that name. Plain http
	// is for loopback addresses only, unless AllowInsecure.
	BaseURL string
	// APIKey goes into the header Authorization, to that address and no other. A
	// server on loopback may do without.
	APIKey string
	// Secrets are taken, as the key is, out of whatever the platform sends.
	Secrets []string
	// HTTPClient carries the requests; nil: one of its own. Redirects are never
	// followed.
	HTTPClient *http.Client
	// MaxRetries is how many times a request is sent again: reads after a failure
	// of the connection or a status that may pass (408, 409, 429, 5xx), others
	// only when they certainly were not taken. 0 means 2, less than 0 never.
	MaxRetries int
	// Timeout is for one attempt, until the last byte. Default 60s.
	Timeout time.Duration
	// MaxBody is the most bytes of one answer, decompressed. Default 64 MiB.
	MaxBody int64
	// AllowInsecure permits plain http to any host.
	AllowInsecure bool
	// Hosts, when set, is whom this client shares the platform's pace with. Refused
	// calls (429, 503, 529) then wait for their turn for as long as Hosts allows,
	// and are no retries.
	Hosts *pace.Hosts
	// Sleep waits between attempts; nil: a timer. Tests put their own.
	Sleep func(ctx context.Context, d time.Duration) error
}

// ConfigFromEnv reads RETELL_API_KEY and RETELL_BASE_URL, which are the names that
// the platform's own clients use.
func ConfigFromEnv(getenv func(string) string) Config {
	return Config{APIKey: getenv("RETELL_API_KEY"), BaseURL: getenv("RETELL_BASE_URL")}
}

// Client calls the platform. It is safe for concurrent use. Errors of its calls
// say what was asked for, and wrap an [*Error] when the platform or the way to
// it is at fault.
type Client struct {
	http     *httpx.Client
	starting chan struct{}   // held while a batch is started
	started  map[string]bool // batches that Start gave, while starting is held
	wait     func(ctx context.Context, d time.Duration) error
}

// Error is a call that failed: its Status, such as 401, 402, 404, 422, 429 or
// 500, or 0 when there was no answer; the server's Message made safe to show; and,
// for a call that changes something, whether the server may have taken it
// (Ambiguous). Its text never holds the key.
type Error = httpx.Error

// ErrBaseURL is what the error of [New] wraps when Config.BaseURL has no scheme.
var ErrBaseURL = errors.New("the base URL (RETELL_BASE_URL)")

// New makes a client; nothing is sent.
func New(c Config) (*Client, error) {
	if c.BaseURL == "" {
		c.BaseURL = BaseURL
	}
	if scheme, _, _ := strings.Cut(strings.ToLower(c.BaseURL), "://"); scheme != "http" && scheme != "https" { // it may hold a password: it is not shown
		return nil, fmt.Errorf("retell: %w needs http:// or https:// before the host", ErrBaseURL)
	}
	if u, err := url.Parse(c.BaseURL); c.APIKey == "" && (err != nil || !httpx.Loopback(u.Hostname())) {
		return nil, errors.New("retell: no API key: set RETELL_API_KEY")
	}
	header := http.Header{"User-Agent": {"evalrun"}}
	if c.APIKey != "" {
		header.Set("Authorization", "Bearer "+c.APIKey)
	}
	h, err := httpx.New(httpx.Config{
		BaseURL: c.BaseURL, Header: header, Secrets: append([]string{c.APIKey}, c.Secrets...), HTTPClient: c.HTTPClient,
		MaxRetries: c.MaxRetries, Timeout: c.Timeout, MaxBody: c.MaxBody, AllowInsecure: c.AllowInsecure, Hosts: c.Hosts, Sleep: c.Sleep,
	})
	if err != nil {
		return nil, fmt.Errorf("retell: %w", err)
	}
	client := &Client{http: h, starting: make(chan struct{}, 1), started: map[string]bool{}, wait: c.Sleep}
	if client.wait == nil {
		client.wait = sleep
	}
	return client, nil
}

// Close closes idle connections. The client can still be used.
func (c *Client) Close() error {
	c.http.Close()
	return nil
}

// call sends one request. what is the beginning of its errors; parts make the
// path, alternating fixed words and IDs.
func (c *Client) call(ctx context.Context, what, method string, query url.Values, body, into any, parts ...string) error {
	path, err := httpx.Path(parts...)
	if err != nil {
		return fmt.Errorf("retell: %s: %w", what, err)
	}
	err = c.http.Do(ctx, httpx.Request{Method: method, Path: path, Query: query, Body: body}, into)
	if err != nil {
		return fmt.Errorf("retell: %s: %w%s", what, err, hint(err))
	}
	return nil
}

// hint is what can be done about an error, in parentheses.
func hint(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return " (is RETELL_API_KEY right for this address?)"
	case http.StatusPaymentRequired:
		return " (the account has to be paid for; is RETELL_API_KEY of the right one?)"
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		return " (is the ID right, and of this account?)"
	}
	return ""
}

// identified is what the platform gives with an ID. Without one an answer is
// not what was asked for, whatever its status.
type identified interface{ id() string }

func (d TestCaseDefinition) id() string { return d.ID }
func (b BatchTest) id() string          { return b.ID }
func (r TestRun) id() string            { return r.ID }

// one sends a request whose answer has to have an ID.
func one[T identified](ctx context.Context, c *Client, what, method string, body any, parts ...string) (T, error) {
	var out T
	err := c.call(ctx, what, method, nil, body, &out, parts...)
	if err == nil && out.id() == "" {
		err = fmt.Errorf("retell: %s: %w", what, errNoID)
	}
	return out, err
}

var errNoID = errors.New("the answer has no ID")

// Ambiguous tells whether, after this error of a call that changes something,
// the platform may have done it: a time limit, a broken connection, a server
// error, an answer that can't be read. Sending it again could do it twice.
func Ambiguous(err error) bool {
	var e *Error
	return errors.Is(err, errNoID) || errors.As(err, &e) && e.Ambiguous()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
