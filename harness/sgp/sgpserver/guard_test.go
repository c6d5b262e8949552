package sgpserver_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
)

// headers is what a request may bring; "" leaves a header out.
type headers struct{ host, origin, site, contentType, key string }

// status sends a dataset, or lists them, through the handler itself: a client
// would not send all of these headers.
func (a *api) status(handler http.Handler, method string, h headers) int {
	a.t.Helper()
	body := `{"name": "d", "schema_type": "GENERATION", "account_id": "a"}`
	if method == "GET" {
		body = ""
	}
	req := httptest.NewRequest(method, "/v4/evaluation-datasets", strings.NewReader(body))
	req.Host = h.host
	for name, value := range map[string]string{
		"Origin": h.origin, "Sec-Fetch-Site": h.site, "Content-Type": h.contentType, "x-api-key": h.key,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	assert.Equal(a.t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(a.t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	for name := range w.Header() {
		assert.NotContains(a.t, name, "Access-Control", "no answer opens the server to other origins")
	}
	if w.Code != http.StatusOK {
		assert.NotEmpty(a.t, readObject(a.t, w.Body)["detail"])
	}
	return w.Code
}

// Every combination of host, origin, fetch metadata and content type.
func TestWhoMaySpeakToTheServer(t *testing.T) {
	a := start(t, sgpserver.Config{})
	handler := sgpserver.New(sgpserver.Config{Store: a.store, Hosts: []string{"evals.internal", "ci.internal:8400"}})
	hosts := map[string]bool{
		"localhost": true, "localhost:8400": true, "LocalHost:1": true, "127.0.0.1": true, "127.0.0.1:8400": true,
		"127.9.9.9:80": true, "[::1]": true, "[::1]:8400": true, "[::ffff:127.0.0.1]:8400": true,
		"evals.internal": true, "evals.internal:99": true, "Evals.Internal": true, "ci.internal:8400": true,
		"ci.internal": false, "ci.internal:80": false, "": false, "evil.com": false, "localhost.evil.com": false,
		"localhost.evil.com:8400": false, "127.0.0.1.evil.com": false, "evil.com#localhost": false, "evil@localhost": false,
		"localhost@evil.com": false, "localhost:8400@evil.com": false, "localhost.": false, "0.0.0.0": false,
		"10.0.0.1": false, "[::]": false, "[fe80::1]": false, "169.254.169.254": false, "2130706433": false, "127.1": false,
		"evals.internal.evil.com": false, "notevals.internal": false, "localhost/": false, "localhost:x": false,
	}
	contentTypes := map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "Application/JSON": true,
		"": false, "text/plain": false, "application/x-www-form-urlencoded": false, "multipart/form-data; boundary=x": false,
		"application/json; charset=latin1": false, "application/jsonp": false, "text/json": false, "application/json;;": false,
	}
	count := 0
	for host, hostOK := range hosts {
		origins := map[string]bool{
			"": true, "http://" + host: host != "", "https://" + host: host != "",
			"null": false, "http://evil.com": false, "http://localhost.evil.com": false, "http://" + host + ".evil.com": false,
		}
		for origin, originOK := range origins {
			for site, siteOK := range map[string]bool{"": true, "same-origin": true, "none": true, "same-site": false, "cross-site": false} {
				for contentType, typeOK := range contentTypes {
					h := headers{host, origin, site, contentType, ""}
					want := http.StatusOK
					switch {
					case !hostOK, !originOK, !siteOK:
						want = http.StatusForbidden
					case !typeOK:
						want = http.StatusUnsupportedMediaType
					}
					assert.Equal(t, want, a.status(handler, "POST", h), "POST %+v", h)
					count++
				}
				want := http.StatusOK
				if !hostOK {
					want = http.StatusForbidden
				}
				h := headers{host: host, origin: origin, site: site}
				assert.Equal(t, want, a.status(handler, "GET", h), "GET %+v", h)
			}
		}
	}
	assert.Greater(t, count, 5000)
}

// The address that a connection came in on is a host, too: nobody can rebind it.
func TestListenersOwnAddressIsAHost(t *testing.T) {
	a := start(t, sgpserver.Config{})
	handler := sgpserver.New(sgpserver.Config{Store: a.store})
	for host, want := range map[string]int{
		"192.168.7.7:8400": http.StatusOK, "192.168.7.7": http.StatusOK, "192.168.7.8": http.StatusForbidden, "evil.com": http.StatusForbidden,
	} {
		req := httptest.NewRequest("GET", "/v4/evaluation-datasets", nil)
		req.Host = host
		local := &net.TCPAddr{IP: net.IPv4(192, 168, 7, 7), Port: 8400}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, local)))
		assert.Equal(t, want, w.Code, host)
	}
}

func TestAPIKey(t *testing.T) {
	a := start(t, sgpserver.Config{})
	handler := sgpserver.New(sgpserver.Config{Store: a.store, APIKey: "s3cret"})
	for key, want := range map[string]int{
		"s3cret": http.StatusOK, "": http.StatusUnauthorized, "s3cre": http.StatusUnauthorized,
		"s3cret ": http.StatusUnauthorized, "S3CRET": http.StatusUnauthorized, "s3crets": http.StatusUnauthorized,
	} {
		for _, method := range []string{"GET", "POST"} {
			assert.Equal(t, want, a.status(handler, method, headers{host: "localhost", contentType: "application/json", key: key}), "%s %q", method, key)
		}
	}
	// A stranger learns nothing else: not even what exists.
	req := httptest.NewRequest("GET", "http://localhost/v4/nothing", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.NotContains(t, w.Body.String(), "s3cret")
}

func TestBodiesWithoutJSON(t *testing.T) {
	a := start(t, sgpserver.Config{})
	d := a.dataset("GENERATION")
	for name, c := range map[string]struct {
		contentType, encoding, body string
		want                        int
	}{
		"no body and no type":   {"", "", "", http.StatusOK},
		"no body, form type":    {"application/x-www-form-urlencoded", "", "", http.StatusUnsupportedMediaType},
		"no body, JSON type":    {"application/json", "", "", http.StatusOK},
		"a body without type":   {"", "", "x=y", http.StatusUnsupportedMediaType},
		"a compressed body":     {"application/json", "gzip", "\x1f\x8b", http.StatusUnsupportedMediaType},
		"identity is no change": {"application/json", "identity", "{}", http.StatusOK},
	} {
		req, err := http.NewRequest("POST", fmt.Sprintf("%s/v4/evaluation-datasets/%s/evaluation-dataset-versions", a.url, d), strings.NewReader(c.body))
		require.NoError(t, err)
		if c.contentType != "" {
			req.Header.Set("Content-Type", c.contentType)
		}
		if c.encoding != "" {
			req.Header.Set("Content-Encoding", c.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, c.want, resp.StatusCode, name)
	}
}
