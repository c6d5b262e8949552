package sgpserver

import (
	"net/http"

	"github.com/evalrun/evalrun/harness/internal/localhttp"
)

// guard lets a request through to next when it comes from where it may: it is
// for this host, no foreign web page sent it, it carries the key, and its body
// is JSON.
func (s *server) guard(next http.Handler) http.Handler {
	return localhttp.Guard(s.Hosts, refuse, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.APIKey != "" && !localhttp.SameKey(s.APIKey, r.Header.Get("x-api-key")):
			refuse(w, http.StatusUnauthorized, "missing or wrong API key: send it as x-api-key")
		case !localhttp.JSONBody(r):
			refuse(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		default:
			next.ServeHTTP(w, r)
		}
	}))
}
