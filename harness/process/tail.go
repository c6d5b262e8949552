package process

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tailSize is how much of standard error is kept, in bytes.
const tailSize = 2 << 10

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte // at most 2*tailSize
	cut bool   // something before buf was dropped
}

// Write keeps the end of p; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if len(p) > tailSize {
		p = p[len(p)-tailSize:]
		t.cut = true
	}
	if len(t.buf)+len(p) > 2*tailSize {
		keep := t.buf[len(t.buf)-tailSize:]
		t.buf = append(t.buf[:0], keep...)
		t.cut = true
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// String gives the last whole lines, at most tailSize bytes, as valid UTF-8
// without surrounding space. A line that is longer comes after "…".
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, cut, mark := t.buf, t.cut, ""
	if len(b) > tailSize {
		b, cut = b[len(b)-tailSize:], true
	}
	if cut {
		if i := bytes.IndexByte(b, '\n'); i >= 0 && i < len(b)-1 {
			b = b[i+1:]
		} else {
			mark = "…" // whoever looks for secrets has to know that one may be cut
		}
	}
	return mark + strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD"))
}

// noise are lines that end the standard error of a program which failed and do
// not say why: what go run adds, Node's version, the frames of a trace.
var noise = regexp.MustCompile(`^(exit status \d+|Node\.js v\S+|goroutine \d+ .*|[\w./*()]+\(.*\)|created by .*|\s.*|)$`)

// headline finds the line that says why a program failed, and the other lines in
// their order. Go says it in its first line, panic: or fatal error:; others, such
// as Python, in the last one that is no noise.
func headline(stderr string) (line, rest string) {
	lines := strings.Split(stderr, "\n")
	best := len(lines) - 1
	for i := len(lines) - 1; i >= 0; i-- {
		if !noise.MatchString(lines[i]) {
			best = i
			break
		}
	}
	for i, l := range lines {
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") {
			best = i
			break
		}
	}
	line = strings.TrimSpace(lines[best])
	return line, strings.TrimSpace(strings.Join(slices.Delete(lines, best, best+1), "\n"))
}
