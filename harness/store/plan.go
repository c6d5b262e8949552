package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/evalrun/evalrun/harness"
)

const insertCase = "INSERT INTO cases (key, run, id, origin, sum, data) VALUES (?, ?, ?, ?, ?, ?)"

// Plan keeps the cases of a page, each once, by Case.Seq, and returns the trials
// of them that have their results, and the pending results. It fails with ErrDuplicateCase when an ID is in the
// dataset twice, and with ErrDatasetChanged when a case is not what it was when
// the run began. The page is on disk by the time that a later Write returns.
func (r *Run) Plan(ctx context.Context, page []harness.Case) (harness.Planned, error) {
	var there harness.Planned
	if len(page) == 0 {
		return there, nil
	}
	r.life.RLock()
	defer r.life.RUnlock()
	r.pages.mu.Lock()
	defer r.pages.mu.Unlock()
	low, high, err := r.encodeCases(page)
	if err != nil {
		return there, r.failed("plan cases of", err)
	}
	err = r.writeSoon(ctx, func(tx *sql.Tx) error {
		there = harness.Planned{}
		if err := r.begin(tx); err != nil {
			return err
		}
		known := map[int64]bool{}
		if low <= r.stored.Load() { // some of the page may be there
			var err error
			if known, err = r.compareCases(tx, page, low, high); err == nil {
				there, err = r.there(tx, page, low, high)
			}
			if err != nil {
				return err
			}
		}
		return r.insertCases(tx, page, known)
	})
	if err != nil {
		return harness.Planned{}, r.failed("plan cases of", err)
	}
	r.running = true
	r.stored.Store(max(r.stored.Load(), high))
	r.planned = max(r.planned, high)
	return there, nil
}

// encodeCases makes the rows of a page and gives its first and last position.
func (r *Run) encodeCases(page []harness.Case) (low, high int64, err error) {
	r.pages.reset()
	enc := &r.pages.enc
	low, high = math.MaxInt64, -1
	for _, c := range page {
		if _, err := newKey(r.no, c.Seq, 1); err != nil {
			return 0, 0, fmt.Errorf("case %q: %w", c.ID, err)
		}
		from := len(enc.buf)
		if err := enc.testCase(c); err != nil {
			return 0, 0, err
		}
		end := len(enc.buf)
		r.pages.all = append(r.pages.all, row{key: caseKey(r.no, c.Seq), from: from, mid: end, to: end})
		low, high = min(low, c.Seq), max(high, c.Seq)
	}
	r.pages.fill()
	for i := range r.pages.all {
		row := &r.pages.all[i]
		row.sum = caseSum(row.key, page[i].ID, page[i].Origin, row.first)
	}
	return low, high, nil
}

func caseSum(key int64, id, origin string, data []byte) int64 {
	return checksum(key, 0, []byte(id), []byte(origin), data)
}

func (r *Run) insertCases(tx *sql.Tx, page []harness.Case, known map[int64]bool) error {
	insert := tx.Stmt(r.s.stmts.insertCase)
	var n int64
	for i, row := range r.pages.all {
		if known[row.key] {
			continue
		}
		_, err := insert.Exec(row.key, r.no, page[i].ID, page[i].Origin, row.sum, row.first)
		if constraint(err) {
			return r.explainCase(tx, page[i], err)
		}
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return nil
	}
	_, err := tx.Exec("UPDATE counts SET cases = cases + ? WHERE run = ?", n, r.no)
	return err
}

