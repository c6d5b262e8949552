package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/evalrun/evalrun/harness"
)

// PostQuery chooses among the results on their way to a platform; the zero value
// means all of them.
type PostQuery struct {
	// Case is the ID of the only case wanted.
	Case string
	// OnlyRejected leaves out what the platform did not reject.
	OnlyRejected bool
}

// Posts streams how far the results of a run have come on their way to a
// platform, in the order of the source. id is as in Info.
func (s *Store) Posts(ctx context.Context, id string, q PostQuery) iter.Seq2[harness.Receipt, error] {
	return func(yield func(harness.Receipt, error) bool) {
		if err := s.posts(ctx, id, q, yield); err != nil {
			yield(harness.Receipt{}, fmt.Errorf("store: posts of run %s: %w", id, s.explain(err)))
		}
	}
}

func (s *Store) posts(ctx context.Context, id string, q PostQuery, yield func(harness.Receipt, error) bool) error {
	run, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	from, to, err := s.keysOf(ctx, run.no, q.Case)
	if err != nil {
		return err
	}
	least := int64(statePending)
	if q.OnlyRejected {
		least = stateRejected
	}
	for {
		var chunk []harness.Receipt
		if chunk, from, err = s.postChunk(ctx, from, to, least); err != nil || len(chunk) == 0 {
			return err
		}
		for _, receipt := range chunk {
			if !yield(receipt, nil) {
				return nil
			}
		}
	}
}

// postChunk reads those of a range of keys whose state is least or beyond.
func (s *Store) postChunk(ctx context.Context, from, to, least int64) (chunk []harness.Receipt, next int64, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT outbox.key, cases.id, state, coalesce(remote, ''), coalesce(message, '')
		FROM outbox JOIN cases ON cases.key = outbox.key & ? WHERE outbox.key >= ? AND outbox.key < ? AND state >= ? ORDER BY outbox.key LIMIT ?`,
		int64(^maxTrial), from, to, least, chunkRows)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	for rows.Next() {
		var key, state int64
		var r harness.Receipt
		if err := rows.Scan(&key, &r.Key.Case, &state, &r.RemoteID, &r.Message); err != nil {
			return nil, 0, err
		}
		if err := inOrder(key, from, to); err != nil {
			return nil, 0, err
		}
		r.Key.Trial, r.State = keyTrial(key), stateName(state)
		chunk = append(chunk, r)
		from = key + 1
	}
	return chunk, from, rows.Err()
}
