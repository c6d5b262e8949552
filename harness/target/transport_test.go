package target_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// dropping answers the first request and reads all others without an answer: the
// connection is cut. On a connection that is used again net/http may take that for
// one that had ended before, and send the request again by itself.
func dropping(requests *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"output": "x"}`)
	}
}

// No call of an app is paid twice because a connection dropped.
func TestNoRequestIsSentTwiceUnseen(t *testing.T) {
	if !trusting(t) {
		return
	}
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"} {
			t.Run(protocol+" "+method, func(t *testing.T) {
				var requests atomic.Int64
				var spoken atomic.Value
				handler := dropping(&requests)
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					spoken.Store(r.Proto)
					handler(w, r)
				}))
				if s.EnableHTTP2 = protocol == "HTTP/2.0"; s.EnableHTTP2 {
					s.StartTLS()
				} else {
					s.Start()
				}
				defer s.Close()
				app := build(t, "http", fmt.Sprintf("{url: %q, method: %s, reply: text}", s.URL, method))
				_, err := ask(t, app, "hi")
				require.NoError(t, err)
				for n := range int64(5) {
					_, err = ask(t, app, "hi")
					var e *harness.Error
					require.ErrorAs(t, err, &e)
					assert.False(t, e.Permanent)
					assert.Equal(t, n+2, requests.Load(), "one request for each call")
				}
				assert.Equal(t, protocol, spoken.Load())
			})
		}
	}
}

// The measure of the test above: a plain client does send a GET twice.
func TestAPlainClientSendsTwice(t *testing.T) {
	var requests atomic.Int64
	url := serve(t, dropping(&requests))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 2 {
		resp, err := client.Get(url)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	assert.EqualValues(t, 3, requests.Load())
}

func TestNoIdempotencyKey(t *testing.T) {
	for _, name := range []string{"Idempotency-Key", "idempotency-key", "X-Idempotency-Key"} {
		for _, kind := range []string{"http", "openai"} {
			_, err := newApp(t, kind, fmt.Sprintf("{%s: 'http://127.0.0.1', headers: {%s: a}}", map[string]string{"http": "url", "openai": "model: m, base_url"}[kind], name))
			require.ErrorContains(t, err, "is not allowed: it would be the same for every case", name)
		}
	}
}

// trusting tells that this process trusts the certificate of httptest's servers. It
// runs the test in such a process when this is none.
func trusting(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv+"_TRUST") != "" {
		return true
	}
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	out, err := reexec(t.Name(), childEnv+"_TRUST=1", "SSL_CERT_FILE="+file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return false
}
