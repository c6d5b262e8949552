package localhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// The time limits of Serve's connections. A batch of the largest size takes a
// few seconds; a client that stalls must not hold a connection for ever.
const (
	headerTime = 10 * time.Second
	bodyTime   = 2 * time.Minute
	idleTime   = 2 * time.Minute
	grace      = 5 * time.Second
)

// ErrNeedsKey is wrapped by Serve's error about an address that others can reach
// while no key is asked for.
var ErrNeedsKey = errors.New("others can reach that address, and no API key is set: set one")

// Serve answers requests on addr until ctx ends; then it lets running requests
// finish for up to five seconds and returns nil. When it can be reached it calls
// ready, which may be nil, with the address; with port 0 that holds the port that
// the system chose. Without a key it listens on loopback only.
func Serve(ctx context.Context, addr string, h http.Handler, keyed bool, ready func(addr string)) error {
	if err := checkAddr(addr, keyed); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      bodyTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", addr, err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(limit); err != nil {
		_ = srv.Close() // the requests that are still running are cut off
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	return nil
}

// checkAddr refuses an address that others can reach, unless there is a key.
func checkAddr(addr string, keyed bool) error {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	if !tcp.IP.IsLoopback() && !keyed {
		return fmt.Errorf("serve on %s: %w (Config.APIKey), or listen on loopback", addr, ErrNeedsKey)
	}
	return nil
}
