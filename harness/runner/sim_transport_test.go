package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// simTransport is the way of one start to the platform.
type simTransport struct {
	platform *simPlatform
	faults   *faults
	killer   *killer // nil: none
	log      func(format string, args ...any)

	mu sync.Mutex // for the faults
}

var errReset = errors.New("read: connection reset by peer")

func (t *simTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if t.killer == nil {
		return t.platform.serve(req, body), nil
	}
	return step(t.killer, req.Method+" "+req.URL.Path, func() (*http.Response, error) { return t.trip(req, body) })
}

func (t *simTransport) trip(req *http.Request, body []byte) (*http.Response, error) {
	t.mu.Lock()
	f := t.faults.next()
	t.mu.Unlock()
	if f.kind != noFault {
		t.log("%s %s: %s %d, late %s", req.Method, req.URL.Path, f.kind, f.status, f.late.Round(time.Second))
	}
	if f.kind == refusedDial {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if f.kind != tooMany && f.kind != unavailable {
		timer := time.NewTimer(f.wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done(): // it is on its way all the same
			t.commitLate(req, body, f.late)
			return nil, req.Context().Err()
		}
	}
	return t.answer(req, body, f)
}

func (t *simTransport) answer(req *http.Request, body []byte, f fault) (*http.Response, error) {
	switch f.kind {
	case dropBefore:
		return nil, errReset
	case dropAfter:
		t.platform.serve(req, body)
		return nil, errReset
	case lateReset:
		t.commitLate(req, body, f.late)
		return nil, errReset
	case lateTimeout:
		<-req.Context().Done()
		t.commitLate(req, body, f.late)
		return nil, req.Context().Err()
	case lateGateway:
		t.commitLate(req, body, f.late)
		return plain(http.StatusGatewayTimeout, "text/html", "<html>504</html>"), nil
	case errorAfter:
		t.platform.serve(req, body)
		fallthrough
	case errorBefore:
		return plain(f.status, "text/plain", "it is our fault"), nil
	case tooMany, unavailable:
		status := map[faultKind]int{tooMany: http.StatusTooManyRequests, unavailable: http.StatusServiceUnavailable}[f.kind]
		resp := plain(status, "application/json", `{"detail":"slow down"}`)
		resp.Header.Set("Retry-After", fmt.Sprint(int(f.wait/time.Second)))
		if f.wait == 0 {
			resp.Header.Set("Retry-After-Ms", "5")
		}
		return resp, nil
	case truncated, stalled:
		resp := t.platform.serve(req, body)
		whole, _ := io.ReadAll(resp.Body)
		resp.Body = &cutBody{r: bytes.NewReader(whole[:len(whole)/2]), stall: f.kind == stalled, ctx: req.Context()}
		return resp, nil
	case pageAfter:
		t.platform.serve(req, body)
		fallthrough
	case pageBefore:
		return plain(http.StatusOK, "text/html", "<html>please log in</html>"), nil
	}
	return t.platform.serve(req, body), nil
}

// commitLate lets the platform take a request a while after the client has left.
func (t *simTransport) commitLate(req *http.Request, body []byte, after time.Duration) {
	t.platform.late.Go(func() {
		time.Sleep(after)
		t.platform.serve(req, body)
	})
}

// cutBody is a body that ends in the middle, or does not end.
type cutBody struct {
	r     io.Reader
	stall bool
	ctx   context.Context
}

func (b *cutBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if b.stall {
		<-b.ctx.Done()
		return n, b.ctx.Err()
	}
	return n, io.ErrUnexpectedEOF
}

func (b *cutBody) Close() error { return nil }

// ServeHTTP is the same way for a process that comes over the network.
func (t *simTransport) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the process was killed while it sent
	}
	req.URL.Scheme, req.URL.Host = "http", req.Host
	resp, err := t.trip(req, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		_ = http.NewResponseController(w).Flush() // the client gets half of it
		panic(http.ErrAbortHandler)
	}
}
