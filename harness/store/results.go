package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/evalrun/evalrun/harness"
)

// A chunk of rows is read at once and then handed out, so that no reader keeps
// the write-ahead log from being emptied while its caller takes its time.
const (
	chunkRows  = 256
	chunkBytes = 1 << 20
)

// Query chooses among the results of a run. The zero value chooses all.
type Query struct {
	// Case is the ID of the only case wanted.
	Case string
	// OnlyErrored leaves out the results without an error of the app or of an
	// evaluator; OnlyFailed those that no score says are wrong. With both, a
	// result needs one of the two.
	OnlyErrored, OnlyFailed bool
	// Pending chooses the answers whose scores are still to come, and nothing
	// else; without it they are left out. OnlyErrored and OnlyFailed then mean
	// nothing.
	Pending bool
}

// runResultColumns are what resultRow scans.
const runResultColumns = "results.key, flags, results.sum, answer, scores, cases.id, origin, cases.sum, data"

// Results streams the results of a run by case, in the order of the source, and
// trial, in constant memory. id is as in Info. What is written meanwhile may be
// left out. After an error, which may be ErrDamaged, nothing follows.
func (s *Store) Results(ctx context.Context, id string, q Query) iter.Seq2[harness.Result, error] {
	return func(yield func(harness.Result, error) bool) {
		if err := s.results(ctx, id, q, yield); err != nil {
			yield(harness.Result{}, fmt.Errorf("store: results of run %s: %w", id, s.explain(err)))
		}
	}
}

// results yields until all is read, yield says stop (both nil) or it fails.
func (s *Store) results(ctx context.Context, id string, q Query, yield func(harness.Result, error) bool) error {
	run, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	from, to, err := s.keysOf(ctx, run.no, q.Case)
	if err != nil {
		return err
	}
	query := q.sql()
	var chunk []harness.Result
	n := int64(0)
	for from < to {
		if chunk, from, err = s.chunk(ctx, query, chunk[:0], from, to); err != nil {
			return err
		}
		n += int64(len(chunk))
		for i := range chunk {
			if !yield(chunk[i], nil) {
				return nil
			}
			chunk[i] = harness.Result{} // let its memory go
		}
	}
	return s.complete(ctx, run, q, n)
}

// keysOf is the range of keys of a run's results, or of those of one case.
func (s *Store) keysOf(ctx context.Context, run int64, id string) (from, to int64, err error) {
	if id == "" {
		from, to = runKeys(run)
		return from, to, nil
	}
	err = s.read.QueryRowContext(ctx, "SELECT key FROM cases WHERE run = ? AND id = ?", run, id).Scan(&from)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("case %q: %w", id, ErrNotFound)
	}
	return from, from + maxTrial + 1, err
}

// complete checks that all results of a run were read, n of them: damage can also
// make rows vanish. Only a run that nobody wrote meanwhile can be checked.
func (s *Store) complete(ctx context.Context, before runRow, q Query, n int64) error {
	if q != (Query{}) || n == before.info.Completed || before.info.Status == Running {
		return nil
	}
	now, err := s.find(ctx, before.info.ID)
	if err != nil {
		return err
	}
	if now.info.Completed == before.info.Completed && now.info.Status != Running {
		return fmt.Errorf("%w: %d results are there, %d were written", ErrDamaged, n, now.info.Completed)
	}
	return nil
}

// sql is the query for the chunk of keys from ? to ?.
func (q Query) sql() string {
	flags, index, where := 0, "", fmt.Sprintf("flags & %d = 0 AND", flagPending)
	if q.OnlyErrored {
		flags |= flagErrored
	}
	if q.OnlyFailed {
		flags |= flagFailed
	}
	if q.Pending {
		flags = flagPending
	}
	if flags != 0 {
		index = "INDEXED BY results_flagged"
		where = fmt.Sprintf("flags <> 0 AND flags & %d <> 0 AND", flags)
	}
	return fmt.Sprintf(`SELECT %s FROM results %s JOIN cases ON cases.key = results.key & %d
		WHERE %s results.key >= ? AND results.key < ? ORDER BY results.key LIMIT %d`, runResultColumns, index, ^maxTrial, where, chunkRows)
}

