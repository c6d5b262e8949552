package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

// The states of a result on its way to a platform, as they are stored.
const (
	statePending = iota
	statePosting
	statePosted
	stateRejected
)

func stateName(state int64) harness.PostState {
	switch state {
	case statePending:
		return harness.PostPending
	case statePosting:
		return harness.PostPosting
	case statePosted:
		return harness.PostPosted
	}
	return harness.PostRejected
}

// queue puts results of one transaction into the outbox, in order.
type queue struct {
	run    int64
	no     int64 // of the next
	insert *sql.Stmt
}

func (r *Run) openQueue(tx *sql.Tx) (*queue, error) {
	q := &queue{run: r.no, insert: tx.Stmt(r.s.stmts.insertPost)}
	err := tx.QueryRow("SELECT queued FROM counts WHERE run = ?", r.no).Scan(&q.no)
	return q, err
}

func (q *queue) add(key int64) error {
	_, err := q.insert.Exec(key, q.run, q.no)
	q.no++
	return err
}

// SetPublish says where the results go to, those that are stored already
// included: all of them become pending. Once a result was posted, or may have
// been, the evaluation can't be another one any more (ErrPublished); the other
// fields can. What was rejected becomes pending again when any field changes.
func (r *Run) SetPublish(ctx context.Context, p Publish) error {
	text, err := p.encode()
	if err != nil {
		return r.failed("publish", err)
	}
	r.life.Lock()
	defer r.life.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		if old := r.spec.Publish; old != nil && *old != p {
			if old.Platform != p.Platform || old.EvaluationID != p.EvaluationID {
				if err := r.unpublished(tx, old); err != nil {
					return err
				}
			}
			if err := errors.Join(r.forgetRejections(tx), r.forgetAudit(tx)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("UPDATE runs SET publish = ? WHERE no = ?", text, r.no); err != nil {
			return err
		}
		return r.enqueueAll(tx)
	})
	if err == nil {
		r.spec.Publish = &p
	}
	return r.failed("publish", err)
}

// enqueueAll puts the whole results that are not in the outbox there.
func (r *Run) enqueueAll(tx *sql.Tx) error {
	from, to := runKeys(r.no)
	n, err := affected(tx.Exec(`INSERT INTO outbox (key, run, no, state)
		SELECT key, ?, (SELECT queued FROM counts WHERE run = ?) + row_number() OVER (ORDER BY key), 0 FROM results
		WHERE key >= ? AND key < ? AND flags & ? = 0 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.key = results.key)`,
		r.no, r.no, from, to, flagPending))
	if err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE counts SET queued = queued + ? + 1, pending = pending + ? WHERE run = ?", n, n, r.no)
	return err
}

// unpublished makes sure that nothing was posted, or may have been.
func (r *Run) unpublished(tx *sql.Tx, old *Publish) error {
	var sent int64
	if err := tx.QueryRow("SELECT posting + posted FROM counts WHERE run = ?", r.no).Scan(&sent); err != nil {
		return err
	}
	if sent > 0 {
		return fmt.Errorf("%w: %d results went to evaluation %q of %s", ErrPublished, sent, old.EvaluationID, old.Platform)
	}
	return nil
}

// ForgetRejected makes what was rejected pending again, and tells how many that
// were.
func (r *Run) ForgetRejected(ctx context.Context) (n int64, err error) {
	r.life.Lock()
	defer r.life.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRow("SELECT rejected FROM counts WHERE run = ?", r.no).Scan(&n); err != nil {
			return err
		}
		return r.forgetRejections(tx)
	})
	return n, r.failed("forget rejected results of", err)
}

// forgetRejections makes what was rejected pending again.
func (r *Run) forgetRejections(tx *sql.Tx) error {
	if _, err := tx.Exec("UPDATE outbox SET state = ?, message = NULL WHERE run = ? AND state = ?", statePending, r.no, stateRejected); err != nil {
		return err
	}
	_, err := tx.Exec("UPDATE counts SET pending = pending + rejected, rejected = 0 WHERE run = ?", r.no)
	return err
}