// explainCase says why a case could not be inserted.
func (r *Run) explainCase(tx *sql.Tx, c harness.Case, cause error) error {
	var key int64
	var origin string
	err := tx.QueryRow("SELECT key, origin FROM cases WHERE run = ? AND id = ?", r.no, c.ID).Scan(&key, &origin)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("two cases are at position %d of the source, one of them is %q: %w", c.Seq, c.ID, cause)
	case err != nil:
		return err
	case keySeq(key) > max(r.planned, c.Seq): // planned before the run was resumed, not since
		return fmt.Errorf("%w: case %q (%s) was number %d when the run began, and is number %d", ErrDatasetChanged, c.ID, place(c.Origin), keySeq(key)+1, c.Seq+1)
	}
	return fmt.Errorf("%w: %q is at %s and at %s", ErrDuplicateCase, c.ID, place(origin), place(c.Origin))
}

func place(origin string) string {
	if origin == "" {
		return "an unnamed place"
	}
	return origin
}

// compareCases checks the cases of the page that are in the database already
// against what they were, and gives their keys.
func (r *Run) compareCases(tx *sql.Tx, page []harness.Case, low, high int64) (map[int64]bool, error) {
	at := make(map[int64]int, len(page))
	for i, row := range r.pages.all {
		at[row.key] = i
	}
	rows, err := tx.Query("SELECT key, id, data FROM cases WHERE key BETWEEN ? AND ?", caseKey(r.no, low), caseKey(r.no, high))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	known := map[int64]bool{}
	for rows.Next() {
		var key int64
		var id string
		var data sql.RawBytes
		if err := rows.Scan(&key, &id, &data); err != nil {
			return nil, err
		}
		i, ok := at[key]
		if !ok {
			continue // the source left it out this time
		}
		c := page[i]
		if id != c.ID {
			return nil, fmt.Errorf("%w: case number %d (%s) is %q and was %q when the run began", ErrDatasetChanged, c.Seq+1, place(c.Origin), c.ID, id)
		}
		if !bytes.Equal(data, r.pages.all[i].first) {
			return nil, fmt.Errorf("%w: case %q (%s) is not what it was when the run began", ErrDatasetChanged, c.ID, place(c.Origin))
		}
		known[key] = true
	}
	return known, rows.Err()
}

// there tells what is stored of the trials of the page's cases.
func (r *Run) there(tx *sql.Tx, page []harness.Case, low, high int64) (there harness.Planned, err error) {
	at := make(map[int64]int, len(page))
	for i, c := range page {
		at[c.Seq] = i
	}
	var pending []int64
	if there.Finished, pending, err = r.stand(tx, page, at, low, high); err != nil {
		return there, err
	}
	for _, key := range pending {
		result, err := answered(tx, key, page[at[keySeq(key)]])
		if err != nil {
			return there, err
		}
		there.Answered = append(there.Answered, result)
	}
	return there, nil
}

// stand lists the trials that have a whole result, and the keys of the pending
// ones; at is where a position is in the page.
func (r *Run) stand(tx *sql.Tx, page []harness.Case, at map[int64]int, low, high int64) (finished []harness.Key, pending []int64, err error) {
	rows, err := tx.Query("SELECT key, flags FROM results WHERE key >= ? AND key < ? ORDER BY key", caseKey(r.no, low), caseKey(r.no, high+1))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	for rows.Next() {
		var key, flags int64
		if err := rows.Scan(&key, &flags); err != nil {
			return nil, nil, err
		}
		i, ok := at[keySeq(key)]
		switch {
		case !ok: // the source left it out this time
		case flags&flagPending != 0:
			pending = append(pending, key)
		default:
			finished = append(finished, harness.Key{Case: page[i].ID, Trial: keyTrial(key)})
		}
	}
	return finished, pending, rows.Err()
}

// answered reads the pending result of a case.
func answered(tx *sql.Tx, key int64, c harness.Case) (harness.Result, error) {
	row := resultRow{key: key, id: c.ID}
	var answer, scores []byte
	err := tx.QueryRow("SELECT flags, sum, answer, scores FROM results WHERE key = ?", key).Scan(&row.flags, &row.sum, &answer, &scores)
	if err != nil {
		return harness.Result{}, err
	}
	row.answer, row.scores = answer, scores
	return row.result(&c)
}
