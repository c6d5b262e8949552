package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are prepared once on the writing connection; tx.Stmt uses them in a
// transaction. Only the hot ones are here.
type statements struct {
	all []*sql.Stmt

	insertCase, insertResult, addCounts, insertPost *sql.Stmt
	findPost, setPost, claimable, addListed         *sql.Stmt
}

func (p *statements) prepare(ctx context.Context, db *sql.DB) error {
	for _, q := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&p.insertCase, insertCase},
		{&p.insertResult, insertResult},
		{&p.addCounts, addCounts},
		{&p.insertPost, insertPost},
		{&p.findPost, `SELECT outbox.key, state FROM outbox WHERE key =
			(SELECT cases.key FROM cases WHERE run = ? AND id = ?) + ?`},
		{&p.addListed, addListed()},
		{&p.setPost, "UPDATE outbox SET state = ?, remote = ?, message = ? WHERE key = ?"},
		{&p.claimable, fmt.Sprintf(`SELECT %s FROM outbox INDEXED BY outbox_open
			CROSS JOIN results ON results.key = outbox.key CROSS JOIN cases ON cases.key = outbox.key & %d
			WHERE outbox.run = ? AND state = 0 AND state < 2 ORDER BY no LIMIT ?`, runResultColumns, ^maxTrial)},
	} {
		stmt, err := db.PrepareContext(ctx, q.query)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", q.query, err)
		}
		*q.into = stmt
		p.all = append(p.all, stmt)
	}
	return nil
}

func (p *statements) close() error {
	var errs []error
	for _, stmt := range p.all {
		errs = append(errs, stmt.Close())
	}
	p.all = nil
	return errors.Join(errs...)
}
