package process

import (
	"context"
	"sync"
)

// Pool keeps up to size workers: long-lived processes that read one line with a
// JSON value from standard input and answer it with one line on standard output,
// one request at a time. Standard error is theirs for logging.
//
// Workers start when they are first needed. One that does not answer within the
// call's context, that ends, or whose line is not the reply to its request is
// ended, and the next call starts another in its place; its room is free when it
// is gone, so there are never more than size processes.
type Pool struct {
	command Command
	idle    chan *worker  // may hold workers that have ended meanwhile
	room    chan struct{} // one token for each worker that may still be started
	closing chan struct{}

	mu      sync.Mutex
	closed  bool
	workers map[*worker]struct{}
	watch   sync.WaitGroup // one for each worker that is not gone
}

// NewPool makes a pool of up to size workers, at least one. Nothing is started
// before the first Call.
func NewPool(c Command, size int) *Pool {
	size = max(size, 1)
	p := &Pool{
		command: c, idle: make(chan *worker, size), room: make(chan struct{}, size),
		closing: make(chan struct{}), workers: map[*worker]struct{}{},
	}
	for range size {
		p.room <- struct{}{}
	}
	return p
}

// Call sends one request, which must be a JSON value without a line break, to a
// worker and returns its reply, a JSON value. It waits while all workers are
// busy. Any number of goroutines may call.
//
// When the request is an object with an "id", the reply must have the same, and
// the same number "trial" too when both have one: a worker that got out of step is
// found out by that. So is one that wrote more than a line for its last request,
// as far as that has arrived when the next one is due. Errors are *Error, with
// the exit status and the end of standard error of a worker that died; an error
// of ctx is wrapped, and so are ErrReply, ErrOutput and ErrClosed.
func (p *Pool) Call(ctx context.Context, request []byte) (reply []byte, err error) {
	of, err := requestHead(request)
	if err != nil {
		return nil, &Error{Program: p.command.name(), Message: "request: " + err.Error(), Err: err}
	}
	w, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	reply, err = w.call(ctx, request, of)
	if err != nil {
		w.child.terminate()
		return nil, err
	}
	p.put(w)
	return reply, nil
}

// take gives an idle worker, else a new one, else waits for either.
func (p *Pool) take(ctx context.Context) (*worker, error) {
	for {
		var w *worker
		select {
		case <-p.closing:
			return nil, p.errClosed()
		case w = <-p.idle:
		default:
			select {
			case w = <-p.idle:
			case <-p.room:
				return p.start()
			case <-p.closing:
				return nil, p.errClosed()
			case <-ctx.Done():
				return nil, &Error{Program: p.command.name(), Message: "no worker was free: " + ctx.Err().Error(), Err: ctx.Err()}
			}
		}
		if w.child.alive() {
			return w, nil
		}
		w.child.readingDone() // it ended while nobody asked it anything
	}
}

// put makes the worker available to the next call.
func (p *Pool) put(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		select {
		case p.idle <- w:
			return
		default: // ended workers take up the room; they are dropped one by one
		}
	}
	w.child.readingDone()
	w.child.finish()
}

// start starts a worker; the caller has taken its token from room.
func (p *Pool) start() (*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.room <- struct{}{}
		return nil, p.errClosed()
	}
	w, err := startWorker(p.command)
	if err != nil {
		p.room <- struct{}{}
		return nil, err
	}
	p.workers[w] = struct{}{}
	p.watch.Go(func() {
		<-w.child.done
		p.mu.Lock()
		delete(p.workers, w)
		p.mu.Unlock()
		p.room <- struct{}{}
	})
	return w, nil
}

// Close ends all workers: their standard input is closed, so that a call under
// way may still be answered; a worker that is there after Grace gets SIGTERM and
// after another one SIGKILL. It returns when all are gone. Calls after it give
// ErrClosed. Closing again does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
		for w := range p.workers {
			w.child.finish()
		}
	}
	p.mu.Unlock()
	for {
		select {
		case w := <-p.idle:
			w.child.readingDone()
			continue
		default:
		}
		break
	}
	p.watch.Wait()
	return nil
}

func (p *Pool) errClosed() error {
	return &Error{Program: p.command.name(), Message: ErrClosed.Error(), Err: ErrClosed}
}
