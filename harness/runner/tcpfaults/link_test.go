package tcpfaults

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// link is the way to a server: a TCP proxy whose address stays the same whatever
// happens on it. Its methods may be called from several goroutines.
type link struct {
	t              *testing.T
	addr, upstream string

	mu    sync.Mutex
	proxy *toxiproxy.Proxy // nil while the link is down
	over  bool             // it stays down
}

// newLink opens a link without faults to the server at upstream.
func newLink(t *testing.T, upstream string) *link {
	t.Helper()
	l := &link{t: t, addr: "127.0.0.1:0", upstream: upstream}
	l.reset()
	l.addr = l.proxy.Listen
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.stop()
		l.over = true
	})
	return l
}

// url is the address for HTTP clients.
func (l *link) url() string { return "http://" + l.addr }

// reset cuts all connections; further ones have these faults from their
// beginning.
func (l *link) reset(faults ...fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	if l.over {
		return
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l.proxy = toxiproxy.NewProxy(server, "link", l.addr, l.upstream)
	for _, f := range faults {
		l.put(f)
	}
	require.NoError(l.t, l.proxy.Start())
}

// down cuts all connections and refuses further ones.
func (l *link) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
}

func (l *link) stop() {
	if l.proxy != nil {
		l.proxy.Stop()
		l.proxy = nil
	}
}

// add puts a fault on the connections that there are, from this byte on, and on
// further ones.
func (l *link) add(f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proxy != nil {
		l.put(f)
	}
}

// mend takes the faults away and leaves the connections that there are, but for
// stalled ones, which it cuts.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proxy != nil {
		l.proxy.Toxics.ResetToxics(l.t.Context())
	}
}

func (l *link) put(f fault) {
	_, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(f.json))
	if !errors.Is(err, toxiproxy.ErrToxicAlreadyExists) {
		assert.NoError(l.t, err, f.json)
	}
}

// fault is one of the proxy's toxics.
type fault struct{ json string }

// The directions of a fault: what goes to the server, and what comes back.
const (
	requests = "upstream"
	answers  = "downstream"
)

func toxic(kind, direction, attributes string, values ...any) fault {
	return fault{fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": {%s}}`, kind, direction, fmt.Sprintf(attributes, values...))}
}

// latency delays what passes by ms milliseconds, give or take jitter.
func latency(direction string, ms, jitter int) fault {
	return toxic("latency", direction, `"latency": %d, "jitter": %d`, ms, jitter)
}

// bandwidth lets kb kilobytes a second pass.
func bandwidth(direction string, kb int) fault {
	return toxic("bandwidth", direction, `"rate": %d`, kb)
}

// slices cuts what passes into pieces of about n bytes, us microseconds apart.
func slices(direction string, n, us int) fault {
	return toxic("slicer", direction, `"average_size": %d, "size_variation": %d, "delay": %d`, n, n/2, us)
}

// slowClose closes connections ms milliseconds late.
func slowClose(direction string, ms int) fault {
	return toxic("slow_close", direction, `"delay": %d`, ms)
}

// stall drops all data; the connection stays. After ms milliseconds without any
// data it is closed, with 0 never.
func stall(direction string, ms int) fault {
	return toxic("timeout", direction, `"timeout": %d`, ms)
}

// cut closes each connection after n bytes.
func cut(direction string, n int) fault {
	return toxic("limit_data", direction, `"bytes": %d`, n)
}

// resets drops the first data and resets the connection (RST) ms milliseconds
// later. On connections that are there already it closes them instead.
func resets(direction string, ms int) fault {
	return toxic("reset_peer", direction, `"timeout": %d`, ms)
}

// TestLink shows that the proxy does what the other tests take for granted.
func TestLink(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello, world"))
			_ = c.Close()
		}
	}()
	l := newLink(t, listener.Addr().String())
	read := func() (string, error) {
		c, err := net.Dial("tcp", l.addr)
		if err != nil {
			return "", err
		}
		defer c.Close()
		var text strings.Builder
		buffer := make([]byte, 100)
		for {
			n, err := c.Read(buffer)
			text.Write(buffer[:n])
			if err != nil {
				return text.String(), err
			}
		}
	}
	text, err := read()
	assert.Equal(t, "hello, world", text)
	assert.ErrorContains(t, err, "EOF")
	l.reset(cut(answers, 5))
	text, _ = read()
	assert.Equal(t, "hello", text)
	l.reset(resets(answers, 0))
	_, err = read()
	assert.ErrorContains(t, err, "reset by peer")
	l.down()
	_, err = read()
	assert.ErrorContains(t, err, "refused")
}
