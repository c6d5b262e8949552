package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// begin marks the run as running again, unless it is. What Finish was told of
// the number of cases stays for the next Finish.
func (r *Run) begin(tx *sql.Tx) error {
	if r.running {
		return nil
	}
	_, err := tx.Exec("UPDATE runs SET status = ?, reasons = '[]', finished = NULL WHERE no = ?", Running, r.no)
	return err
}

// Finish records how the run ended: "complete", or "incomplete" with reasons,
// and how many cases (not trials) were planned; 0 when that is not known. The
// number never gets smaller: the largest that Finish was told counts, and no less
// than the cases that Plan was given. It does not release the lock.
//
// Finish may be called again: the last status and reasons count, and the time
// stays that of the first call since the run last ran.
func (r *Run) Finish(ctx context.Context, status string, reasons []string, planned int64) error {
	if status != string(harness.Complete) && status != string(harness.Incomplete) {
		return r.failed("finish", fmt.Errorf("status %q is neither complete nor incomplete", status))
	}
	text, err := encodeNames(reasons)
	if err != nil {
		return r.failed("finish", err)
	}
	r.life.Lock()
	defer r.life.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE runs SET status = ?, reasons = ?, finished = coalesce(finished, ?),
			planned = max(?, coalesce(planned, 0), (SELECT cases FROM counts WHERE run = no)) WHERE no = ?`,
			status, text, time.Now().UnixNano(), planned, r.no)
		return err
	})
	if err == nil {
		r.running = false
	}
	return r.failed("finish", err)
}

// Reopen marks a finished run as incomplete, for that reason beside those that it
// has, before its scores are replaced: so a process that ends halfway leaves no
// run that looks complete. Finish then says what the run is. A run that was
// interrupted stays so, and Reopen changes nothing.
func (r *Run) Reopen(ctx context.Context, reason string) error {
	r.life.Lock()
	defer r.life.Unlock()
	err := r.write(ctx, func(tx *sql.Tx) error {
		if r.running {
			return nil
		}
		var text string
		var reasons []string
		if err := tx.QueryRow("SELECT reasons FROM runs WHERE no = ?", r.no).Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &reasons); err != nil {
			return fmt.Errorf("%w: its reasons: %w", ErrDamaged, err)
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
		text, err := encodeNames(reasons)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE runs SET status = ?, reasons = ? WHERE no = ?", string(harness.Incomplete), text, r.no)
		return err
	})
	return r.failed("reopen", err)
}

// SetEvaluators records the names of the metrics, in order, and the digests
// (Spec.Digests) after the results were scored with other evaluators.
func (r *Run) SetEvaluators(ctx context.Context, names []string, digests map[string]string) error {
	text, err := encodeNames(names)
	if err == nil && digests == nil {
		digests = map[string]string{}
	}
	written, marshalErr := json.Marshal(digests)
	if err = errors.Join(err, marshalErr); err != nil {
		return r.failed("record the evaluators of", err)
	}
	r.life.Lock()
	defer r.life.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error { // the rest of the spec stays as it is
		_, err := tx.Exec("UPDATE runs SET spec = json_set(spec, '$.evaluators', json(?), '$.digests', json(?)) WHERE no = ?", text, string(written), r.no)
		return err
	})
	if err == nil {
		r.spec.Evaluators, r.spec.Digests = slices.Clone(names), maps.Clone(digests)
	}
	return r.failed("record the evaluators of", err)
}

// Discard removes a run that never started and closes it. One that has cases or
// results stays, open, and the error is ErrStarted.
func (r *Run) Discard(ctx context.Context) error {
	r.life.Lock()
	defer r.life.Unlock()
	err := r.write(ctx, func(tx *sql.Tx) error {
		var started bool
		from, to := runKeys(r.no)
		err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM cases WHERE key >= ?1 AND key < ?2)
			OR EXISTS (SELECT 1 FROM results WHERE key >= ?1 AND key < ?2)`, from, to).Scan(&started)
		if err == nil && started {
			err = ErrStarted
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM counts WHERE run = ?", r.no); err != nil {
			return err
		}
		_, err = tx.Exec("DELETE FROM runs WHERE no = ?", r.no)
		return err
	})
	if err == nil {
		err = r.release()
	}
	return r.failed("discard", err)
}

// encodeNames gives a list as JSON; [], not null, when it is empty.
func encodeNames(names []string) (string, error) {
	data, err := json.Marshal(append([]string{}, names...))
	return string(data), err
}
