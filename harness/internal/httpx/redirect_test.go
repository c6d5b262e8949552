package httpx

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No request goes to another origin, and none at all after a redirect: the one
// that was sent is all there is, and its error names the status and a host.
func TestRedirectMatrix(t *testing.T) {
	cells := 0
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH"} {
			for location, says := range map[string]string{
				"https://evil.example/path?k=" + secret:     "https://evil.example",
				"https://api.example.com:8443/path":         "https://api.example.com:8443",
				"http://api.example.com/path":               "http://api.example.com",
				"https://sub.api.example.com/path":          "https://sub.api.example.com",
				"https://api.example.com@evil.example/path": "https://evil.example",
				"https://api.example.com/path":              "https://api.example.com",
				"//evil.example/path":                       "evil.example",
				"/base/path":                                "elsewhere",
				"path":                                      "elsewhere",
				"https://[::1/path":                         "elsewhere",
				"\x1b]0;x\x07https://api.example.com/path":  "elsewhere",
				"": "elsewhere",
				"https://" + secret + ".evil.example/path": "redirected to ",
			} {
				cells++
				name := fmt.Sprintf("%d %s %q", status, method, location)
				var requests []*http.Request
				c := stub(t, Config{Sleep: noWait}, func(r *http.Request) (*http.Response, error) {
					requests = append(requests, r)
					return reply(r, status, "text/html", "<html>moved", "Location", location), nil
				})
				e := asError(t, c.Do(t.Context(), Request{Method: method, Path: "/x"}, nil))
				require.Len(t, requests, 1, name)
				assert.Equal(t, "https://api.example.com/base/x", requests[0].URL.String())
				assert.Equal(t, status, e.Status, name)
				assert.Equal(t, 1, e.Attempts, name)
				assert.Contains(t, e.Error(), fmt.Sprint(status), name)
				assert.Contains(t, e.Error(), says, name)
				assert.Contains(t, e.Error(), "the key is for api.example.com alone", name)
				assert.NotContains(t, e.Error(), "path", name)
				assert.NotContains(t, e.Error(), "sk-very", name)
				assert.NotContains(t, e.Error(), "\x1b", name)
			}
		}
	}
	t.Logf("%d cells, %d requests, 0 after a redirect", cells, cells)
}

// Plain http is for this computer: by a name or an address that no resolver and
// no proxy can give another meaning.
func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.0.0.9": true, "127.255.255.254": true, "::1": true,
		"::ffff:127.0.0.1": true, "::ffff:7f00:1": true, "0:0:0:0:0:0:0:1": true,
		"": false, "127.1": false, "127": false, "2130706433": false, "0x7f000001": false, "0x7f.0.0.1": false, "0177.0.0.1": false,
		"017700000001": false, "127.000.000.001": false, "0.0.0.0": false, "0": false, "::": false, "::ffff:0.0.0.0": false, "::2": false,
		"localhost.": false, "localhost.evil.com": false, "evil.localhost": false, "127.0.0.1.evil.com": false, "127.0.0.1.nip.io": false,
		"localtest.me": false, "1.0.0.127": false, "128.0.0.1": false, "169.254.169.254": false, "10.0.0.1": false, "::ffff:10.0.0.1": false,
		"::1%lo": false, "fe80::1": false, "ⓛocalhost": false, "１２７.0.0.1": false, "127。0。0。1": false, "localhost\x00": false, " localhost": false,
	} {
		assert.Equal(t, want, Loopback(host), "%q", host)
	}
	for base, want := range map[string]bool{
		"http://localhost:1": true, "http://[::1]:1": true, "http://[::ffff:127.0.0.1]": true, "HTTP://LOCALHOST": true,
		"http://localhost@evil.com": false, "http://127.0.0.1@evil.com": false, "http://evil.com#127.0.0.1": false, "http://evil.com?127.0.0.1": false,
		`http://evil.com\@127.0.0.1`: false, "http://127.0.0.1:80@evil.com": false, "http://[::1].evil.com": false, "http://127.1": false,
		"http://%31%32%37.0.0.1.evil.com": false, "//localhost": false, "http:localhost": false, "http:///": false,
	} {
		_, err := New(Config{BaseURL: base})
		assert.Equal(t, want, err == nil, "%q: %v", base, err)
	}
}

// What goes to this computer goes there without a proxy, which would read it.
func TestNoProxyForThisComputer(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128") // read once: the first to ask
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	for address, want := range map[string]bool{
		"http://localhost/": false, "http://LOCALHOST:8400/": false, "http://127.0.0.9/": false, "http://[::1]:1/": false,
		"http://[::ffff:127.0.0.1]/": false, "https://LocalHost/": false, "http://api.example.com/": true, "https://api.example.com/": true,
	} {
		r, err := http.NewRequest("GET", address, nil)
		require.NoError(t, err)
		proxy, err := Proxy(r)
		require.NoError(t, err)
		assert.Equal(t, want, proxy != nil, address)
	}
}
