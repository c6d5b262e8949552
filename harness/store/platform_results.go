package store

import (
	"context"
	"database/sql"
	"encoding/json"
)

// The states of a result of the local platform, which are the real one's too.
const (
	PlatformPending   = "PENDING"
	PlatformCompleted = "COMPLETED"
	PlatformFailed    = "FAILED"
)

// PlatformResult is a test case result of the local platform.
type PlatformResult struct {
	ID string
	// Dataset is the one of its test case.
	Dataset string
	// Status is one of the Platform states.
	Status string
	Body   json.RawMessage
}

// AddResults adds results to an evaluation, in their order and all or none of
// them. now is the time of the write, as the server writes times.
func (p *Platform) AddResults(ctx context.Context, evaluation string, results []PlatformResult, now string) error {
	return p.write(ctx, "add test case results", func(ctx context.Context, tx *sql.Tx) error {
		var change tally
		for _, r := range results {
			change.count(r.Status, 1)
		}
		total, err := change.apply(ctx, tx, evaluation, now)
		if err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, "INSERT INTO platform_results (id, evaluation, pos, dataset, status, body) VALUES (?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }() // the transaction ends anyway
		first := total - int64(len(results))
		for i, r := range results {
			if _, err := insert.ExecContext(ctx, r.ID, evaluation, first+int64(i), r.Dataset, r.Status, []byte(r.Body)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Results gives the bodies of the results of an evaluation in a range of
// positions, in the order in which they were added.
func (p *Platform) Results(ctx context.Context, evaluation string, r Range) ([]json.RawMessage, error) {
	items, err := p.bodies(ctx, "SELECT body FROM platform_results WHERE evaluation = ? AND pos >= ? AND pos < ? ORDER BY pos",
		evaluation, r.From, r.From+r.N)
	return items, p.failed("list test case results", err)
}

// Result gives one result of an evaluation.
func (p *Platform) Result(ctx context.Context, evaluation, id string) (PlatformResult, error) {
	r, err := scanResult(p.s.read.QueryRowContext(ctx, resultColumns, id, evaluation))
	return r, p.failed("test case result", err)
}

// ChangeResult replaces one result of an evaluation by what change makes of it.
// No other write comes between. change may be called more than once; its error
// leaves the result as it was.
func (p *Platform) ChangeResult(ctx context.Context, evaluation, id, now string, change func(PlatformResult) (PlatformResult, error)) (PlatformResult, error) {
	var changed PlatformResult
	err := p.write(ctx, "change test case result", func(ctx context.Context, tx *sql.Tx) error {
		old, err := scanResult(tx.QueryRowContext(ctx, resultColumns, id, evaluation))
		if err != nil {
			return err
		}
		if changed, err = change(old); err != nil {
			return err
		}
		var moved tally
		moved.count(old.Status, -1)
		moved.count(changed.Status, 1)
		if _, err := moved.apply(ctx, tx, evaluation, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE platform_results SET dataset = ?, status = ?, body = ? WHERE id = ?",
			changed.Dataset, changed.Status, []byte(changed.Body), id)
		return err
	})
	return changed, err
}

const resultColumns = "SELECT id, dataset, status, body FROM platform_results WHERE id = ? AND evaluation = ?"

func scanResult(row scanner) (r PlatformResult, err error) {
	var body []byte
	err = row.Scan(&r.ID, &r.Dataset, &r.Status, &body)
	r.Body = body
	return r, err
}

// tally is a change of the counts of an evaluation.
type tally struct{ total, completed, failed int64 }

func (t *tally) count(status string, n int64) {
	t.total += n
	switch status {
	case PlatformCompleted:
		t.completed += n
	case PlatformFailed:
		t.failed += n
	}
}

// apply changes the counts and gives the new total. The evaluation is finished
// when all of its results, and at least one, are completed.
func (t tally) apply(ctx context.Context, tx *sql.Tx, evaluation, now string) (total int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE platform_evaluations SET
			total = total + ?1, completed = completed + ?2, failed = failed + ?3,
			finished = CASE WHEN total + ?1 > 0 AND total + ?1 = completed + ?2 THEN ?4 ELSE '' END
		WHERE id = ?5 RETURNING total`, t.total, t.completed, t.failed, now, evaluation).Scan(&total)
	return total, err
}
