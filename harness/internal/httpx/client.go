// Package httpx is what the clients of platforms share: JSON over HTTP to one
// origin, with retries where they are safe and errors that say what happened.
//
// Reads are retried. A request that changes something is sent again only when
// the server certainly did not take it: no connection came about, or it answered
// 429. Whatever else goes wrong with one is the caller's to judge, by
// [Error.Ambiguous].
//
// Credentials go to the configured origin alone: redirects are not followed, and
// plain http is refused but for loopback addresses.
package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/internal/redact"
)

// Config configures a Client.
type Config struct {
	// BaseURL is the origin, with a path in front of all paths if need be.
	BaseURL string
	// Header goes with every request: credentials, for instance. A header named
	// Idempotency-Key is refused: it makes net/http resend a request by itself.
	Header http.Header
	// Secrets are taken out of whatever the server sends, and of messages.
	Secrets []string
	// HTTPClient carries the requests; its redirect policy and time limit are
	// not used. nil: one with a transport of its own.
	HTTPClient *http.Client
	// MaxRetries is how many times a request is sent again. 0 means 2, less than
	// 0 never.
	MaxRetries int
	// Timeout is for one attempt, until the last byte of the answer. Default 60s.
	Timeout time.Duration
	// MaxBody is the most bytes of an answer, after decompression. Default 64 MiB.
	MaxBody int64
	// AllowInsecure permits plain http to other hosts than loopback.
	AllowInsecure bool
	// Hosts, when set, has the pace of the origin, which is shared with everybody
	// else who calls it. What the origin refuses (429, 503, 529) then waits there
	// for its turn, and is no retry.
	Hosts *pace.Hosts
	// Sleep waits between attempts; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Client sends requests to one origin. It is safe for concurrent use.
type Client struct {
	base    string
	header  http.Header
	secrets *redact.Redactor
	http    *http.Client
	own     bool // the transport is ours to close
	retries int
	timeout time.Duration
	maxBody int64
	pace    *pace.Host // nil: none
	sleep   func(ctx context.Context, d time.Duration) error
	ahead   atomic.Int64 // nanoseconds by which the server's clock is ahead of ours
}

// Now is the server's time, to a few seconds, as its last answer had it in the
// header Date; ours before there was one.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// New checks the configuration; nothing is sent.
func New(c Config) (*Client, error) {
	base, err := checkBase(c.BaseURL, c.AllowInsecure)
	if err != nil {
		return nil, err
	}
	for name, values := range c.Header {
		if canonical := http.CanonicalHeaderKey(name); canonical == "Idempotency-Key" || canonical == "X-Idempotency-Key" {
			return nil, fmt.Errorf("header %s is not allowed: it makes a request be sent twice", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return nil, fmt.Errorf("the value of header %s has a control character in it", name)
			}
		}
	}
	hc := &http.Client{}
	own := c.HTTPClient == nil
	if own {
		hc.Transport = newTransport()
	} else {
		*hc = *c.HTTPClient
		hc.Timeout = 0
	}
	if hc.Transport == nil {
		hc.Transport = http.DefaultTransport
	}
	hc.Transport = Readable{hc.Transport}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &Client{
		base: strings.TrimRight(base.String(), "/"), header: c.Header.Clone(), http: hc, own: own,
		retries: c.MaxRetries, timeout: c.Timeout, maxBody: c.MaxBody, sleep: c.Sleep, secrets: redact.New(c.Secrets...),
	}
	if c.Hosts != nil {
		client.pace = c.Hosts.Host(base.Host)
	}
	switch {
	case client.retries == 0:
		client.retries = 2
	case client.retries < 0:
		client.retries = 0
	}
	if client.timeout <= 0 {
		client.timeout = time.Minute
	}
	if client.maxBody <= 0 {
		client.maxBody = 64 << 20
	}
	if client.sleep == nil {
		client.sleep = sleep
	}
	return client, nil
}

// Close closes the connections that are kept open between requests.
func (c *Client) Close() {
	if c.own {
		c.http.CloseIdleConnections()
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  Proxy,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		OnProxyConnectResponse: proxyAnswer,
	}
}

// checkBase parses a base URL and refuses one that would give a key away.
func checkBase(base string, allowInsecure bool) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil { // its text may hold a password
		return nil, errors.New("base URL: not a URL")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("base URL: a user name or password in it is not allowed")
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("base URL %q: want https://HOST", base)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("base URL %s://%s: a query or fragment is not allowed", u.Scheme, u.Host)
	case u.Scheme == "http" && !allowInsecure && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("base URL %s://%s: plain http would show the key to the network; use https", u.Scheme, u.Host)
	}
	return u, nil
}

