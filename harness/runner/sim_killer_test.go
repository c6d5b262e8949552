package runner

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/evalrun/evalrun/harness"
)

var errKilled = errors.New("the process is no more")

// killer counts the boundaries that a start passes and ends it at one of them:
// nothing that comes after has any effect.
type killer struct {
	at   int    // 0: never
	kill func() // what is done at that boundary

	mu    sync.Mutex
	n     int
	where string // what was killed, and when
	dead  chan struct{}
}

func newKiller(at int) *killer { return &killer{at: at, dead: make(chan struct{})} }

// pass is false when the process has come to its end.
func (k *killer) pass(where string) bool {
	k.mu.Lock()
	k.n++
	now := k.n == k.at
	if now {
		k.where = where
		close(k.dead)
	}
	k.mu.Unlock()
	if now && k.kill != nil {
		k.kill()
	}
	return !k.killed()
}

func (k *killer) killed() bool {
	select {
	case <-k.dead:
		return true
	default:
		return false
	}
}

// passed is how many boundaries there were.
func (k *killer) passed() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.n
}

// step does one thing between two boundaries.
func step[T any](k *killer, what string, do func() (T, error)) (T, error) {
	var none T
	if !k.pass("before " + what) {
		return none, errKilled
	}
	out, err := do()
	if !k.pass("after " + what) {
		return none, errKilled
	}
	return out, err
}

// simJournal is a journal with boundaries; kept is told what it has stored.
type simJournal struct {
	harness.Journal
	killer *killer
	kept   func(batch []harness.Result)
}

func (j *simJournal) Plan(ctx context.Context, page []harness.Case) (harness.Planned, error) {
	return step(j.killer, "Plan", func() (harness.Planned, error) { return j.Journal.Plan(ctx, page) })
}

func (j *simJournal) Write(ctx context.Context, batch []harness.Result) error {
	_, err := step(j.killer, "Write", func() (none struct{}, err error) {
		if err = j.Journal.Write(ctx, batch); err == nil {
			j.kept(batch)
		}
		return none, err
	})
	return err
}

// simOutbox is an outbox with boundaries.
type simOutbox struct {
	harness.Outbox
	killer *killer
}

func (o *simOutbox) Claim(ctx context.Context, n int) ([]harness.Result, error) {
	return step(o.killer, "Claim", func() ([]harness.Result, error) { return o.Outbox.Claim(ctx, n) })
}

func (o *simOutbox) Settle(ctx context.Context, receipts []harness.Receipt) error {
	_, err := step(o.killer, "Settle", func() (none struct{}, err error) { return none, o.Outbox.Settle(ctx, receipts) })
	return err
}

func (o *simOutbox) Unsettled(ctx context.Context) ([]harness.Key, error) {
	return step(o.killer, "Unsettled", func() ([]harness.Key, error) { return o.Outbox.Unsettled(ctx) })
}

func (o *simOutbox) Audit(ctx context.Context, list iter.Seq2[[]harness.Listed, error]) (harness.Audit, error) {
	return step(o.killer, "Audit", func() (harness.Audit, error) { return o.Outbox.Audit(ctx, list) })
}
