package harness

import (
	"context"
	"sync"
)

// Demand lets its owner say when each trial of a run begins, and wait for what it
// comes to. Package evaltest does: go test has an order, and a limit on what runs
// at once, of its own. Give Run a pointer to one in Config, and Close it when
// nothing more will be asked for: Run waits for that.
//
// The zero value is ready for use. One Demand serves one Run.
type Demand struct {
	mu     sync.Mutex
	trials map[Key]*demanded
	tasks  *taskQueue
	ctx    context.Context // ends when no further trial may start
	closed bool
	whole  bool          // no further trial is planned
	over   chan struct{} // closed by Close
	ended  chan struct{} // closed by Run when it returns
}

// demanded is a trial that is planned, or asked for, or both.
type demanded struct {
	t    *trial // nil until it is planned
	got  bool   // asked for
	told bool   // it is over
	r    Result
	ok   bool
	done chan struct{} // closed when r and ok are there, or nothing will be
}

// Ask has a trial of a case begin, once it is planned, and waits for its result.
// It is false when the run, or ctx, ended before there was one, for a second Ask,
// and for a trial that is not among those to run, once all of them are planned.
func (d *Demand) Ask(ctx context.Context, k Key) (Result, bool) {
	d.mu.Lock()
	d.init()
	w := d.at(k)
	t := w.t
	never := w.got || t == nil && d.whole
	w.got = true
	d.mu.Unlock()
	if never {
		return Result{}, false
	}
	if t != nil && !d.tasks.add(d.ctx, t) {
		return Result{}, false
	}
	select {
	case <-w.done:
	case <-d.ended:
	case <-ctx.Done():
	}
	select {
	case <-w.done:
		return w.r, w.ok
	default:
		return Result{}, false
	}
}

// Close says that no more trials are asked for. Those that were planned and not
// asked for leave the run incomplete.
func (d *Demand) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	if !d.closed {
		d.closed = true
		close(d.over)
	}
}

func (d *Demand) init() {
	if d.trials == nil {
		d.trials, d.over, d.ended = map[Key]*demanded{}, make(chan struct{}), make(chan struct{})
	}
}

// at is the entry of a trial.
func (d *Demand) at(k Key) *demanded {
	w := d.trials[k]
	if w == nil {
		w = &demanded{done: make(chan struct{})}
		d.trials[k] = w
	}
	return w
}

// begin is Run's: the trials that are asked for go to tasks, until ctx ends.
func (d *Demand) begin(ctx context.Context, tasks *taskQueue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	d.ctx, d.tasks = ctx, tasks
}

// offer plans a trial; false when the run has ended.
func (d *Demand) offer(t *trial) bool {
	d.mu.Lock()
	w := d.at(t.r.Key())
	w.t = t
	asked := w.got
	d.mu.Unlock()
	return !asked || d.tasks.add(d.ctx, t)
}

// tell hands the outcome of a trial to whoever asked for it.
func (d *Demand) tell(t *trial, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.trials[t.r.Key()]; w != nil {
		w.t, w.r, w.ok, w.told = nil, t.r, ok, true
		close(w.done)
	}
}

// wait, when all trials are planned, lets go of those who wait for others, and waits
// until no more is asked for.
func (d *Demand) wait(ctx context.Context) {
	d.mu.Lock()
	d.whole = true
	for _, w := range d.trials {
		if w.got && w.t == nil && !w.told {
			close(w.done)
		}
	}
	d.mu.Unlock()
	select {
	case <-d.over:
	case <-ctx.Done():
	}
}

// left is how many planned trials nobody asked for.
func (d *Demand) left() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.trials {
		if !w.got {
			n++
		}
	}
	return n
}

// end lets go of everyone who still waits.
func (d *Demand) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	close(d.ended)
}
