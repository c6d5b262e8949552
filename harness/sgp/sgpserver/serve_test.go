package sgpserver_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// serve runs Serve until the test ends, and gives its address and its end.
func serve(t *testing.T, ctx context.Context, addr string, c sgpserver.Config) (string, <-chan error) {
	t.Helper()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- sgpserver.Serve(ctx, addr, c, func(addr string) { ready <- addr }) }()
	select {
	case addr := <-ready:
		return addr, ended
	case err := <-ended:
		require.NoError(t, err, "ended before it was ready")
		t.FailNow()
	}
	return "", nil
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr, ended := serve(t, ctx, "localhost:0", sgpserver.Config{Store: openStore(t)})
	resp, err := http.Get("http://" + addr + "/v4/evaluations")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)
	_, err = net.Dial("tcp", addr)
	assert.Error(t, err, "nobody listens any more")
}

// A request that is under way when the server is told to end is answered.
func TestServeFinishesRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	db := openStore(t)
	addr, ended := serve(t, ctx, "127.0.0.1:0", sgpserver.Config{Store: db})
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	const body = `{"name": "late", "schema_type": "GENERATION", "account_id": "a"}`
	head := "POST /v4/evaluation-datasets HTTP/1.1\r\nHost: " + addr + "\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " + "64" + "\r\n\r\n"
	require.Len(t, body, 64)
	_, err = conn.Write([]byte(head))
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n') // the handler is reading the body by now
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	_, err = in.ReadString('\n')
	require.NoError(t, err)
	cancel()
	_, err = conn.Write([]byte(body))
	require.NoError(t, err)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, <-ended)
}

func TestServeRefusesAddresses(t *testing.T) {
	db := openStore(t)
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "10.1.2.3:0", "169.254.1.1:0"} {
		err := sgpserver.Serve(t.Context(), addr, sgpserver.Config{Store: db}, func(string) { t.Errorf("%s: is served", addr) })
		assert.ErrorIs(t, err, sgpserver.ErrNeedsKey, addr)
		assert.EqualError(t, err, "serve on "+addr+": others can reach that address, and no API key is set: set one (Config.APIKey), or listen on loopback")
	}
	for _, addr := range []string{"nonsense", "127.0.0.1:99999", "127.0.0.1"} {
		assert.Error(t, sgpserver.Serve(t.Context(), addr, sgpserver.Config{Store: db}, nil), addr)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	err = sgpserver.Serve(t.Context(), taken.Addr().String(), sgpserver.Config{Store: db}, nil)
	assert.ErrorContains(t, err, "address already in use")
}

func TestServeToOthersWithAKey(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr, ended := serve(t, ctx, "0.0.0.0:0", sgpserver.Config{Store: openStore(t), APIKey: "k"})
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	url := "http://127.0.0.1:" + port + "/v4/evaluations"
	for key, want := range map[string]int{"": http.StatusUnauthorized, "k": http.StatusOK} {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		require.NoError(t, err)
		req.Header.Set("x-api-key", key)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)
}

// A store that fails is a 500 that says so, not a broken answer.
func TestBrokenStore(t *testing.T) {
	db, err := store.Open(t.TempDir())
	require.NoError(t, err)
	a := start(t, sgpserver.Config{Store: db})
	d := a.dataset("GENERATION")
	require.NoError(t, db.Close())
	for _, path := range []string{"/v4/evaluation-datasets", "/v4/evaluation-datasets/" + d, "/v4/evaluations"} {
		assert.True(t, strings.HasPrefix(a.detail(http.StatusInternalServerError, "GET", path, nil), "local store: "), path)
	}
	a.detail(http.StatusInternalServerError, "POST", "/v4/application-specs", object{"name": "", "description": "", "account_id": ""})
}

// A client that has gone away leaves nothing behind that hangs.
func TestClientsThatLeave(t *testing.T) {
	r := startReady(t, 50)
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, "GET", r.url+"/v4/evaluation-datasets/"+r.dataset+"/test-cases", nil)
		require.NoError(t, err)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
		cancel()
	}
	assert.Equal(t, 50, r.page("/v4/evaluation-datasets/"+r.dataset+"/test-cases").Total)
}
