package httpx

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/tlstest"
)

// Nothing that fails before the request is sent is in doubt. What does not pass by
// itself is tried once, and the error names the host and what can be done.
func TestWaysThatDoNotLeadThere(t *testing.T) {
	trusted := tlstest.NewAuthority(t)
	for _, w := range tlstest.Troubles(t, trusted) {
		for _, method := range []string{"GET", "POST"} {
			t.Run(w.Name+" "+method, func(t *testing.T) {
				c, err := New(Config{BaseURL: w.URL, HTTPClient: &http.Client{Transport: w.Through(t, newTransport(), trusted)}, Sleep: noWait})
				require.NoError(t, err)
				e := asError(t, c.Do(t.Context(), Request{Method: method, Path: "/x", Body: 1}, nil))
				at, err := url.Parse(w.URL)
				require.NoError(t, err)
				assert.Contains(t, e.Error(), at.Host)
				assert.Contains(t, e.Error(), w.Says)
				if w.Permanent {
					assert.Equal(t, 1, e.Attempts)
				} else if method == "GET" {
					assert.Equal(t, 3, e.Attempts)
				}
				if w.Name != "reset in the handshake" {
					assert.Equal(t, NotSent, e.Fate)
				}
			})
		}
	}
}
