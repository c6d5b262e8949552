package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Server is a process that others talk to over the network.
type Server struct {
	child *child
}

// Start starts a server and returns when readyURL answers with a 2xx status, or
// at once when readyURL is empty. It is an error, and the server is ended, when
// the process ends before that, when wait is over (0 means 30 seconds) or when
// ctx ends; so is a URL that something answers already before the server was
// started. Ctx is about the start alone: the server runs until Close.
//
// What the server writes to standard output and standard error is dropped, save
// for the end, which is kept for errors.
func Start(ctx context.Context, c Command, readyURL string, wait time.Duration) (*Server, error) {
	if wait <= 0 {
		wait = 30 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, errNotReady)
	defer cancel()
	client := &http.Client{
		// A server of ours is reached directly, and its answer is its own.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       2 * time.Second,
	}
	if readyURL != "" {
		if status, err := ready(ctx, client, readyURL); status != 0 {
			return nil, &Error{Program: c.name(), Message: fmt.Sprintf(
				"not started: something answers at %s already (status %d)", shown(readyURL), status), Err: err}
		}
	}
	ch, err := start(c, pipes{merge: true})
	if err != nil {
		return nil, err
	}
	s := &Server{child: ch}
	if readyURL == "" {
		return s, nil
	}
	if err := s.await(ctx, client, readyURL, wait); err != nil {
		ch.terminate()
		<-ch.done
		var failed *Error
		if errors.As(err, &failed) {
			failed.Stderr = ch.tail.String()
		}
		return nil, err
	}
	return s, nil
}

var errNotReady = errors.New("not ready in time")

// await polls the URL until it answers 2xx.
func (s *Server) await(ctx context.Context, client *http.Client, address string, wait time.Duration) error {
	fail := func(format string, args ...any) error {
		return &Error{Program: s.child.command.name(), Message: fmt.Sprintf(format, args...), Err: context.Cause(ctx)}
	}
	pause := 10 * time.Millisecond
	last := "no answer"
	for {
		status, err := ready(ctx, client, address)
		if status/100 == 2 && s.child.alive() {
			return nil
		}
		if status != 0 {
			last = fmt.Sprintf("status %d", status)
		} else if err != nil && ctx.Err() == nil {
			last = err.Error()
		}
		timer := time.NewTimer(pause)
		select {
		case <-s.child.exited:
			timer.Stop()
			<-s.child.done
			return &Error{Program: s.child.command.name(), Message: "ended before it was ready: " + s.ending(), Err: s.child.status}
		case <-ctx.Done():
			timer.Stop()
			if context.Cause(ctx) == errNotReady {
				return fail("%s did not answer with status 2xx within %v; last: %s", shown(address), wait, last)
			}
			return fail("not waited for: %v", ctx.Err())
		case <-timer.C:
		}
		pause = min(pause*3/2, 250*time.Millisecond)
	}
}

// shown is a URL without what may be secret in it: a user, a query.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the ready URL"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// ready asks the URL once; status 0 means that there was no answer.
func ready(ctx context.Context, client *http.Client, address string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // without the URL
		}
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, nil
}

// Err is nil while the server runs; after it has ended by itself it says how,
// with the end of what it wrote.
func (s *Server) Err() error {
	if s.child.alive() {
		return nil
	}
	<-s.child.done
	if s.child.forced {
		return nil
	}
	return &Error{Program: s.child.command.name(), Message: "ended: " + s.ending(), Stderr: s.child.tail.String(), Err: s.child.status}
}

func (s *Server) ending() string {
	if s.child.status == nil {
		return "exit status 0"
	}
	return s.child.status.Error()
}

// Close ends the server's group, SIGTERM first and SIGKILL after Grace, and
// returns when it is gone. Closing again does nothing.
func (s *Server) Close() error {
	s.child.terminate()
	<-s.child.done
	return nil
}
