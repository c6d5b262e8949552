package sgp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/internal/pace"
)

// BaseURL is the platform's own address.
const BaseURL = "https://api.egp.scale.com"

// Config says where the platform is and who asks.
type Config struct {
	// BaseURL is where the API is; default the constant of that name. Plain http
	// is for loopback addresses only, unless AllowInsecure.
	BaseURL string
	// APIKey goes into the header x-api-key, to that address and no other. A
	// server on loopback may do without.
	APIKey string
	// AccountID goes into x-selected-account-id, and into the bodies that want
	// it. Optional for keys that belong to one account.
	AccountID string
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

// ConfigFromEnv reads SGP_API_KEY, SGP_ACCOUNT_ID and SGP_CLIENT_BASE_URL, which
// are the names that the platform's own clients use.
func ConfigFromEnv(getenv func(string) string) Config {
	return Config{
		APIKey:    getenv("SGP_API_KEY"),
		AccountID: getenv("SGP_ACCOUNT_ID"),
		BaseURL:   getenv("SGP_CLIENT_BASE_URL"),
	}
}

// Client calls the platform. It is safe for concurrent use. Errors of its calls
// say what was asked for, and wrap an [*Error] when the platform or the way to
// it is at fault.
type Client struct {
	http    *httpx.Client
	account string
}

// Error is a call that failed: its status, the server's message made safe to
// show, and, for a call that changes something, whether the server may have
// taken it (Ambiguous). Its text never holds the key.
type Error = httpx.Error

// New makes a client; nothing is sent.
func New(c Config) (*Client, error) {
	if c.BaseURL == "" {
		c.BaseURL = BaseURL
	}
	if scheme, _, _ := strings.Cut(strings.ToLower(c.BaseURL), "://"); scheme != "http" && scheme != "https" { // it may hold a password: it is not shown
		return nil, errors.New("sgp: the base URL (SGP_CLIENT_BASE_URL) needs http:// or https:// before the host")
	}
	if u, err := url.Parse(c.BaseURL); c.APIKey == "" && (err != nil || !httpx.Loopback(u.Hostname())) {
		return nil, errors.New("sgp: no API key: set SGP_API_KEY")
	}
	header := http.Header{"User-Agent": {"evalrun"}}
	if c.APIKey != "" {
		header.Set("x-api-key", c.APIKey)
	}
	if c.AccountID != "" {
		header.Set("x-selected-account-id", c.AccountID)
	}
	h, err := httpx.New(httpx.Config{
		BaseURL: c.BaseURL, Header: header, Secrets: append([]string{c.APIKey}, c.Secrets...), HTTPClient: c.HTTPClient,
		MaxRetries: c.MaxRetries, Timeout: c.Timeout, MaxBody: c.MaxBody, AllowInsecure: c.AllowInsecure, Hosts: c.Hosts, Sleep: c.Sleep,
	})
	if err != nil {
		return nil, fmt.Errorf("sgp: %w", err)
	}
	return &Client{http: h, account: c.AccountID}, nil
}

// Close closes idle connections. The client can still be used.
func (c *Client) Close() error {
	c.http.Close()
	return nil
}

// ListOptions choose a page of a list.
type ListOptions struct {
	// Page counts from 1; 0 means 1.
	Page int
	// Limit is the size of a page, 1 to 10000; 0 means the platform's 100.
	Limit           int
	IncludeArchived bool
	// Views ask for further fields, such as "DatasetVersion" for a dataset.
	Views []string
	// ApplicationSpecID filters evaluations.
	ApplicationSpecID string
}

func (o ListOptions) query() url.Values {
	q := url.Values{}
	if o.Page > 0 {
		q.Set("page", strconv.Itoa(o.Page))
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.IncludeArchived {
		q.Set("include_archived", "true")
	}
	if o.ApplicationSpecID != "" {
		q.Set("application_spec_id", o.ApplicationSpecID)
	}
	for _, v := range o.Views {
		q.Add("view", v)
	}
	return q
}

// call sends one request. what is the beginning of its errors; parts make the
// path after /v4, alternating fixed words and IDs.
func (c *Client) call(ctx context.Context, what, method string, query url.Values, body, into any, parts ...string) error {
	path, err := httpx.Path(parts...)
	if err != nil {
		return fmt.Errorf("sgp: %s: %w", what, err)
	}
	err = c.http.Do(ctx, httpx.Request{Method: method, Path: "/v4" + path, Query: query, Body: body}, into)
	if err != nil {
		return fmt.Errorf("sgp: %s: %w%s", what, err, hint(err))
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
	case http.StatusUnauthorized:
		return " (is SGP_API_KEY right for this address?)"
	case http.StatusPaymentRequired:
		return " (the account has to be paid for; are SGP_API_KEY and SGP_ACCOUNT_ID of the right one?)"
	case http.StatusForbidden:
		return " (the key may not do this; is SGP_ACCOUNT_ID right?)"
	case http.StatusNotFound:
		return " (is the ID right, and of this account?)"
	}
	return ""
}

// get reads one thing that has to have an ID.
func get[T identified](ctx context.Context, c *Client, what string, query url.Values, parts ...string) (T, error) {
	var out T
	err := c.call(ctx, what, http.MethodGet, query, nil, &out, parts...)
	return out, withID(what, out, err)
}

// post creates one thing that has to come back with an ID.
func post[T identified](ctx context.Context, c *Client, what string, body any, parts ...string) (T, error) {
	var out T
	err := c.call(ctx, what, http.MethodPost, nil, body, &out, parts...)
	return out, withID(what, out, err)
}

// identified is what the platform gives with an ID. Without one an answer is
// not what was asked for, whatever its status.
type identified interface{ id() string }

func withID(what string, out identified, err error) error {
	if err == nil && out.id() == "" {
		return fmt.Errorf("sgp: %s: %w", what, errNoID)
	}
	return err
}

var errNoID = errors.New("the answer has no id")

func (t TestCase) id() string                 { return t.ID }
func (r TestCaseResult) id() string           { return r.ID }
func (d EvaluationDataset) id() string        { return d.ID }
func (v EvaluationDatasetVersion) id() string { return v.ID }
func (s ApplicationSpec) id() string          { return s.ID }
func (e Evaluation) id() string               { return e.ID }
