package httpx

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness/internal/pace"
)

// answer reads a response to its end and decodes it.
func (c *call) answer(ctx context.Context, resp *http.Response) *Error {
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.ahead.Store(int64(time.Until(date)))
	}
	e := &Error{
		Method: c.request.Method, Path: c.request.Path, Status: resp.StatusCode,
		ContentType: c.Clean(resp.Header.Get("Content-Type")),
		wait:        pace.RetryAfter(resp.Header), should: resp.Header.Get("X-Should-Retry"),
	}
	e.Fate = fateOfStatus(resp.StatusCode)
	body, err := c.readBody(resp)
	if err != nil {
		e.Err = c.redact(causeOf(ctx, err))
		e.broken = !errors.Is(err, ErrTooLarge)
		return e
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Message, e.Err = c.Clean(c.redirect(resp)), errRedirect
		return e
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		e.Body = body
		e.Message = c.Clean(serverMessage(body))
		return e
	case e.ContentType != "" && !isJSON(e.ContentType):
		e.Err = errors.New("the answer is not JSON")
	case c.into == nil:
		return nil
	default:
		if e.Err = json.Unmarshal(body, c.into); e.Err == nil {
			return nil
		}
		e.Err = fmt.Errorf("the answer can't be read: %w", c.redact(e.Err))
	}
	e.Body = body
	e.Message = c.Clean(string(body))
	return e
}

// readBody reads at most maxBody bytes, decompressed. A server that repeats the
// key would have it kept as an ID or in a test case: it is taken out here.
func (c *call) readBody(resp *http.Response) ([]byte, error) {
	var r io.Reader = resp.Body
	// net/http decompresses what it asked for; another transport may not.
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && !resp.Uncompressed {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("decompress the answer: %w", err)
		}
		r = z
	}
	body, err := io.ReadAll(io.LimitReader(r, c.maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > c.maxBody {
		return nil, fmt.Errorf("%w of %d bytes", ErrTooLarge, c.maxBody)
	}
	text := string(body)
	if clean := c.secrets.Text(text); clean != text {
		return []byte(clean), nil
	}
	return body, nil
}

func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || strings.HasSuffix(t, "+json"))
}

// serverMessage finds the text that a server's error body is about: detail or
// message or error, as text or as a list of {loc, msg}; else the body itself.
func serverMessage(body []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return string(body)
	}
	for _, name := range []string{"detail", "message", "error"} {
		raw, ok := fields[name]
		if !ok {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			return text
		}
		if text := complaints(raw); text != "" {
			return text
		}
	}
	return string(body)
}

// complaints writes a list of {loc, msg} as "loc.loc: msg; ...".
func complaints(raw json.RawMessage) string {
	var list []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return ""
	}
	var parts []string
	for i, item := range list {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		where := make([]string, len(item.Loc))
		for k, l := range item.Loc {
			where[k] = fmt.Sprint(l)
		}
		parts = append(parts, strings.Join(where, ".")+": "+item.Msg)
	}
	return strings.Join(parts, "; ")
}
