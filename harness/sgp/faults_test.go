package sgp_test

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// fault is what happens to one request.
type fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error)

func connectionReset() error {
	return &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
}

// status answers in place of the platform.
func status(code int, body string) fault {
	return func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
		return respond(r, code, body), nil
	}
}

// fails gives no answer.
func fails(err error) fault {
	return func(*http.Request, func() *http.Response) (*http.Response, error) { return nil, err }
}

// after has the platform take the request before the fault.
func after(f fault) fault {
	return func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		_ = serve().Body.Close()
		return f(r, serve)
	}
}

// once lets a fault happen to the n-th POST, and to no other.
func once(n int, f fault) func(*http.Request, []byte, func() *http.Response) (*http.Response, error) {
	return during(n, n, f)
}

// during lets a fault happen to the POSTs from one number to another.
func during(from, to int, f fault) func(*http.Request, []byte, func() *http.Response) (*http.Response, error) {
	var posts atomic.Int64
	return func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
		if r.Method == "POST" {
			if n := int(posts.Add(1)); from <= n && n <= to {
				return f(r, serve)
			}
		}
		return serve(), nil
	}
}

// clean makes sure that n results are posted, each once, and that an audit said so.
func clean(t *testing.T, p *platform, o *outbox, n int) {
	t.Helper()
	assert.Equal(t, map[harness.PostState]int{harness.PostPosted: n}, o.counts())
	assert.Len(t, p.results, n)
	audit(t, p, o)
	require.NotEmpty(t, o.audits)
	last := o.audits[len(o.audits)-1]
	assert.True(t, last.Clean(), "%+v", last)
	assert.Equal(t, int64(n), last.Found)
}
