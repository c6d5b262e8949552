package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// schemaPlatform holds the local platform. Each body is a JSON object; the other
// columns are what is searched, counted or changed. Nothing is ever deleted, and
// cases never change, so the position of an item in its list is a plain counter:
// a page is a range of an index, and a version of a dataset is a number of cases.
const schemaPlatform = `
CREATE TABLE platform_datasets (
	no      INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	account TEXT NOT NULL,
	schema  TEXT NOT NULL,
	cases   INTEGER NOT NULL DEFAULT 0,
	body    BLOB NOT NULL
);
CREATE TABLE platform_versions (
	no        INTEGER PRIMARY KEY,
	id        TEXT NOT NULL UNIQUE,
	dataset   TEXT NOT NULL,
	num       INTEGER NOT NULL,
	cases     INTEGER NOT NULL DEFAULT 0,
	published TEXT NOT NULL DEFAULT '',
	body      BLOB NOT NULL
);
CREATE UNIQUE INDEX platform_versions_by_num ON platform_versions (dataset, num);
CREATE TABLE platform_cases (
	no      INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	dataset TEXT NOT NULL,
	pos     INTEGER NOT NULL,
	body    BLOB NOT NULL
);
CREATE UNIQUE INDEX platform_cases_by_pos ON platform_cases (dataset, pos);
CREATE TABLE platform_specs (
	no      INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	account TEXT NOT NULL,
	body    BLOB NOT NULL
);
CREATE TABLE platform_evaluations (
	no        INTEGER PRIMARY KEY,
	id        TEXT NOT NULL UNIQUE,
	account   TEXT NOT NULL,
	spec      TEXT NOT NULL,
	total     INTEGER NOT NULL DEFAULT 0,
	completed INTEGER NOT NULL DEFAULT 0,
	failed    INTEGER NOT NULL DEFAULT 0,
	finished  TEXT NOT NULL DEFAULT '',
	body      BLOB NOT NULL
);
CREATE TABLE platform_results (
	no         INTEGER PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	evaluation TEXT NOT NULL,
	pos        INTEGER NOT NULL,
	dataset    TEXT NOT NULL,
	status     TEXT NOT NULL,
	body       BLOB NOT NULL
);
CREATE UNIQUE INDEX platform_results_by_pos ON platform_results (evaluation, pos);
CREATE INDEX platform_results_by_dataset ON platform_results (evaluation, dataset);
`

// Platform is the part of the store that harness/sgp/sgpserver serves as an
// evaluation platform: datasets with versions and cases, application specs,
// evaluations and their results. It keeps what it is given: the bodies are
// opaque JSON objects, and checking them is the server's affair. Methods that
// look for one thing give ErrNotFound when it is not there.
type Platform struct{ s *Store }

// Platform gives the local platform.
func (s *Store) Platform() *Platform { return &Platform{s} }

// Range is a part of a list: N items from position From, counted from 0.
type Range struct{ From, N int64 }

// write runs fn in a synced transaction and says what was being done when it
// fails. fn may run more than once. Its context does not end with ctx: others'
// writes share the transaction.
func (p *Platform) write(ctx context.Context, what string, fn func(ctx context.Context, tx *sql.Tx) error) error {
	err := p.s.write(ctx, func(tx *sql.Tx) error { return fn(context.WithoutCancel(ctx), tx) })
	return p.failed(what, err)
}

// failed says what was being done when something failed; nil stays nil.
func (p *Platform) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("platform: %s: %w", what, p.explain(err))
}

func (p *Platform) explain(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return p.s.explain(err)
}

// each runs a query and calls scan for each row.
func (p *Platform) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := p.s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has the failure, if there is one
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// bodies runs a query of one column that holds bodies.
func (p *Platform) bodies(ctx context.Context, query string, args ...any) ([]json.RawMessage, error) {
	var out []json.RawMessage
	err := p.each(ctx, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		out = append(out, body)
		return nil
	}, query, args...)
	return out, err
}

// idList is a list of IDs as the argument of SQLite's json_each.
func idList(ids []string) (string, error) {
	data, err := json.Marshal(ids)
	return string(data), err
}
