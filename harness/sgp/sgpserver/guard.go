package sgpserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard lets a request through to next when it comes from where it may: it is
// for this host, no foreign web page sent it, it carries the key, and its body
// is JSON. Web pages open in a browser on the same machine can reach a loopback
// server; the Host check stops those whose name was rebound to 127.0.0.1, the
// Origin check all others, and the content type keeps plain forms out.
func (s *server) guard(next http.Handler) http.Handler {
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		switch {
		case !s.hostAllowed(r):
			refuse(w, http.StatusForbidden, "this server does not answer for that Host")
		case origins.Check(r) != nil || !originAllowed(r):
			refuse(w, http.StatusForbidden, "cross-origin request refused")
		case !s.keyGiven(r):
			refuse(w, http.StatusUnauthorized, "missing or wrong API key: send it as x-api-key")
		case !jsonBody(r):
			refuse(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostAllowed tells whether the Host header names this server: localhost, a
// loopback address, the address that the connection came in on, or one of
// Config.Hosts. Only a name can be rebound by DNS, so the port does not matter.
func (s *server) hostAllowed(r *http.Request) bool {
	host := hostname(r.Host)
	if host == "" {
		return false
	}
	for _, allowed := range s.Hosts {
		if strings.EqualFold(r.Host, allowed) || strings.EqualFold(host, strings.Trim(allowed, "[]")) {
			return true
		}
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return false
	}
	if ip.Unmap().IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap().WithZone("") == ip.Unmap()
}

// hostname is a Host header without its port; "" when it is malformed.
func hostname(host string) string {
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host {
		return ""
	}
	return u.Hostname()
}

// originAllowed refuses a write with the Origin of another host, also when
// Sec-Fetch-Site says that it is harmless: a browser never sends such a pair.
func originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || safe(r.Method) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// keyGiven compares the key in constant time; digests make the lengths equal.
func (s *server) keyGiven(r *http.Request) bool {
	if s.APIKey == "" {
		return true
	}
	want, got := sha256.Sum256([]byte(s.APIKey)), sha256.Sum256([]byte(r.Header.Get("x-api-key")))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// jsonBody tells whether a body, if there is one, is plain JSON by its headers.
func jsonBody(r *http.Request) bool {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return safe(r.Method) || r.ContentLength == 0
	}
	kind, params, err := mime.ParseMediaType(given)
	if err != nil || kind != "application/json" {
		return safe(r.Method)
	}
	charset := params["charset"]
	encoding := r.Header.Get("Content-Encoding")
	return (charset == "" || strings.EqualFold(charset, "utf-8")) && (encoding == "" || encoding == "identity")
}
