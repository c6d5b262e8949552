package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

// insertResult keeps what is there, but for a pending result in favour of a whole
// one; flags & 8 is flagPending.
const (
	insertResult = `INSERT INTO results (key, flags, sum, answer, scores) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET flags = excluded.flags, sum = excluded.sum, answer = excluded.answer, scores = excluded.scores
		WHERE flags & 8 > excluded.flags & 8`
	addCounts  = "UPDATE counts SET completed = completed + ?, errored = errored + ?, queued = queued + ?, pending = pending + ? WHERE run = ?"
	insertPost = "INSERT INTO outbox (key, run, no, state) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING"
)

// Write keeps a batch of results; when it returns they are synced to disk. A
// result that is there already stays as it is, but a pending one is replaced by
// a whole one. Every case must have been planned.
func (r *Run) Write(ctx context.Context, batch []harness.Result) error {
	if len(batch) == 0 {
		return nil
	}
	r.life.RLock()
	defer r.life.RUnlock()
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	err := r.encodeResults(batch)
	if err == nil {
		err = r.write(ctx, r.insertResults)
	}
	return r.failed("write results of", err)
}

func (r *Run) encodeResults(batch []harness.Result) error {
	r.results.reset()
	enc, stored := &r.results.enc, r.stored.Load()
	for _, result := range batch {
		key, err := newKey(r.no, result.Case.Seq, result.Trial)
		if err != nil {
			return fmt.Errorf("case %q: %w", result.Case.ID, err)
		}
		if result.Case.Seq > stored {
			return fmt.Errorf("case %q, number %d of the source, was not planned", result.Case.ID, result.Case.Seq+1)
		}
		if result.Pending && (result.Output == nil || result.Error != nil || len(result.Scores) > 0) {
			return fmt.Errorf("pending result of case %q, trial %d: it must have an output, and no scores or error", result.Case.ID, result.Trial)
		}
		row := row{key: key, flags: flagsOf(result), from: len(enc.buf)}
		if err := enc.answer(result); err != nil {
			return err
		}
		row.mid = len(enc.buf)
		if err := enc.scores(result); err != nil {
			return err
		}
		row.to = len(enc.buf)
		r.results.all = append(r.results.all, row)
	}
	r.results.fill()
	for i := range r.results.all {
		row := &r.results.all[i]
		row.sum = checksum(row.key, row.flags, row.first, row.second)
	}
	return nil
}

func (r *Run) insertResults(tx *sql.Tx) error {
	insert := tx.Stmt(r.s.stmts.insertResult)
	var queue *queue
	if r.spec.Publish != nil {
		var err error
		if queue, err = r.openQueue(tx); err != nil {
			return err
		}
	}
	var added, errored, queued int64
	for _, row := range r.results.all {
		n, err := affected(insert.Exec(row.key, row.flags, row.sum, row.first, row.second))
		if err != nil {
			return err
		}
		if n == 0 || row.flags&flagPending != 0 {
			continue // it was there, or does not count yet
		}
		added++
		if row.flags&flagErrored != 0 {
			errored++
		}
		if queue != nil {
			if err := queue.add(row.key); err != nil {
				return err
			}
			queued++
		}
	}
	if added == 0 {
		return nil
	}
	_, err := tx.Stmt(r.s.stmts.addCounts).Exec(added, errored, queued, queued, r.no)
	return err
}

// affected is how many rows a statement changed.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// ForgetErrored has the trials with an error done again, and tells how many they
// are. A result on which the app failed is deleted: Plan does not list it, and the
// app is asked again. One on which only evaluators failed becomes pending: it
// keeps its answer and loses its scores, all of which Plan has computed again.
//
// A result that is posted or posting stays as it is: the platform has or may have
// it, and a second one could not be posted without doubling it. Info.Errored then
// counts those that stayed.
func (r *Run) ForgetErrored(ctx context.Context) (int64, error) {
	r.life.Lock()
	defer r.life.Unlock()
	var n int64
	err := r.write(ctx, func(tx *sql.Tx) (err error) {
		if n, err = r.forgetErrored(tx); err != nil || n == 0 {
			return err
		}
		if _, err = tx.Exec("UPDATE counts SET completed = completed - ?, errored = errored - ? WHERE run = ?", n, n, r.no); err != nil {
			return err
		}
		if err := r.forgetPosts(tx); err != nil {
			return err
		}
		return r.begin(tx)
	})
	if err != nil {
		return 0, r.failed("forget the errored results of", err)
	}
	r.running = r.running || n > 0
	return n, nil
}

