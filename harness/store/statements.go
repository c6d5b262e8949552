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
}

func (p *statements) prepare(ctx context.Context, db *sql.DB) error {
	for _, q := range []struct {
		into  **sql.Stmt
		query string
	}{} {
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
