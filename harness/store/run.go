package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// Run is a run that this process writes. Create and Resume give one; it holds
// the run's lock until Close. Its methods may be called from several goroutines.
type Run struct {
	s    *Store
	no   int64 // the high bits of its keys
	id   string
	spec Spec

	mu      sync.Mutex // guards what follows
	lock    *lock      // nil after Close
	running bool       // the database says so
	stored  int64      // the highest position that has a case, -1 when none has
	planned int64      // the same, of the cases planned by this Run
	enc     encoder    // reused by Plan, Write and Rescore
	rows    []row
}

var (
	_ harness.Journal = (*Run)(nil)
	_ harness.Outbox  = (*Run)(nil)
)

// row is a case or a result on its way into the database. Its data are
// positions in the encoder's buffer until all rows are encoded.
type row struct {
	key, flags, sum int64
	from, mid, to   int
	first, second   []byte
}

func newRun(s *Store, spec Spec) *Run { return &Run{s: s, spec: spec, stored: -1, planned: -1} }

// ID is the run's ULID.
func (r *Run) ID() string { return r.id }

// Spec is what the run was created with, and where it is published to.
func (r *Run) Spec() Spec {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spec
}

// Finish records how the run ended: "complete", or "incomplete" with reasons,
// and how many trials were planned. It does not release the lock.
func (r *Run) Finish(ctx context.Context, status string, reasons []string, planned int64) error {
	if status != string(harness.Complete) && status != string(harness.Incomplete) {
		return r.failed("finish", fmt.Errorf("status %q is neither complete nor incomplete", status))
	}
	text, err := json.Marshal(slices.Concat([]string{}, reasons)) // [], not null
	if err != nil {
		return r.failed("finish", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE runs SET status = ?, reasons = ?, finished = ?, planned = ? WHERE no = ?",
			status, string(text), time.Now().UnixNano(), planned, r.no)
		return err
	})
	if err == nil {
		r.running = false
	}
	return r.failed("finish", err)
}

// Close releases the run's lock. A run that was not finished is interrupted.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed("close", r.release())
}

func (r *Run) release() error {
	if r.lock == nil {
		return nil
	}
	err := r.lock.release()
	r.lock = nil
	return err
}

var errClosed = errors.New("run is closed")

// write and writeSoon are the store's, for a run that is open. r.mu is held.
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

// begin marks the run as running again, once. r.mu is held.
func (r *Run) begin(tx *sql.Tx) error {
	if r.running {
		return nil
	}
	_, err := tx.Exec("UPDATE runs SET status = ?, reasons = '[]', finished = NULL, planned = NULL WHERE no = ?", Running, r.no)
	return err
}

// fill turns the positions of the encoded rows into slices and sums them.
func (r *Run) fill() {
	for i := range r.rows {
		row := &r.rows[i]
		row.first, row.second = r.enc.buf[row.from:row.mid], r.enc.buf[row.mid:row.to]
	}
}
