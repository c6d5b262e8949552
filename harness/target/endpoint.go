package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/internal/redact"
	"github.com/evalrun/evalrun/harness/strict"
)

// defaultMaxReply is the largest body of a reply, in bytes after decompression.
const defaultMaxReply = 10 << 20

// endpoint is a URL that answers requests.
type endpoint struct {
	method  string
	url     *url.URL
	host    string           // a Host header other than the URL's
	header  http.Header      // not to be changed once requests are made
	secrets *redact.Redactor // not to be in errors
	max     int64
	client  *http.Client
}

// answer is a reply with a 2xx status.
type answer struct {
	body        []byte
	contentType string
	status      int
}

// newEndpoint checks a URL and headers of a suite. Unless insecure is set, secrets
// do not go over plain http to another host.
func newEndpoint(n strict.Node, key, address string, headers map[string]string, insecure bool, env Env) (endpoint, error) {
	e := endpoint{method: "POST", max: defaultMaxReply, header: map[string][]string{"User-Agent": {"evalrun"}}, client: newClient(max(env.Concurrency, 1))}
	at := n.Get(key)
	if at.Node == nil {
		at = n
	}
	if strings.Contains(address, "{{") {
		return e, at.Errorf("%s: a URL can't be a template; query can", key)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return e, at.Errorf("%s: expected a URL such as http://127.0.0.1:8080/answer", key)
	}
	e.url = u
	if u.Scheme == "http" && !insecure && !httpx.Loopback(u.Hostname()) {
		if what := secretPart(u, headers); what != "" {
			return e, at.Errorf("%s: %s would be readable on its way: use https, or say allow_insecure: true", key, what)
		}
	}
	password, _ := u.User.Password()
	secrets := []string{password}
	for name, value := range headers {
		if !validHeader(name, value) {
			return e, n.Get("headers").Errorf("header %q: the name or the value can't be sent", name)
		}
		if canonical := http.CanonicalHeaderKey(name); canonical == "Idempotency-Key" || canonical == "X-Idempotency-Key" {
			return e, n.Get("headers").Errorf("header %q is not allowed: it would be the same for every case, and a request that has it may be sent twice unseen", name)
		}
		e.header.Set(name, value)
		switch strings.ToLower(name) {
		case "content-type", "accept", "user-agent":
			continue
		case "host":
			e.host = value
			continue
		}
		secrets = append(secrets, secretsOf(value)...)
	}
	e.secrets = redact.New(secrets...)
	return e, nil
}

// secretsOf are the parts of a header's value: of "Bearer SECRET", of
// "sid=SECRET; user=me".
func secretsOf(value string) []string {
	parts := append(strings.Fields(value), value)
	return append(parts, strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(`=;," `, r) })...)
}

// secretPart names what of a request is a secret: the URL's password, or a header
// that by its name holds one; "" when nothing is.
func secretPart(u *url.URL, headers map[string]string) string {
	if password, _ := u.User.Password(); password != "" {
		return "the URL's password"
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if headers[name] == "" {
			continue
		}
		plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
		for _, part := range []string{"authorization", "cookie", "apikey", "secret", "password", "credential"} {
			if strings.Contains(plain, part) {
				return fmt.Sprintf("the header %q", name)
			}
		}
		for _, end := range []string{"key", "token", "auth"} {
			if strings.HasSuffix(plain, end) && plain != "idempotencykey" {
				return fmt.Sprintf("the header %q", name)
			}
		}
	}
	return ""
}

// validHeader tells whether a header can be sent (RFC 9110, section 5).
func validHeader(name, value string) bool {
	if name == "" || strings.ContainsAny(value, "\r\n\x00") {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// do makes one request and reads the whole reply. Its errors are harness ones.
func (e *endpoint) do(ctx context.Context, query string, body []byte, header http.Header) (answer, error) {
	u := *e.url
	if query != "" {
		u.RawQuery = query
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, e.method, u.String(), content)
	if err != nil {
		return answer{}, e.fail(&harness.Error{Permanent: true}, err.Error())
	}
	req.Header, req.Host = header, e.host
	resp, err := e.client.Do(req)
	if err != nil {
		return answer{}, e.broken(err)
	}
	defer resp.Body.Close()
	a := answer{contentType: mediaType(resp.Header.Get("Content-Type")), status: resp.StatusCode}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, e.max+1))
	switch {
	case resp.StatusCode/100 != 2:
		return a, e.refused(resp, a)
	case err != nil:
		return a, e.broken(fmt.Errorf("the reply broke off: %w", err))
	case int64(len(a.body)) > e.max:
		return a, e.wrong(a, fmt.Sprintf("the reply is longer than %d bytes", e.max))
	}
	return a, nil
}

