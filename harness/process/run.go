package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Run starts a process, gives it stdin, and returns its standard output when it
// has ended. It may be called from many goroutines.
//
// When ctx ends the process's group is ended and the error wraps ctx's. An exit
// status other than 0, and more output than c.MaxOutput, are errors too; the
// output is then nil. A process that ends without reading its standard input is
// not an error. Every error is an *Error.
func Run(ctx context.Context, c Command, stdin []byte) (stdout []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Program: c.name(), Message: "not started: " + err.Error(), Err: err}
	}
	ch, err := start(c, pipes{stdin: true})
	if err != nil {
		return nil, err
	}
	release := context.AfterFunc(ctx, ch.terminate)
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = ch.stdin.Write(stdin) // fails when the process does not read it
		_ = ch.stdin.Close()
	}()

	var out bytes.Buffer
	limit := c.maxOutput()
	// An error of reading means that the pipe was closed here, after the end.
	n, _ := io.Copy(&out, io.LimitReader(ch.stdout, limit+1))
	if n > limit {
		ch.terminate()
	}
	ch.readingDone()
	<-ch.done
	<-written
	release()

	switch {
	case n > limit:
		return nil, &Error{
			Program: c.name(), Message: fmt.Sprintf("wrote more than %d bytes to standard output", limit),
			Stderr: ch.tail.String(), Err: ErrOutput,
		}
	case ch.forced && ctx.Err() != nil: // it may have caught SIGTERM and ended well
		return nil, &Error{Program: c.name(), Message: "ended by us: " + ctx.Err().Error(), Stderr: ch.tail.String(), Err: ctx.Err()}
	case ch.status != nil:
		return nil, &Error{Program: c.name(), Message: ch.status.Error(), Stderr: ch.tail.String(), Err: ch.status}
	}
	return out.Bytes(), nil
}
