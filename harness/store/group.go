package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// A group is closed to further members after this many, or this long after its
// transaction began.
const (
	groupMembers = 64
	groupTime    = 4 * time.Millisecond
)

// group merges writes of many goroutines into one transaction and one sync. It
// has no goroutine of its own: whoever gets the writer token leads and commits
// what waits; the others are told. While one group is being synced the next one
// gathers.
type group struct {
	writer chan struct{} // a token: its holder uses the writing connection

	mu    *sync.Mutex
	queue []*member
	lazy  *bool // the connection is set not to sync; used by the leader only
}

// member is one call of write.
type member struct {
	fn     func(tx *sql.Tx) error
	synced bool
	done   chan error // buffered: a leader never waits for a member
}

// run calls fn. A panic of one member must not leave the others waiting.
func (m *member) run(tx *sql.Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return m.fn(tx)
}

func newGroup() group {
	return group{writer: make(chan struct{}, 1), mu: new(sync.Mutex), lazy: new(bool)}
}

// write runs fn in a transaction, perhaps together with others', and returns
// when it is committed and synced. fn may be called more than once: when
// another member of the group fails, each is run again alone. It must not keep
// tx, and anything that it changes beside the database it sets anew. When ctx
// ends before fn has begun nothing is written; after that ctx is ignored.
func (s *Store) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return s.join(ctx, &member{fn: fn, synced: true, done: make(chan error, 1)})
}

// writeSoon is write without the sync: a power cut may undo it, but never
// without undoing all that was committed after it.
func (s *Store) writeSoon(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return s.join(ctx, &member{fn: fn, done: make(chan error, 1)})
}

func (s *Store) join(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g := &s.group
	g.mu.Lock()
	g.queue = append(g.queue, m)
	g.mu.Unlock()
	for {
		select {
		case err := <-m.done:
			return err
		case g.writer <- struct{}{}:
			s.lead()
		case <-ctx.Done():
			if g.withdraw(m) {
				return ctx.Err()
			}
			return <-m.done
		}
	}
}

// withdraw takes m out of the queue, if no leader has taken it.
func (g *group) withdraw(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.queue {
		if other == m {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

// next takes the first waiting member out of the queue; nil when none waits.
func (g *group) next() *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		return nil
	}
	m := g.queue[0]
	g.queue[0] = nil
	g.queue = g.queue[1:]
	return m
}

// lead commits one group and gives the writer token, which the caller got, back.
func (s *Store) lead() {
	defer func() { <-s.group.writer }()
	first := s.group.next()
	if first == nil {
		return // another leader was quicker
	}
	members := []*member{first}
	err := s.transact(&members, groupMembers)
	if err == nil || len(members) == 1 {
		for _, m := range members {
			m.done <- s.explain(err)
		}
		return
	}
	for _, m := range members {
		alone := []*member{m}
		m.done <- s.explain(s.transact(&alone, 1))
	}
}

// transact runs the members and those that come in meanwhile, up to limit, in
// one transaction.
func (s *Store) transact(members *[]*member, limit int) error {
	ctx := context.Background() // no member's end may undo another's work
	if err := s.setSync(ctx, (*members)[0].synced); err != nil {
		return err
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	began := time.Now()
	for i := 0; i < len(*members); i++ {
		if err := (*members)[i].run(tx); err != nil {
			return err
		}
		if len(*members) < limit && time.Since(began) < groupTime {
			if m := s.group.nextLike((*members)[0].synced); m != nil {
				*members = append(*members, m)
			}
		}
	}
	return tx.Commit()
}

// nextLike is next, if that one may share a transaction that is synced or not:
// a synced one takes all.
func (g *group) nextLike(synced bool) *member {
	g.mu.Lock()
	fits := len(g.queue) > 0 && (synced || !g.queue[0].synced)
	g.mu.Unlock()
	if !fits {
		return nil
	}
	return g.next()
}

// setSync says whether commits of the writing connection are synced. SQLite
// takes the change between transactions only.
func (s *Store) setSync(ctx context.Context, synced bool) error {
	if *s.group.lazy == !synced {
		return nil
	}
	mode := "PRAGMA synchronous=FULL"
	if !synced {
		mode = "PRAGMA synchronous=NORMAL"
	}
	if _, err := s.writer.ExecContext(ctx, mode); err != nil {
		return err
	}
	*s.group.lazy = !synced
	return nil
}