// Host is the server's name and port: whoever calls the same one shares its pace.
func (e *endpoint) Host() string { return e.url.Host }

// fail completes an error: where, and without secrets.
func (e *endpoint) fail(trouble *harness.Error, message string) error {
	where := *e.url
	where.User, where.RawQuery, where.Fragment = nil, "", ""
	if trouble.Kind == "" {
		trouble.Kind = harness.KindApp
	}
	trouble.Message = e.secrets.Text(fmt.Sprintf("%s %s: %s", e.method, where.String(), message))
	return trouble
}

// excerpt is the beginning of a body. Secrets go first: a part of one would not be
// found any more.
func (e *endpoint) excerpt(body []byte) string { return excerpt([]byte(e.secrets.Text(string(body)))) }

// wrong is a reply that came and can't be used; another would be no better.
func (e *endpoint) wrong(a answer, message string) error {
	kind := a.contentType
	if kind == "" {
		kind = "no content type"
	}
	return e.fail(&harness.Error{Permanent: true, Status: a.status},
		fmt.Sprintf("%s (status %d, %s): %s", message, a.status, kind, e.excerpt(a.body)))
}

// refused is a reply with a status other than 2xx. Of these, 408, 409, 425, 429
// and 5xx may pass; the others stay.
func (e *endpoint) refused(resp *http.Response, a answer) error {
	trouble := &harness.Error{Status: a.status, RetryAfter: pace.RetryAfter(resp.Header)}
	switch a.status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		trouble.Permanent = a.status < 500
	}
	message := fmt.Sprintf("status %d", a.status)
	if text := http.StatusText(a.status); text != "" {
		message += " " + text
	}
	if a.status/100 == 3 {
		to := "elsewhere"
		if l := resp.Header.Get("Location"); l != "" {
			resp.Header.Set("Location", e.secrets.Text(l)) // now: of a key the host may be half
		}
		if l, err := resp.Location(); err == nil {
			to = l.Scheme + "://" + l.Host
		}
		return e.fail(trouble, message+": a redirect to "+to+" that is not followed")
	}
	if len(bytes.TrimSpace(a.body)) > 0 {
		message += ": " + e.excerpt(a.body)
	}
	return e.fail(trouble, message)
}

// broken is a request without a whole reply.
func (e *endpoint) broken(err error) error {
	trouble := &harness.Error{Err: err}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // without the URL, whose query may hold anything
		trouble.Err = err
	}
	message := err.Error() + httpx.Advice(err)
	var dns *net.DNSError
	var proxy *proxyError
	var dial *net.OpError
	connected := !errors.As(err, &dial) || dial.Op != "dial" // else nothing was asked yet
	switch {
	case errors.Is(err, context.DeadlineExceeded) && connected:
		trouble.Kind = harness.KindTimeout
	case errors.As(err, &dns):
		trouble.Permanent = dns.IsNotFound
	case httpx.CertificateTrouble(err), errors.As(err, &proxy):
		trouble.Permanent = true
	}
	return e.fail(trouble, message)
}

// mediaType is a content type without its parameters, in lower case.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func (a answer) isJSON() bool {
	return a.contentType == "application/json" || strings.HasSuffix(a.contentType, "+json")
}

// isPage tells a web page: what a wrong URL, a proxy or a login answers with.
func (a answer) isPage() bool {
	head := strings.ToLower(string(bytes.TrimSpace(a.body[:min(len(a.body), 200)])))
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html")
}

// Close closes idle connections.
func (e *endpoint) Close() error {
	e.client.CloseIdleConnections()
	return nil
}
