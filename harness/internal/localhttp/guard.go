// Package localhttp is what the servers that stand in for platforms share: who
// may speak to a server on loopback, and how it is run until it is stopped.
//
// Web pages open in a browser on the same machine can reach a loopback server. The
// check of the Host stops those whose name was rebound to 127.0.0.1, the check of
// the Origin all others, and the content type keeps plain forms out.
package localhttp

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

// Guard lets a request through to next when it is for this host and no foreign
// web page sent it; others get refuse, with a status and the reason. Hosts are
// further values of the Host header to answer to, with a port or for any port.
func Guard(hosts []string, refuse func(w http.ResponseWriter, status int, reason string), next http.Handler) http.Handler {
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		switch {
		case !hostAllowed(r, hosts):
			refuse(w, http.StatusForbidden, "this server does not answer for that Host")
		case origins.Check(r) != nil || !originAllowed(r):
			refuse(w, http.StatusForbidden, "cross-origin request refused")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostAllowed tells whether the Host header names this server: localhost, a
// loopback address, the address that the connection came in on, or one of
// hosts. Only a name can be rebound by DNS, so the port does not matter.
func hostAllowed(r *http.Request, hosts []string) bool {
	host := hostname(r.Host)
	if host == "" {
		return false
	}
	for _, allowed := range hosts {
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

// SameKey compares two keys in constant time; digests make the lengths equal.
func SameKey(want, got string) bool {
	w, g := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(w[:], g[:]) == 1
}

// JSONBody tells whether a body, if there is one, is plain JSON by its headers.
func JSONBody(r *http.Request) bool {
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
