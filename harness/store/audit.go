package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// Keys of listed results that belong to no trial.
const (
	keyNone    = -1 // the result does not say what it is
	keyUnknown = 0  // it says something that is not in this run
)

// listedRows is how many rows of the table listed are written or deleted at once.
const listedRows = 1000

// Audit compares what a platform lists with what is posted, in constant memory,
// and keeps the outcome with the run (Info.Audit) until a result is claimed
// again. A result that does not say what it is counts for the posted one that
// has its ID.
func (r *Run) Audit(ctx context.Context, list iter.Seq2[[]harness.Listed, error]) (harness.Audit, error) {
	audit, err := r.audit(ctx, list)
	if err != nil {
		return harness.Audit{}, r.failed("audit", err)
	}
	return audit, nil
}

func (r *Run) audit(ctx context.Context, list iter.Seq2[[]harness.Listed, error]) (audit harness.Audit, err error) {
	if err := r.clearListed(ctx); err != nil { // of an audit that was cut off
		return audit, err
	}
	defer func() { err = errors.Join(err, r.clearListed(context.WithoutCancel(ctx))) }()
	for listed, err := range list {
		for len(listed) > 0 && err == nil {
			n := min(len(listed), listedRows)
			err = r.addListed(ctx, listed[:n])
			listed = listed[n:]
		}
		if err != nil {
			return audit, err
		}
	}
	r.life.RLock()
	defer r.life.RUnlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		audit = harness.Audit{At: time.Now().UTC().Truncate(time.Millisecond)}
		if err := r.compare(tx, &audit); err != nil {
			return err
		}
		text, err := json.Marshal(audit)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE runs SET audit = ? WHERE no = ?", string(text), r.no)
		return err
	})
	return audit, err
}

// addListed keeps what a platform lists; what is there already stays.
func (r *Run) addListed(ctx context.Context, listed []harness.Listed) error {
	r.life.RLock()
	defer r.life.RUnlock()
	return r.writeSoon(ctx, func(tx *sql.Tx) error {
		add := tx.Stmt(r.s.stmts.addListed)
		for _, l := range listed {
			trial := int64(l.Key.Trial)
			if trial < 1 || trial > maxTrial {
				trial = -1 // in no case of the run
			}
			known := l.Key != harness.Key{}
			if _, err := add.Exec(r.no, known, l.Key.Case, trial, l.RemoteID); err != nil {
				return fmt.Errorf("keep what the platform lists: %w", err)
			}
		}
		return nil
	})
}

// addListed makes a row of a listed result; its key is that of its trial.
func addListed() string {
	return fmt.Sprintf(`INSERT INTO listed (run, key, remote) VALUES (?1,
	CASE WHEN ?2 THEN CASE WHEN ?4 < 0 THEN %d ELSE coalesce((SELECT key FROM cases WHERE run = ?1 AND id = ?3) + ?4, %d) END ELSE %d END,
	?5) ON CONFLICT DO NOTHING`, keyUnknown, keyUnknown, keyNone)
}

// compare counts, by lookups in the index of listed: nothing is sorted or kept.
func (r *Run) compare(tx *sql.Tx, audit *harness.Audit) error {
	from, to := runKeys(r.no)
	err := tx.QueryRow(`SELECT count(*) FILTER (WHERE copies > 0), count(*) FILTER (WHERE copies = 0), coalesce(sum(copies - 1) FILTER (WHERE copies > 1), 0)
		FROM (SELECT (SELECT count(*) FROM listed WHERE run = ?1 AND key = outbox.key)
			+ EXISTS (SELECT 1 FROM listed WHERE run = ?1 AND key = ?2 AND remote = outbox.remote) AS copies
			FROM outbox WHERE outbox.key >= ?3 AND outbox.key < ?4 AND state = ?5)`,
		r.no, keyNone, from, to, statePosted).Scan(&audit.Found, &audit.Lost, &audit.Duplicated)
	if err != nil {
		return err
	}
	return tx.QueryRow(`SELECT count(*) FROM listed WHERE run = ? AND key >= ?
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.key = listed.key AND state = ?)`,
		r.no, keyUnknown, statePosted).Scan(&audit.Unexpected)
}

// clearListed deletes what was listed, a little at a time.
func (r *Run) clearListed(ctx context.Context) error {
	r.life.RLock()
	defer r.life.RUnlock()
	for more := true; more; {
		err := r.writeSoon(ctx, func(tx *sql.Tx) error {
			var key int64
			var remote string
			err := tx.QueryRow("SELECT key, remote FROM listed WHERE run = ? ORDER BY key, remote LIMIT 1 OFFSET ?", r.no, listedRows).Scan(&key, &remote)
			if more = err == nil; more {
				_, err = tx.Exec("DELETE FROM listed WHERE run = ? AND (key, remote) < (?, ?)", r.no, key, remote)
			} else if errors.Is(err, sql.ErrNoRows) {
				_, err = tx.Exec("DELETE FROM listed WHERE run = ?", r.no)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetAudit drops the outcome of an audit: it is not true any more.
func (r *Run) forgetAudit(tx *sql.Tx) error {
	_, err := tx.Exec("UPDATE runs SET audit = NULL WHERE no = ? AND audit IS NOT NULL", r.no)
	return err
}
