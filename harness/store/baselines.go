package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// schemaBaselines names runs that others are compared with. A name stands for one
// run of each suite and app.
const schemaBaselines = `
CREATE TABLE baselines (
	name  TEXT NOT NULL,
	suite TEXT NOT NULL,
	app   TEXT NOT NULL,
	run   TEXT NOT NULL,
	since INTEGER NOT NULL,
	PRIMARY KEY (name, suite, app)
) WITHOUT ROWID;
`

// Baseline is a run that others of its suite and app are compared with.
type Baseline struct {
	Name, Suite, App string
	// Run is the run's ID.
	Run string
	// Since is when the name was given to it.
	Since time.Time
}

// ErrBaselineName: a baseline can't have that name.
var ErrBaselineName = errors.New("not a name for a baseline")

// SetBaseline gives a run a name, in place of the run of the same suite and app
// that had it. id is as in Info; app may be "" where a suite has only one, whatever
// it is called.
func (s *Store) SetBaseline(ctx context.Context, name, id, app string) (Baseline, error) {
	b, err := s.setBaseline(ctx, name, id, app)
	if err != nil {
		return b, fmt.Errorf("store: baseline: %w", err)
	}
	return b, nil
}

func (s *Store) setBaseline(ctx context.Context, name, id, app string) (Baseline, error) {
	if err := checkBaselineName(name); err != nil {
		return Baseline{}, err
	}
	row, err := s.find(ctx, id)
	if err != nil {
		return Baseline{}, err
	}
	b := Baseline{Name: name, Suite: row.info.Spec.Suite, App: app, Run: row.info.ID, Since: time.Now()}
	return b, s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO baselines (name, suite, app, run, since) VALUES (?, ?, ?, ?, ?)",
			b.Name, b.Suite, b.App, b.Run, b.Since.UnixNano())
		return err
	})
}

// checkBaselineName refuses what could be a file, a flag or a run.
func checkBaselineName(name string) error {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./", r)
	}
	switch {
	case name == "" || len(name) > 100 || strings.ContainsFunc(name, odd) || strings.HasPrefix(name, "-"):
		return fmt.Errorf("%w: %q: letters, digits and - _ . / are fine", ErrBaselineName, name)
	case strings.HasSuffix(name, ".json"):
		return fmt.Errorf("%w: %q would be taken for a file", ErrBaselineName, name)
	case strings.EqualFold(name, "latest") || strings.EqualFold(name, "last"):
		return fmt.Errorf("%w: %q is always the newest run", ErrBaselineName, name)
	}
	return nil
}

// Baseline finds the run that has a name for a suite and an app; ErrNotFound when
// none has.
func (s *Store) Baseline(ctx context.Context, name, suite, app string) (Baseline, error) {
	b := Baseline{Name: name, Suite: suite, App: app}
	var since int64
	err := s.read.QueryRowContext(ctx, "SELECT run, since FROM baselines WHERE name = ? AND suite = ? AND app = ?", name, suite, app).
		Scan(&b.Run, &since)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return b, fmt.Errorf("store: baseline %q of suite %q: %w", name, suite, s.explain(err))
	}
	b.Since = time.Unix(0, since)
	return b, nil
}

// Baselines lists them by name, suite and app.
func (s *Store) Baselines(ctx context.Context) ([]Baseline, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, suite, app, run, since FROM baselines ORDER BY name, suite, app")
	if err != nil {
		return nil, fmt.Errorf("store: list baselines: %w", s.explain(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells of any trouble
	var out []Baseline
	for rows.Next() {
		var b Baseline
		var since int64
		if err := rows.Scan(&b.Name, &b.Suite, &b.App, &b.Run, &since); err != nil {
			return nil, fmt.Errorf("store: list baselines: %w", s.explain(err))
		}
		b.Since = time.Unix(0, since)
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: list baselines: %w", s.explain(err))
	}
	return out, nil
}

// RemoveBaseline takes a name away, from the runs of one suite or, with "", of all;
// the runs stay. It tells how many had it.
func (s *Store) RemoveBaseline(ctx context.Context, name, suite string) (int64, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		n, err = affected(tx.Exec("DELETE FROM baselines WHERE name = ? AND (suite = ? OR ? = '')", name, suite, suite))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: remove baseline %q: %w", name, err)
	}
	return n, nil
}
