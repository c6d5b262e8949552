package target

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// slowly writes a byte a second until nobody reads any more.
func slowly(c net.Conn, text string) {
	for i := range len(text) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// The time limit covers the whole reply, however slowly it comes.
func TestSlowServers(t *testing.T) {
	const limit = 30 * time.Second
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
	for name, serve := range map[string]func(net.Conn){
		"reads nothing":      func(net.Conn) { time.Sleep(time.Hour) },
		"says nothing":       func(c net.Conn) { read(c); time.Sleep(time.Hour) },
		"a head by bytes":    func(c net.Conn) { read(c); slowly(c, head) },
		"a head without end": func(c net.Conn) { read(c); slowly(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-A: b\r\n", 1000)) },
		"a body by bytes":    func(c net.Conn) { read(c); _, _ = io.WriteString(c, head); slowly(c, strings.Repeat(" ", 4000)) },
		"half a body":        func(c net.Conn) { read(c); _, _ = io.WriteString(c, head+`{"output": "`); time.Sleep(time.Hour) },
		"chunks of a byte": func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			slowly(c, strings.Repeat("1\r\nx\r\n", 1000))
		},
		"an error's body": func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, strings.Replace(head, "200 OK", "500 Oops", 1))
			slowly(c, strings.Repeat("x", 4000))
		},
		"continue, and no answer": func(c net.Conn) {
			read(c)
			for range 3000 {
				if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	} {
		for kind, yaml := range map[string]string{"http": "{url: 'http://app.example', method: %s}", "openai": "{model: m, base_url: 'http://app.example', extra: {x: %s}}"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					transport := newClient(1).Transport.(once).RoundTripper.(*http.Transport)
					transport.Proxy = nil
					transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
						here, there := net.Pipe()
						go func() { serve(there); _ = there.Close() }()
						return here, nil
					}
					app := over(t, kind, fmt.Sprintf(yaml, "POST"), transport)
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					start := time.Now()
					_, err := app.Respond(ctx, harness.Input{ID: "a", Value: "hi"})
					assert.LessOrEqual(t, time.Since(start), limit+time.Second)
					var e *harness.Error
					require.ErrorAs(t, err, &e)
					assert.False(t, e.Permanent, e.Message)
					if name != "an error's body" {
						assert.Equal(t, harness.KindTimeout, e.Kind, e.Message)
						assert.Equal(t, limit, time.Since(start))
					}
					transport.CloseIdleConnections()
					time.Sleep(2 * time.Hour) // until the server has given up too
				})
			})
		}
	}
}

// No connection within the dialer's own limit: nothing was asked yet, so that it is
// no timeout, which would not be tried again.
func TestNoConnectionInTimeIsRetriable(t *testing.T) {
	transport := newClient(1).Transport.(once).RoundTripper.(*http.Transport)
	transport.DialContext = (&net.Dialer{Timeout: time.Nanosecond}).DialContext
	_, err := over(t, "http", "{url: 'http://127.0.0.1:9'}", transport).Respond(t.Context(), harness.Input{ID: "a", Value: "hi"})
	var e *harness.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, harness.KindApp, e.Kind)
	assert.False(t, e.Permanent)
	assert.Contains(t, e.Message, "i/o timeout")
}

// read takes a whole request.
func read(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}
