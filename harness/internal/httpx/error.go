package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Fate is what is known of a request that failed.
type Fate int

// The fates of a failed request.
const (
	// Ambiguous: whether the server took the request is not known.
	Ambiguous Fate = iota
	// NotSent: the request certainly did not reach the server.
	NotSent
	// Refused: the server certainly did not take it, and said so.
	Refused
)

// Error is a request that failed. Its text never holds the key.
type Error struct {
	Method, Path string
	// Status is 0 when there was no answer.
	Status      int
	ContentType string
	// Message is the server's, or the start of what it sent: one line, made safe
	// to show, of 200 bytes at most.
	Message string
	// Body is what the server sent, save for secrets: not to be shown.
	Body []byte
	// Attempts is how many times the request was sent.
	Attempts int
	Fate     Fate
	// Err is the cause, when it is not the status alone.
	Err error

	wait   time.Duration
	should string
	broken bool // the answer broke off
}

// Ambiguous tells whether it is not known if the server took the request.
func (e *Error) Ambiguous() bool { return e.Fate == Ambiguous }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Error is one line: the request, the status, the attempts and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.Path)
	var parts []string
	if e.Status != 0 {
		status := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
		parts = append(parts, strings.TrimSpace(status))
	}
	if e.Attempts > 1 {
		parts = append(parts, fmt.Sprintf("after %d attempts", e.Attempts))
	}
	if len(parts) > 0 {
		b.WriteString(strings.Join(parts, " ") + ": ")
	}
	var why []string
	if e.Err != nil && !errors.Is(e.Err, errRedirect) {
		why = append(why, e.Err.Error())
	}
	if e.Message != "" {
		m := e.Message
		if e.Err != nil && !errors.Is(e.Err, errRedirect) {
			m = fmt.Sprintf("%s: %q", e.ContentType, m)
		}
		why = append(why, m)
	}
	if len(why) == 0 {
		return strings.TrimSuffix(b.String(), ": ")
	}
	return b.String() + strings.Join(why, ": ")
}

// ErrTooLarge is the cause of an error of an answer that is longer than MaxBody.
var ErrTooLarge = errors.New("the answer is over the limit")

var (
	errTimeout  = errors.New("no whole answer within the time limit")
	errRedirect = errors.New("redirected")
)

// fateOf judges an error of sending. Only a connection that never came about is
// certain; that must be proved by the error, since a transport may be anyone's.
func fateOf(err error) Fate {
	var op *net.OpError
	var dns *net.DNSError
	var proxy *proxyError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) || errors.As(err, &proxy) || CertificateTrouble(err) {
		return NotSent
	}
	return Ambiguous
}

func fateOfStatus(status int) Fate {
	switch status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return Refused
	case http.StatusRequestTimeout, 499: // the server or a proxy lost patience
		return Ambiguous
	}
	if status >= 400 && status < 500 {
		return Refused
	}
	return Ambiguous
}

// causeOf is the plain reason behind an error of net/http.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error // its text repeats method and address
	if !errors.As(err, &u) {
		return err
	}
	host := "the server"
	if address, err := url.Parse(u.URL); err == nil {
		host = address.Host
	}
	return fmt.Errorf("%s: %w%s", host, u.Err, Advice(u.Err))
}

// proxyError is a proxy that did not connect to the server.
type proxyError struct {
	proxy  string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s (of HTTPS_PROXY) answered %d %s", e.proxy, e.status, http.StatusText(e.status))
}

func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy: proxy.Host, status: resp.StatusCode}
}

// redact takes secrets out of an error's text, keeping what it wraps.
func (c *Client) redact(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := c.clean(text, 600); clean != text {
		return &redacted{text: clean, err: err}
	}
	return err
}

// redacted shows another text than the error that it wraps.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string        { return r.text }
func (r *redacted) Is(target error) bool { return errors.Is(r.err, target) }
func (r *redacted) As(target any) bool   { return errors.As(r.err, target) }

// Clean makes text of a server safe to show: secrets out, one line, no control,
// format or invalid characters, 200 bytes at most.
func (c *Client) Clean(text string) string { return c.clean(text, 200) }

func (c *Client) clean(text string, most int) string {
	text = c.secrets.Text(text) // first: of one that is cut a part would stay
	text = text[:min(len(text), 64<<10)]
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return '\uFFFD'
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return text[:cut] + "…"
}
