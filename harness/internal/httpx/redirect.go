package httpx

import (
	"fmt"
	"net/http"
	"net/url"
)

// Readable is a transport whose redirects can be read: a Location that is no URL is
// dropped. An http.Client would make an error of it that tells neither the status
// nor that the server has answered.
type Readable struct{ http.RoundTripper }

// RoundTrip sends one request.
func (t Readable) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode/100 == 3 {
		if _, bad := url.Parse(resp.Header.Get("Location")); bad != nil {
			resp.Header.Del("Location")
		}
	}
	return resp, err
}

// CloseIdleConnections does so where the transport has any.
func (t Readable) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// redirect says where a redirect wanted to go; without its query, which may
// hold anything.
func (c *Client) redirect(resp *http.Response) string {
	to := "elsewhere"
	if u, err := url.Parse(c.secrets.Text(resp.Header.Get("Location"))); err == nil && u.Host != "" {
		to = u.Scheme + "://" + u.Host
	}
	return fmt.Sprintf("redirected to %s, which is not followed: the key is for %s alone", to, resp.Request.URL.Host)
}
