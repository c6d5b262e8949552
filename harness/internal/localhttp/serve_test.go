package localhttp

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestServe: it answers at the port that it found, until its context ends.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answered := false
	err := Serve(ctx, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here")
	}), false, func(addr string) {
		defer stop()
		resp, err := client.Get("http://" + addr)
		if !assert.NoError(t, err) {
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		answered = assert.NoError(t, err) && assert.Equal(t, "here", string(body))
	})
	require.NoError(t, err)
	assert.True(t, answered)
}

func TestServeWantsAKeyWhereOthersReachIt(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, Serve(ctx, "0.0.0.0:0", http.NotFoundHandler(), false, nil), ErrNeedsKey)
	require.Error(t, Serve(ctx, "nonsense", http.NotFoundHandler(), true, nil))
}