// forgetPosts deletes the entries whose results are no more or are pending; none
// of them was sent.
func (r *Run) forgetPosts(tx *sql.Tx) error {
	from, to := runKeys(r.no)
	if _, err := tx.Exec(`DELETE FROM outbox WHERE key >= ? AND key < ?
		AND NOT EXISTS (SELECT 1 FROM results WHERE results.key = outbox.key AND flags & ? = 0)`, from, to, flagPending); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE counts SET (pending, rejected) =
		(SELECT count(*) FILTER (WHERE state = ?), count(*) FILTER (WHERE state = ?) FROM outbox WHERE key >= ? AND key < ?)
		WHERE run = ?`, statePending, stateRejected, from, to, r.no)
	return err
}

// Claim marks up to n pending results as posting, oldest first, and returns
// them. That is synced before it returns: a crash leaves them as posting, and
// Unsettled lists them.
func (r *Run) Claim(ctx context.Context, n int) ([]harness.Result, error) {
	var results []harness.Result
	r.life.RLock()
	defer r.life.RUnlock()
	if r.spec.Publish == nil || n <= 0 {
		return nil, nil
	}
	waiting, err := r.s.postCounts(ctx, r.no)
	if err == nil && waiting.Pending > 0 { // else there is nothing to write
		err = r.write(ctx, func(tx *sql.Tx) (err error) {
			results, err = r.claim(tx, n)
			return err
		})
	}
	if err != nil {
		return nil, r.failed("claim results of", err)
	}
	return results, nil
}

func (r *Run) claim(tx *sql.Tx, n int) ([]harness.Result, error) {
	results, keys, err := r.claimable(tx, n)
	if err != nil {
		return nil, err
	}
	update := tx.Stmt(r.s.stmts.setPost)
	for _, key := range keys {
		if _, err := update.Exec(statePosting, nil, nil, key); err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if err := r.forgetAudit(tx); err != nil {
		return nil, err
	}
	_, err = tx.Exec("UPDATE counts SET pending = pending - ?, posting = posting + ? WHERE run = ?", len(keys), len(keys), r.no)
	return results, err
}

// claimable reads the first pending results.
func (r *Run) claimable(tx *sql.Tx, n int) (results []harness.Result, keys []int64, err error) {
	rows, err := tx.Stmt(r.s.stmts.claimable).Query(r.no, n)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	for rows.Next() {
		var row resultRow
		if err := row.scan(rows); err != nil {
			return nil, nil, err
		}
		result, err := row.result(nil)
		if err != nil {
			return nil, nil, err
		}
		results, keys = append(results, result), append(keys, row.key)
	}
	return results, keys, rows.Err()
}

// Settle records what became of claimed results: posted, rejected, or pending
// again. All receipts are recorded or none. One that says again what is settled
// already changes nothing; any other for a result that is not posting is an
// error.
func (r *Run) Settle(ctx context.Context, receipts []harness.Receipt) error {
	if len(receipts) == 0 {
		return nil
	}
	r.life.RLock()
	defer r.life.RUnlock()
	err := r.write(ctx, func(tx *sql.Tx) error {
		var n [stateRejected + 1]int64
		for _, receipt := range receipts {
			to, changed, err := r.settle(tx, receipt)
			if err != nil {
				return fmt.Errorf("case %q, trial %d: %w", receipt.Key.Case, receipt.Key.Trial, err)
			}
			if changed {
				n[to]++
			}
		}
		_, err := tx.Exec("UPDATE counts SET posting = posting - ?, pending = pending + ?, posted = posted + ?, rejected = rejected + ? WHERE run = ?",
			n[statePending]+n[statePosted]+n[stateRejected], n[statePending], n[statePosted], n[stateRejected], r.no)
		return err
	})
	return r.failed("settle results of", err)
}

func (r *Run) settle(tx *sql.Tx, receipt harness.Receipt) (to int64, changed bool, err error) {
	var remote, message any
	switch receipt.State {
	case harness.PostPending:
		to = statePending
	case harness.PostPosted:
		to, remote = statePosted, receipt.RemoteID
	case harness.PostRejected:
		to, message = stateRejected, receipt.Message
	default:
		return 0, false, fmt.Errorf("a result can't be settled as %q", receipt.State)
	}
	var key, state int64
	err = tx.Stmt(r.s.stmts.findPost).QueryRow(r.no, receipt.Key.Case, receipt.Key.Trial).Scan(&key, &state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, fmt.Errorf("%w in the outbox", ErrNotFound)
	case err != nil:
		return 0, false, err
	case state == to:
		return to, false, nil
	case state != statePosting:
		return 0, false, fmt.Errorf("result is %s, not posting", stateName(state))
	}
	_, err = tx.Stmt(r.s.stmts.setPost).Exec(to, remote, message, key)
	return to, true, err
}

// Unsettled lists the results that were claimed and not settled, oldest first.
func (r *Run) Unsettled(ctx context.Context) ([]harness.Key, error) {
	rows, err := r.s.read.QueryContext(ctx, `SELECT cases.id, outbox.key FROM outbox INDEXED BY outbox_open
		JOIN cases ON cases.key = outbox.key & ? WHERE outbox.run = ? AND state = ? AND state < 2 ORDER BY no`,
		int64(^maxTrial), r.no, statePosting)
	if err != nil {
		return nil, r.failed("list unsettled results of", r.s.explain(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	var keys []harness.Key
	for rows.Next() {
		var id string
		var key int64
		if err := rows.Scan(&id, &key); err != nil {
			return nil, r.failed("list unsettled results of", r.s.explain(err))
		}
		keys = append(keys, harness.Key{Case: id, Trial: keyTrial(key)})
	}
	return keys, r.failed("list unsettled results of", r.s.explain(rows.Err()))
}

// PostCounts tells how many results are in each state on the way to a platform.
func (r *Run) PostCounts(ctx context.Context) (pending, posting, posted, rejected int64, err error) {
	c, err := r.s.postCounts(ctx, r.no)
	return c.Pending, c.Posting, c.Posted, c.Rejected, r.failed("count posted results of", err)
}

func (s *Store) postCounts(ctx context.Context, run int64) (PostCounts, error) {
	var c PostCounts
	err := s.read.QueryRowContext(ctx, "SELECT pending, posting, posted, rejected FROM counts WHERE run = ?", run).
		Scan(&c.Pending, &c.Posting, &c.Posted, &c.Rejected)
	return c, s.explain(err)
}