// chunk reads the first results from a key on, and gives the key to go on from: to
// when there are no more.
func (s *Store) chunk(ctx context.Context, query string, chunk []harness.Result, from, to int64) ([]harness.Result, int64, error) {
	rows, err := s.read.QueryContext(ctx, query, from, to)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	var row resultRow
	var last *harness.Case
	for size := 0; size < chunkBytes; {
		if !rows.Next() {
			if len(chunk) < chunkRows {
				from = to
			}
			break
		}
		if err := row.scan(rows); err != nil {
			return nil, 0, err
		}
		if err := inOrder(row.key, from, to); err != nil {
			return nil, 0, err
		}
		result, err := row.result(last)
		if err != nil {
			return nil, 0, err
		}
		chunk = append(chunk, result)
		last = &chunk[len(chunk)-1].Case
		from = row.key + 1
		size += len(row.answer) + len(row.scores) + len(row.data)
	}
	return chunk, from, rows.Err()
}

// inOrder checks that SQLite gave a row that was asked for: in a damaged file it
// may give any, again and again.
func inOrder(key, from, to int64) error {
	if key < from || key >= to {
		return fmt.Errorf("%w: its rows are out of order", ErrDamaged)
	}
	return nil
}

// resultRow is a row of runResultColumns.
type resultRow struct {
	key, flags, sum, caseSum int64
	answer, scores, data     sql.RawBytes
	id, origin               string
}

func (r *resultRow) scan(rows *sql.Rows) error {
	return rows.Scan(&r.key, &r.flags, &r.sum, &r.answer, &r.scores, &r.id, &r.origin, &r.caseSum, &r.data)
}

// result decodes the row. last is the case of the row before, which is taken
// again when it is the same.
func (r *resultRow) result(last *harness.Case) (harness.Result, error) {
	result := harness.Result{Trial: keyTrial(r.key), Pending: r.flags&flagPending != 0}
	if r.sum != checksum(r.key, r.flags, r.answer, r.scores) {
		return result, fmt.Errorf("%w: result of case %q, trial %d is not what was written", ErrDamaged, r.id, result.Trial)
	}
	if err := decodeAnswer(r.answer, &result); err != nil {
		return result, fmt.Errorf("%w: output of case %q, trial %d: %w", ErrDamaged, r.id, result.Trial, err)
	}
	if err := decodeScores(r.scores, &result); err != nil {
		return result, fmt.Errorf("%w: scores of case %q, trial %d: %w", ErrDamaged, r.id, result.Trial, err)
	}
	if last != nil && last.Seq == keySeq(r.key) {
		result.Case = *last
		return result, nil
	}
	c, err := storedCase(r.key&^maxTrial, r.caseSum, r.id, r.origin, r.data)
	result.Case = c
	return result, err
}

// storedCase checks and decodes a row of cases.
func storedCase(key, sum int64, id, origin string, data []byte) (harness.Case, error) {
	c := harness.Case{ID: id, Origin: origin, Seq: keySeq(key)}
	if sum != caseSum(key, id, origin, data) {
		return c, fmt.Errorf("%w: case %q is not what was written", ErrDamaged, id)
	}
	if err := decodeCase(data, &c); err != nil {
		return c, fmt.Errorf("%w: case %q: %w", ErrDamaged, id, err)
	}
	return c, nil
}

// Cases streams the cases that were planned, in the order of the source. id is as
// in Info.
func (s *Store) Cases(ctx context.Context, id string) iter.Seq2[harness.Case, error] {
	return func(yield func(harness.Case, error) bool) {
		if err := s.cases(ctx, id, yield); err != nil {
			yield(harness.Case{}, fmt.Errorf("store: cases of run %s: %w", id, s.explain(err)))
		}
	}
}

func (s *Store) cases(ctx context.Context, id string, yield func(harness.Case, error) bool) error {
	run, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	from, to := runKeys(run.no)
	for {
		var chunk []harness.Case
		if chunk, from, err = s.caseChunk(ctx, from, to); err != nil || len(chunk) == 0 {
			return err
		}
		for _, c := range chunk {
			if !yield(c, nil) {
				return nil
			}
		}
	}
}

func (s *Store) caseChunk(ctx context.Context, from, to int64) (chunk []harness.Case, next int64, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT key, sum, id, origin, data FROM cases WHERE key >= ? AND key < ? ORDER BY key LIMIT ?", from, to, chunkRows)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	for size := 0; size < chunkBytes && rows.Next(); {
		var key, sum int64
		var id, origin string
		var data sql.RawBytes
		if err := rows.Scan(&key, &sum, &id, &origin, &data); err != nil {
			return nil, 0, err
		}
		if err := inOrder(key, from, to); err != nil {
			return nil, 0, err
		}
		c, err := storedCase(key, sum, id, origin, data)
		if err != nil {
			return nil, 0, err
		}
		chunk = append(chunk, c)
		from = key + 1
		size += len(data)
	}
	return chunk, from, rows.Err()
}