// flaggedUnsent are the results of a range of keys that have one of some flags
// and were not sent.
const flaggedUnsent = `FROM results INDEXED BY results_flagged WHERE key >= ? AND key < ? AND flags <> 0 AND flags & ? <> 0
	AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.key = results.key AND state IN (1, 2))`

func (r *Run) forgetErrored(tx *sql.Tx) (int64, error) {
	from, to := runKeys(r.no)
	deleted, err := affected(tx.Exec("DELETE "+flaggedUnsent, from, to, flagAppError))
	if err != nil {
		return 0, err
	}
	find, err := tx.Prepare("SELECT key, flags, sum, answer, scores " + flaggedUnsent + " ORDER BY key LIMIT 1")
	if err != nil {
		return 0, err
	}
	update, err := tx.Prepare("UPDATE results SET flags = ?, sum = ?, scores = NULL WHERE key = ?")
	if err != nil {
		return 0, err
	}
	for n := deleted; ; n++ { // one at a time: answers may be large
		key, err := unscore(find, update, from, to)
		if errors.Is(err, sql.ErrNoRows) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		from = key + 1
	}
}

// unscore makes the first result that find finds from a key on pending.
func unscore(find, update *sql.Stmt, from, to int64) (int64, error) {
	var key, flags, sum int64
	var answer, scores []byte
	if err := find.QueryRow(from, to, flagEvaluatorError).Scan(&key, &flags, &sum, &answer, &scores); err != nil {
		return 0, err
	}
	if sum != checksum(key, flags, answer, scores) {
		return 0, fmt.Errorf("%w: result of case number %d, trial %d is not what was written", ErrDamaged, keySeq(key)+1, keyTrial(key))
	}
	_, err := update.Exec(flagPending, checksum(key, flagPending, answer, nil), key)
	return key, err
}

// Rescore replaces the scores of stored results, and with them the errors of
// evaluators. Outputs, errors of the app and what is posted stay as they are.
// A pending result can't be rescored: Write makes it whole.
func (r *Run) Rescore(ctx context.Context, batch []harness.Result) error {
	if len(batch) == 0 {
		return nil
	}
	r.life.RLock()
	defer r.life.RUnlock()
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	err := r.encodeResults(batch)
	if err == nil {
		err = r.write(ctx, func(tx *sql.Tx) error { return r.replaceScores(tx, batch) })
	}
	return r.failed("rescore", err)
}

func (r *Run) replaceScores(tx *sql.Tx, batch []harness.Result) error {
	var errored int64
	for i, row := range r.results.all {
		var flags, sum int64
		var answer, scores []byte
		err := tx.QueryRow("SELECT flags, sum, answer, scores FROM results WHERE key = ?", row.key).Scan(&flags, &sum, &answer, &scores)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		} else if err == nil && sum != checksum(row.key, flags, answer, scores) {
			err = ErrDamaged
		} else if err == nil && (flags|row.flags)&flagPending != 0 {
			err = errors.New("it is pending, and has no scores to replace")
		}
		if err != nil {
			return fmt.Errorf("result of case %q, trial %d: %w", batch[i].Case.ID, batch[i].Trial, err)
		}
		next := flags&flagAppError | row.flags&^flagAppError
		if _, err := tx.Exec("UPDATE results SET flags = ?, sum = ?, scores = ? WHERE key = ?",
			next, checksum(row.key, next, answer, row.second), row.second, row.key); err != nil {
			return err
		}
		errored += isErrored(next) - isErrored(flags)
	}
	_, err := tx.Exec("UPDATE counts SET errored = errored + ? WHERE run = ?", errored, r.no)
	return err
}

func isErrored(flags int64) int64 {
	if flags&flagErrored != 0 {
		return 1
	}
	return 0
}
