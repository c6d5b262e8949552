package retellserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// errBroken is what a client sees of a connection that Faults break.
var errBroken = errors.New("the connection was broken")

// Transport carries requests to the server without a network, for an http.Client
// in a test whose time is faked (testing/synctest): nothing in it waits, unless a
// fault does. The URL's host must be one that the server answers to, such as
// localhost.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

// RoundTrip answers one request. A dropped connection is an error, as is a context
// that has ended.
func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, errBroken
		default:
			panic(p)
		}
	}()
	req := r.Clone(r.Context())
	if req.Host == "" {
		req.Host = r.URL.Host
	}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	w := recorder{header: http.Header{}, status: http.StatusOK}
	t.server.ServeHTTP(&w, req)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header               { return w.header }
func (w *recorder) WriteHeader(status int)            { w.status = status }
func (w *recorder) Write(b []byte) (n int, err error) { return w.body.Write(b) }
