package target

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness/internal/httpx"
)

// newClient makes a client with room for that many connections to one server.
func newClient(concurrency int) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: once{httpx.Readable{RoundTripper: &http.Transport{
			Proxy:                 httpx.Proxy,
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			MaxIdleConnsPerHost:   concurrency,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
			OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, r *http.Response) error {
				if r.StatusCode != http.StatusOK {
					return &proxyError{proxy.Host, r.StatusCode}
				}
				return nil
			},
		}}},
		CheckRedirect: sameOrigin,
	}
}

// sameOrigin follows a redirect only to the same scheme, host and port, and only
// when the request stays what it is: headers may hold secrets, and a POST that
// becomes a GET asks nothing.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0]
	if req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host || req.Method != first.Method || len(via) > 4 {
		return http.ErrUseLastResponse
	}
	return nil
}

type proxyError struct {
	host   string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s refused the connection with status %d; HTTPS_PROXY names it", e.host, e.status)
}

// once sends each request once. When a connection that was kept open drops while
// the answer is waited for, net/http by itself sends again what it takes for
// harmless, unseen by whoever pays for it; not so a body that can be read only once.
type once struct{ httpx.Readable }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		r = r.WithContext(r.Context()) // a copy: the caller's stays as it is
		if r.GetBody = nil; r.Body == nil {
			r.Body = io.NopCloser(strings.NewReader(""))
		}
	}
	return o.Readable.RoundTrip(r)
}
