package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/evalrun/evalrun/harness"
)

// Run is a run that this process writes. Create and Resume give one; it holds
// the run's lock until Close. Its methods may be called from several goroutines.
type Run struct {
	s    *Store
	no   int64 // the high bits of its keys
	id   string
	spec Spec

	// Plan, Write and the outbox's methods share life, so that their writes can go
	// into one group; what changes the run as a whole has it alone.
	life    sync.RWMutex
	lock    *lock        // nil after Close
	running bool         // the database says so; also guarded by pages.mu
	planned int64        // the highest position planned by this Run, by pages.mu
	stored  atomic.Int64 // the highest position that has a case, -1 when none has
	pages   rows         // Plan's
	results rows         // Write's and Rescore's
	asked   asked        // Begin's
}

var (
	_ harness.Journal = (*Run)(nil)
	_ harness.Witness = (*Run)(nil)
	_ harness.Outbox  = (*Run)(nil)
)

// rows are encoded cases or results on their way into the database. They are
// reused, by one call at a time.
type rows struct {
	mu  sync.Mutex
	enc encoder
	all []row
}

// row is a case or a result. Its data are positions in the encoder's buffer
// until all rows are encoded.
type row struct {
	key, flags, sum int64
	from, mid, to   int
	first, second   []byte
}

func (r *rows) reset() {
	r.enc.reset()
	r.all = r.all[:0]
}

// fill turns the positions into slices.
func (r *rows) fill() {
	for i := range r.all {
		row := &r.all[i]
		row.first, row.second = r.enc.buf[row.from:row.mid], r.enc.buf[row.mid:row.to]
	}
}

func newRun(s *Store, spec Spec) *Run {
	r := &Run{s: s, spec: spec, planned: -1}
	r.stored.Store(-1)
	return r
}

// ID is the run's ULID.
func (r *Run) ID() string { return r.id }

// Spec is what the run was created with, and where it is published to.
func (r *Run) Spec() Spec {
	r.life.RLock()
	defer r.life.RUnlock()
	return r.spec
}

// Close releases the run's lock. A run that was not finished is interrupted.
func (r *Run) Close() error {
	r.life.Lock()
	defer r.life.Unlock()
	return r.failed("close", r.release())
}

func (r *Run) release() error {
	if r.lock == nil {
		return nil
	}
	r.asked.remove(r.s.askedPath(r.id))
	err := r.lock.release()
	r.lock = nil
	return err
}

var errClosed = errors.New("run is closed")

// write and writeSoon are the store's, for a run that is open. r.life is held.
func (r *Run) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if r.lock == nil {
		return errClosed
	}
	return r.s.write(ctx, fn)
}

func (r *Run) writeSoon(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if r.lock == nil {
		return errClosed
	}
	return r.s.writeSoon(ctx, fn)
}

// failed says what was being done to which run; nil stays nil.
func (r *Run) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s run %s: %w", what, r.id, err)
}
