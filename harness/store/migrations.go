package store

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations gives the steps that make the schema, in order: step i takes a
// database from user_version i to i+1. A step that was released never changes;
// new tables and columns come as a new step at the end.
func migrations() []string {
	return []string{
		schemaRuns,      // runs, cases, results, outbox: see doc.go
		schemaPlatform,  // the local platform: see platform.go
		schemaPending,   // pending results
		schemaAudit,     // what a platform was found to hold
		schemaBaselines, // names of runs to compare with
	}
}

// schemaRuns holds the runs. Keys are made by newKey; sums by checksum.
const schemaRuns = `
CREATE TABLE runs (
	no       INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	spec     TEXT NOT NULL,
	publish  TEXT,
	status   TEXT NOT NULL,
	reasons  TEXT NOT NULL,
	started  INTEGER NOT NULL,
	finished INTEGER,
	planned  INTEGER
);
CREATE TABLE counts (
	run       INTEGER PRIMARY KEY,
	cases     INTEGER NOT NULL DEFAULT 0,
	completed INTEGER NOT NULL DEFAULT 0,
	errored   INTEGER NOT NULL DEFAULT 0,
	queued    INTEGER NOT NULL DEFAULT 0,
	pending   INTEGER NOT NULL DEFAULT 0,
	posting   INTEGER NOT NULL DEFAULT 0,
	posted    INTEGER NOT NULL DEFAULT 0,
	rejected  INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE cases (
	key    INTEGER PRIMARY KEY,
	run    INTEGER NOT NULL,
	id     TEXT NOT NULL,
	origin TEXT NOT NULL,
	sum    INTEGER NOT NULL,
	data   BLOB NOT NULL
);
CREATE UNIQUE INDEX cases_by_id ON cases (run, id);
CREATE TABLE results (
	key    INTEGER PRIMARY KEY,
	flags  INTEGER NOT NULL,
	sum    INTEGER NOT NULL,
	answer BLOB NOT NULL,
	scores BLOB
);
CREATE INDEX results_flagged ON results (key) WHERE flags <> 0;
CREATE TABLE outbox (
	key     INTEGER PRIMARY KEY,
	run     INTEGER NOT NULL,
	no      INTEGER NOT NULL,
	state   INTEGER NOT NULL,
	remote  TEXT,
	message TEXT
);
CREATE INDEX outbox_open ON outbox (run, state, no) WHERE state < 2;
`

// schemaPending changes no table. It keeps programs out that know nothing of
// pending results, which are flagged rows of results, and would take them for
// whole ones. Those programs let the number of planned cases get too small.
const schemaPending = `
UPDATE runs SET planned = (SELECT cases FROM counts WHERE run = no)
	WHERE planned < (SELECT cases FROM counts WHERE run = no);
`

// schemaAudit keeps what the last audit of a run found, and what a platform lists
// while an audit runs.
const schemaAudit = `
ALTER TABLE runs ADD COLUMN audit TEXT;
CREATE TABLE listed (
	run    INTEGER NOT NULL,
	key    INTEGER NOT NULL,
	remote TEXT NOT NULL,
	PRIMARY KEY (run, key, remote)
) WITHOUT ROWID;
`

// migrate brings the database up to the last of the steps, all in one
// transaction, whichever process gets there first.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	version, err := userVersion(ctx, db)
	if err != nil || version == len(steps) {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if version, err = userVersion(ctx, tx); err != nil {
		return err
	}
	if version > len(steps) || version < 0 {
		return fmt.Errorf("%w: it has schema version %d, this program knows up to %d", ErrNewer, version, len(steps))
	}
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", version+i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(steps))); err != nil {
		return err
	}
	return tx.Commit()
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func userVersion(ctx context.Context, q querier) (int, error) {
	var version int
	err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}
