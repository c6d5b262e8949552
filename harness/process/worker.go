package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// worker is one process of a Pool. One call at a time uses it.
type worker struct {
	child *child
	out   *bufio.Reader
	wrote bool // something came from standard output
}

func startWorker(c Command) (*worker, error) {
	ch, err := start(c, pipes{stdin: true})
	if err != nil {
		return nil, err
	}
	return &worker{child: ch, out: bufio.NewReaderSize(ch.stdout, 16<<10)}, nil
}

// call sends the request and reads the reply. After an error the worker is out
// of step and has to be terminated.
func (w *worker) call(ctx context.Context, request []byte, of head) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, w.fail("not asked: "+err.Error(), err)
	}
	if stray := w.stray(); len(stray) > 0 {
		return nil, w.fail("wrote more than one line for its last request: "+excerpt(stray), ErrReply)
	}
	release := context.AfterFunc(ctx, func() {
		w.child.terminate()
		now := time.Now() // the caller need not wait until the process is gone
		_ = w.child.stdin.SetWriteDeadline(now)
		_ = w.child.stdout.SetReadDeadline(now)
	})
	defer release()

	line := make([]byte, 0, len(request)+1)
	line = append(append(line, request...), '\n')
	// A failed write shows as the end of the output, or as ctx's.
	_, _ = w.child.stdin.Write(line)
	reply, err := w.readLine(w.child.command.maxOutput())
	if err == nil && !release() {
		err = ctx.Err() // the process was told to end
	}
	switch {
	case err == nil:
		return reply, w.check(reply, of)
	case ctx.Err() != nil:
		w.child.readingDone()
		return nil, w.fail("no reply: "+ctx.Err().Error()+w.silence(ctx.Err()), ctx.Err())
	case errors.Is(err, ErrOutput):
		w.child.readingDone()
		return nil, w.fail(fmt.Sprintf("wrote a line of more than %d bytes", w.child.command.maxOutput()), err)
	}
	return nil, w.died(ctx)
}

// stray is the beginning of what the worker has written since its last reply: it
// would pass for the reply to the next request when both have the same id, as the
// trials of a case do. Blank lines are none.
func (w *worker) stray() []byte {
	if !w.wrote {
		return nil // a new one: what it writes first is looked at as a reply
	}
	rest, _ := w.out.Peek(w.out.Buffered())
	rest = bytes.TrimSpace(rest)
	if len(rest) > 0 {
		return rest
	}
	w.out.Discard(w.out.Buffered()) //nolint:errcheck // it is there
	buffer := make([]byte, 512)
	for {
		n := readNow(w.child.stdout, buffer)
		if rest := bytes.TrimSpace(buffer[:n]); len(rest) > 0 || n == 0 {
			return rest
		}
	}
}

// readLine reads the next line that is not blank, without its line break.
func (w *worker) readLine(limit int64) ([]byte, error) {
	var line []byte
	for {
		part, err := w.out.ReadSlice('\n')
		w.wrote = w.wrote || len(part) > 0
		if int64(len(line)+len(part)) > limit+1 {
			return nil, ErrOutput
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 && (err == nil || err == io.EOF) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// silence is what to say of a timeout when the worker has never written anything:
// most such programs wait for the end of their input, or keep what they print.
func (w *worker) silence(err error) string {
	if w.wrote || !errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	return "; it has written nothing yet: each line in wants one line out, flushed at once, before the input ends"
}

// head is what tells one request, and its reply, from another.
type head struct {
	ID    any `json:"id"`
	Trial any `json:"trial"`
}

// check tells whether the line is the reply to the request with that head.
func (w *worker) check(reply []byte, of head) error {
	var got head
	if err := json.Unmarshal(reply, &got); err != nil {
		var mismatch *json.UnmarshalTypeError
		if !errors.As(err, &mismatch) {
			return w.fail("wrote a line that is not JSON (only replies may go to standard output): "+excerpt(reply), ErrReply)
		}
	}
	if of.ID == nil {
		return nil
	}
	switch got.ID {
	case of.ID:
		if asked, ok := of.Trial.(float64); ok && got.Trial != nil && got.Trial != any(asked) {
			return w.fail(fmt.Sprintf("reply with trial %s to trial %s of the request with id %s", quote(got.Trial), quote(asked), quote(of.ID)), ErrReply)
		}
		return nil
	case nil:
		return w.fail(fmt.Sprintf("reply without the request's id %s: %s", quote(of.ID), excerpt(reply)), ErrReply)
	}
	return w.fail(fmt.Sprintf("reply with id %s to the request with id %s", quote(got.ID), quote(of.ID)), ErrReply)
}

// died says how the process ended, which it has, or will at once: it closed its
// standard output in the middle of a call.
func (w *worker) died(ctx context.Context) error {
	w.child.readingDone()
	w.child.finish()
	select {
	case <-w.child.done:
	case <-ctx.Done():
		return w.fail("no reply: "+ctx.Err().Error(), ctx.Err())
	}
	if w.child.forced {
		return w.fail("closed its standard output before it replied", io.ErrUnexpectedEOF)
	}
	if err := w.child.status; err != nil {
		return w.fail("ended before it replied: "+err.Error(), err)
	}
	return w.fail("ended before it replied: exit status 0", io.ErrUnexpectedEOF)
}

func (w *worker) fail(message string, err error) error {
	c := w.child
	return &Error{Program: c.command.name(), Message: message, Stderr: c.tail.String(), Err: err}
}

// requestHead checks a request and gives its head, whose id is nil when it has
// none.
func requestHead(request []byte) (head, error) {
	var h head
	if bytes.ContainsAny(request, "\r\n") {
		return h, errors.New("has a line break")
	}
	if err := json.Unmarshal(request, &h); err != nil {
		var mismatch *json.UnmarshalTypeError // valid, but not an object
		if !errors.As(err, &mismatch) {
			return h, fmt.Errorf("not JSON: %w", err)
		}
	}
	switch h.ID.(type) {
	case nil, string, float64, bool:
		return h, nil
	}
	return h, errors.New("its id is neither a string nor a number")
}

// excerpt is the beginning of what a program wrote, on one line.
func excerpt(b []byte) string {
	const size = 200
	more := ""
	if len(b) > size {
		b, more = b[:size], "…"
	}
	return strconv.Quote(strings.ToValidUTF8(string(b), "\uFFFD")) + more
}

// quote is an id for a message.
func quote(id any) string {
	if s, ok := id.(string); ok {
		return excerpt([]byte(s))
	}
	return fmt.Sprint(id)
}
