package process_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// freeAddr is an address that nobody listens at.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestServerIsReadyAndCloses(t *testing.T) {
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := process.Start(ctx, self("serve", addr), "http://"+addr+"/health", time.Minute)
	require.NoError(t, err)
	cancel() // is about the start alone
	require.NoError(t, s.Err())
	resp, err := http.Get("http://" + addr + "/health")
	require.NoError(t, err)
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, 200, resp.StatusCode)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.NoError(t, s.Err(), "it was ended by us")
	_, err = http.Get("http://" + addr + "/health")
	require.Error(t, err)
	noChildren(t)
}

func TestServerErrSaysHowItEnded(t *testing.T) {
	addr := freeAddr(t)
	s, err := process.Start(t.Context(), self("serve", addr), "http://"+addr+"/health", time.Minute)
	require.NoError(t, err)
	defer s.Close()
	_, err = http.Get("http://" + addr + "/exit")
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.Err() != nil }, 10*time.Second, time.Millisecond)
	assert.ErrorContains(t, s.Err(), "ended: exit status 5: fatal: told to\nstandard error: listening on "+addr)
}

func TestServerThatDoesNotStart(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	nobody := "http://" + freeAddr(t) + "/"
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		command process.Command
		url     string
		wait    time.Duration
		want    string
	}{
		{"not there", t.Context(), process.Command{Argv: []string{"no-such-program"}}, nobody, time.Minute, "executable file not found"},
		{"ends", t.Context(), self("fail"), nobody, time.Minute, "ended before it was ready: exit status 7: boom: no model\nstandard error: half an answerfirst line"},
		{"ends well", t.Context(), self("deaf"), nobody, time.Minute, "ended before it was ready: exit status 0: deaf"},
		{"never ready", t.Context(), self("hang"), nobody, 300 * time.Millisecond, "did not answer with status 2xx within 300ms; last: "},
		{"taken", t.Context(), self("hang"), taken.URL, time.Minute, "something answers at " + taken.URL + " already (status 404)"},
		{"canceled", canceled, self("hang"), nobody, time.Minute, "context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := process.Start(tt.ctx, tt.command, tt.url, tt.wait)
			require.ErrorContains(t, err, tt.want)
			noChildren(t)
		})
	}
}

func TestServerWithoutReadyURL(t *testing.T) {
	s, err := process.Start(t.Context(), self("hang"), "", 0)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// The probe stays where it was told to look: what a redirect points to is neither
// asked nor an answer.
func TestReadyProbeFollowsNoRedirect(t *testing.T) {
	asked := make(chan string, 100)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.String() }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{elsewhere.URL, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), "https://evil.example/", "/ready", ""} {
			probed := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				probed++
				w.Header()["Location"] = []string{to}
				w.WriteHeader(status)
			}))
			_, err := process.Start(t.Context(), self("hang"), strings.Replace(s.URL, "http://", "http://me:secret@", 1), time.Minute)
			require.ErrorContains(t, err, fmt.Sprintf("(status %d)", status), to)
			assert.NotContains(t, err.Error(), "secret")
			assert.Equal(t, 1, probed, to)
			s.Close()
		}
	}
	assert.Empty(t, asked)
	noChildren(t)
}