// Loopback tells whether a host is this computer: localhost or a loopback
// address. Other names, those below localhost included, may resolve to anywhere.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// Proxy is the one that the environment names for a request. This computer is
// reached without one, however its name is spelled: what goes there may be plain.
func Proxy(r *http.Request) (*url.URL, error) {
	if Loopback(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// Request is one call.
type Request struct {
	Method string
	// Path follows the base URL; its parts are escaped already (url.PathEscape).
	Path  string
	Query url.Values
	// Body is sent as JSON; nil: no body. Bytes that are JSON already can be
	// given as json.RawMessage.
	Body any
}

// Do sends a request and decodes the answer's JSON into the value that into
// points at. Every error of it is an *Error.
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	call := &call{Client: c, request: r, into: into, read: r.Method == http.MethodGet || r.Method == http.MethodHead}
	if err := call.encode(); err != nil {
		return &Error{Method: r.Method, Path: r.Path, Err: err, Fate: NotSent}
	}
	last := &Error{Method: r.Method, Path: r.Path, Fate: NotSent}
	for tries := 1; ; tries++ {
		done, err := c.turn(ctx)
		if err != nil {
			last.Err = errors.Join(last.Err, err)
			return last
		}
		call.attempts++
		trouble := call.try(ctx)
		done(trouble)
		if trouble == nil {
			return nil
		}
		last = trouble
		last.Attempts = call.attempts
		switch {
		case ctx.Err() != nil || !call.retry(last):
			return last
		case c.pace != nil && pace.IsRefusal(last.Status): // its turn comes again
			tries--
			continue
		case tries > c.retries:
			return last
		}
		if err := c.sleep(ctx, pause(tries-1, last.wait)); err != nil {
			last.Err = errors.Join(last.Err, err)
			return last
		}
	}
}

// turn waits until the origin's pace allows a call, which has to be told what it
// came to.
func (c *Client) turn(ctx context.Context) (done func(*Error), err error) {
	if c.pace == nil {
		return func(*Error) {}, nil
	}
	turn, err := c.pace.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return func(e *Error) {
		switch {
		case e == nil:
			turn.Done(pace.Result{Outcome: pace.Taken})
		case pace.IsRefusal(e.Status):
			turn.Done(pace.Result{Outcome: pace.Refused, Status: e.Status, RetryAfter: e.wait})
		default:
			turn.Done(pace.Result{})
		}
	}, nil
}

// call is one request on its way through its attempts.
type call struct {
	*Client
	request  Request
	into     any
	body     []byte
	read     bool
	attempts int
}

func (c *call) encode() error {
	switch body := c.request.Body.(type) {
	case nil:
		return nil
	case json.RawMessage:
		c.body = body
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c.request.Body); err != nil {
		return fmt.Errorf("encode the body: %w", err)
	}
	c.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return nil
}

// try makes one attempt.
func (c *call) try(ctx context.Context) *Error {
	failed := func(fate Fate, err error) *Error {
		return &Error{Method: c.request.Method, Path: c.request.Path, Fate: fate, Err: c.redact(err)}
	}
	if err := ctx.Err(); err != nil {
		return failed(NotSent, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	target := c.base + c.request.Path
	if len(c.request.Query) > 0 {
		target += "?" + c.request.Query.Encode()
	}
	var body io.Reader
	if c.body != nil {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.request.Method, target, body)
	if err != nil {
		return failed(NotSent, errors.New("not a valid request path"))
	}
	for name, values := range c.header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	switch {
	case err == nil:
	case sent.Load(): // whatever the error is about, the server may have read it all
		return failed(Ambiguous, causeOf(ctx, err))
	default:
		return failed(fateOf(err), causeOf(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }()
	return c.answer(ctx, resp)
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
