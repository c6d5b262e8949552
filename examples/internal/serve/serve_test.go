package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shout(_ context.Context, question string) serve.Reply {
	return serve.Reply{Output: strings.ToUpper(question) + " <&>"}
}

func TestLines(t *testing.T) {
	in := `{"id": "a", "input": "hi", "metadata": {"k": 1}}` + "\n" + `broken` + "\n" + `{"id": 2, "input": "no newline at the end"}`
	var out bytes.Buffer
	require.NoError(t, serve.Lines(t.Context(), strings.NewReader(in), &out, shout))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	assert.JSONEq(t, `{"id": "a", "output": "HI <&>"}`, lines[0])
	assert.Contains(t, lines[1], `"error":"the request is not understood`)
	assert.JSONEq(t, `{"id": 2, "output": "NO NEWLINE AT THE END <&>"}`, lines[2])
}

func TestLinesTellsWhatFails(t *testing.T) {
	broken := errors.New("broken pipe")
	r, w := io.Pipe()
	require.NoError(t, w.CloseWithError(broken))
	assert.ErrorIs(t, serve.Lines(t.Context(), r, io.Discard, shout), broken)
	assert.ErrorIs(t, serve.Lines(t.Context(), strings.NewReader("{}\n"), w, shout), io.ErrClosedPipe)
}

func TestHandler(t *testing.T) {
	h := serve.Handler(shout)
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	w := ask("POST", "/answer", `{"question": "hi"}`)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"answer": "HI <&>", "chunks": null}`, w.Body.String())
	assert.Equal(t, http.StatusBadRequest, ask("POST", "/answer", `nonsense`).Code)
	assert.Equal(t, http.StatusMethodNotAllowed, ask("GET", "/answer", ``).Code)
	assert.Equal(t, http.StatusOK, ask("GET", "/health", ``).Code)
}

func TestListenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- serve.Listen(ctx, "127.0.0.1:0", serve.Handler(shout), w) }()
	line := make([]byte, 200)
	n, err := r.Read(line)
	require.NoError(t, err)
	_, url, found := strings.Cut(strings.TrimSpace(string(line[:n])), "listening on ")
	require.True(t, found)
	reply, err := http.Get(url + "/health")
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	cancel()
	assert.NoError(t, <-done)
	assert.Error(t, serve.Listen(t.Context(), "256.0.0.1:0", nil, io.Discard))
}
