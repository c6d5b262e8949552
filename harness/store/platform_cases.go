package store

import (
	"context"
	"database/sql"
	"encoding/json"
)

// PlatformCase is a test case of the local platform. It never changes.
type PlatformCase struct {
	ID, Dataset string
	// Schema is its dataset's.
	Schema string
	// Pos is its position in the dataset, from 0: it belongs to each version with
	// more Cases than that.
	Pos  int64
	Body json.RawMessage
}

// AddCases adds cases to a dataset, in their order and all or none of them. ID
// and Body are used.
func (p *Platform) AddCases(ctx context.Context, dataset string, cases []PlatformCase) error {
	return p.write(ctx, "add test cases", func(ctx context.Context, tx *sql.Tx) error {
		var total int64
		err := tx.QueryRowContext(ctx, "UPDATE platform_datasets SET cases = cases + ? WHERE id = ? RETURNING cases",
			len(cases), dataset).Scan(&total)
		if err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, "INSERT INTO platform_cases (id, dataset, pos, body) VALUES (?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }() // the transaction ends anyway
		first := total - int64(len(cases))
		for i, c := range cases {
			if _, err := insert.ExecContext(ctx, c.ID, dataset, first+int64(i), []byte(c.Body)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Cases gives the bodies of the cases of a dataset in a range of positions.
func (p *Platform) Cases(ctx context.Context, dataset string, r Range) ([]json.RawMessage, error) {
	items, err := p.bodies(ctx, "SELECT body FROM platform_cases WHERE dataset = ? AND pos >= ? AND pos < ? ORDER BY pos",
		dataset, r.From, r.From+r.N)
	return items, p.failed("list test cases", err)
}

// Case gives the body of one case of a dataset.
func (p *Platform) Case(ctx context.Context, dataset, id string) (json.RawMessage, error) {
	var body []byte
	err := p.s.read.QueryRowContext(ctx, "SELECT body FROM platform_cases WHERE id = ? AND dataset = ?", id, dataset).Scan(&body)
	return body, p.failed("test case", err)
}

// FindCases gives those of the cases that are there, of whatever datasets, by
// their IDs; with their bodies if asked.
func (p *Platform) FindCases(ctx context.Context, ids []string, bodies bool) (map[string]PlatformCase, error) {
	list, err := idList(ids)
	if err != nil {
		return nil, p.failed("find test cases", err)
	}
	found := make(map[string]PlatformCase, len(ids))
	err = p.each(ctx, func(rows *sql.Rows) error {
		var c PlatformCase
		var body []byte
		err := rows.Scan(&c.ID, &c.Dataset, &c.Schema, &c.Pos, &body)
		c.Body = body
		found[c.ID] = c
		return err
	}, `SELECT c.id, c.dataset, d.schema, c.pos, CASE WHEN ? THEN c.body END
		FROM json_each(?) AS wanted
		CROSS JOIN platform_cases AS c ON c.id = wanted.value
		CROSS JOIN platform_datasets AS d ON d.id = c.dataset`, bodies, list)
	return found, p.failed("find test cases", err)
}
