package harness

import (
	"sync"
	"time"
)

// queue hands results from many goroutines to one that takes them in batches.
// It is bounded by count and by bytes: put blocks while it is full. It drops
// nothing, unless the taker has failed.
type queue struct {
	mu     sync.Mutex
	change sync.Cond
	items  []Result
	sizes  []int
	bytes  int
	closed bool
	failed bool
	stuck  int       // how many wait for room
	want   Batch     // what the taker waits for; zero: anything
	since  time.Time // when the oldest item came

	maxItems, maxBytes int
}

func newQueue(maxItems, maxBytes int) *queue {
	q := &queue{maxItems: maxItems, maxBytes: maxBytes}
	q.change.L = &q.mu
	return q
}

// put waits for room. It is false when the taker has failed.
func (q *queue) put(r Result) bool {
	size := sizeOf(r)
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.failed && len(q.items) > 0 && (len(q.items) >= q.maxItems || q.bytes+size > q.maxBytes) {
		q.stuck++
		q.change.Broadcast() // what is there is a batch
		q.change.Wait()
		if q.stuck--; q.stuck == 0 {
			q.change.Broadcast() // to those who wait for room
		}
	}
	if q.failed {
		return false
	}
	if len(q.items) == 0 {
		q.since = time.Now()
	}
	q.items = append(q.items, r)
	q.sizes = append(q.sizes, size)
	q.bytes += size
	if len(q.items) == 1 || len(q.items) >= q.want.Items || q.bytes >= q.want.Bytes {
		q.change.Broadcast()
	}
	return true
}

// room waits until there is some, or the taker has failed.
func (q *queue) room() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.failed && q.stuck > 0 {
		q.change.Wait()
	}
}

// take waits until there is a whole batch, or the queue is full or closed, or the
// oldest item has waited long enough; it is nil when nothing will come.
func (q *queue) take(b Batch) []Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.change.Wait()
	}
	if len(q.items) > 0 && b.Wait > 0 && !q.closed {
		timer := time.AfterFunc(time.Until(q.since.Add(b.Wait)), func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.change.Broadcast()
		})
		defer timer.Stop()
		q.want = b
		for !q.closed && q.stuck == 0 && len(q.items) < b.Items && q.bytes < b.Bytes && time.Since(q.since) < b.Wait {
			q.change.Wait()
		}
		q.want = Batch{}
	}
	n, size := 0, 0
	for n < len(q.items) && n < b.Items && (n == 0 || size+q.sizes[n] <= b.Bytes) {
		size += q.sizes[n]
		n++
	}
	if n == 0 {
		return nil
	}
	batch := make([]Result, n)
	copy(batch, q.items)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	q.sizes = q.sizes[:copy(q.sizes, q.sizes[n:])]
	q.bytes -= size
	q.since = time.Now()
	q.change.Broadcast()
	return batch
}

// close says that no more comes; what is there can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.change.Broadcast()
}

// fail frees everyone who waits; nothing more is taken.
func (q *queue) fail() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed, q.closed = true, true
	q.items, q.sizes = nil, nil
	q.change.Broadcast()
}

// sizeOf estimates how much memory a result holds on to, in bytes.
func sizeOf(r Result) int {
	size := 512 + valueSize(r.Case.Input) + valueSize(r.Case.Expected) + valueSize(r.Case.Extra) + valueSize(r.Case.History) +
		valueSize(r.Case.Metadata)
	if r.Output != nil {
		size += valueSize(r.Output.Value) + valueSize(r.Output.Metadata)
		for _, c := range r.Output.Chunks {
			size += len(c.Text) + 64 + valueSize(c.Metadata)
		}
		for _, t := range r.Output.ToolCalls {
			size += 64 + valueSize(t.Args) + valueSize(t.Result)
		}
	}
	for _, s := range r.Scores {
		size += 96 + len(s.Reason) + valueSize(s.Metadata)
		if s.Error != nil {
			size += len(s.Error.Message) + len(s.Error.Stack)
		}
	}
	if r.Error != nil {
		size += len(r.Error.Message) + len(r.Error.Stack)
	}
	return size
}

func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return 16 + len(v)
	case map[string]any:
		size := 48
		for k, e := range v {
			size += len(k) + 16 + valueSize(e)
		}
		return size
	case []any:
		size := 24
		for _, e := range v {
			size += valueSize(e)
		}
		return size
	}
	return 16
}
