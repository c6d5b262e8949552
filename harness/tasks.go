package harness

import (
	"context"
	"sync"
)

// taskQueue hands trials from plan to the workers, who wake plan only when it
// runs low.
type taskQueue struct {
	mu     sync.Mutex
	more   sync.Cond // there is a trial, or the queue is closed
	low    sync.Cond // there is room, or the context has ended
	trials []*trial
	next   int
	room   int // trials that may wait
	closed bool
}

func newTaskQueue(room int) *taskQueue {
	q := &taskQueue{room: room}
	q.more.L, q.low.L = &q.mu, &q.mu
	return q
}

// put waits for room and adds a trial; false when ctx has ended.
func (q *taskQueue) put(ctx context.Context, t *trial) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting() >= q.room {
		stop := context.AfterFunc(ctx, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.low.Broadcast()
		})
		defer stop()
		for q.waiting() > q.room/2 && ctx.Err() == nil {
			q.low.Wait()
		}
	}
	if ctx.Err() != nil {
		return false
	}
	q.append(t)
	return true
}

// add adds a trial without waiting for room; false when ctx has ended.
func (q *taskQueue) add(ctx context.Context, t *trial) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil || q.closed {
		return false
	}
	q.append(t)
	return true
}

func (q *taskQueue) append(t *trial) {
	if q.next >= q.room { // what was taken makes room
		n := copy(q.trials, q.trials[q.next:])
		clear(q.trials[n:])
		q.trials, q.next = q.trials[:n], 0
	}
	q.trials = append(q.trials, t)
	q.more.Signal()
}

func (q *taskQueue) waiting() int { return len(q.trials) - q.next }

// take waits for a trial; nil when there are no more.
func (q *taskQueue) take() *trial {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.waiting() == 0 && !q.closed {
		q.more.Wait()
	}
	if q.waiting() == 0 {
		return nil
	}
	t := q.trials[q.next]
	q.trials[q.next] = nil
	q.next++
	if q.waiting() == q.room/2 {
		q.low.Signal()
	}
	return t
}

// close says that no more trials come.
func (q *taskQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}
