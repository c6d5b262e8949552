package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/evalrun/evalrun/harness"
)

// Create begins a run and takes its lock.
func (s *Store) Create(ctx context.Context, spec Spec) (*Run, error) {
	r, err := s.create(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("store: create a run: %w", err)
	}
	return r, nil
}

func (s *Store) create(ctx context.Context, spec Spec) (*Run, error) {
	if spec.Trials < 0 || spec.Trials > maxTrial {
		return nil, fmt.Errorf("%d trials per case: it can be 1 to %d", spec.Trials, maxTrial)
	}
	text, publish, err := spec.encode()
	if err != nil {
		return nil, err
	}
	r := newRun(s, spec)
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := r.release(); err != nil { // of a first attempt in a group
			return err
		}
		var last string
		err := tx.QueryRow("SELECT no, id FROM runs ORDER BY no DESC LIMIT 1").Scan(&r.no, &last)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if r.no++; r.no > maxRun {
			return fmt.Errorf("the store is full: it holds up to %d runs", maxRun)
		}
		now := time.Now()
		if r.id, err = nextID(now, last); err != nil {
			return err
		}
		if r.lock, err = s.lockRun(ctx, r.id); err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO runs (no, id, spec, publish, status, reasons, started) VALUES (?, ?, ?, ?, ?, '[]', ?)",
			r.no, r.id, text, publish, Running, now.UnixNano()); err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO counts (run) VALUES (?)", r.no)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, r.release())
	}
	return r, nil
}

// nextID gives a ULID that sorts after last, even when the clock went back.
func nextID(now time.Time, last string) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return "", err
	}
	if last == "" || id.String() > last {
		return id.String(), nil
	}
	id, err = ulid.ParseStrict(last)
	if err != nil {
		return "", fmt.Errorf("%w: run ID %q: %w", ErrDamaged, last, err)
	}
	for i := len(id) - 1; i >= 0; i-- { // add one
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id.String(), nil
}

// Resume takes up a run again and takes its lock; id is as in Info. It fails
// with ErrLocked when a process writes the run, and with ErrNotFound. What the
// run was told by Finish stands until Plan, ForgetErrored or Reopen changes the run.
func (s *Store) Resume(ctx context.Context, id string) (*Run, error) {
	r, err := s.resume(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("store: resume: %w", err)
	}
	return r, nil
}

func (s *Store) resume(ctx context.Context, id string) (*Run, error) {
	row, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	l, err := s.lockRun(ctx, row.info.ID)
	if err != nil {
		return nil, err
	}
	if row, err = s.find(ctx, row.info.ID); err != nil { // as the last writer left it
		return nil, errors.Join(err, l.release())
	}
	r := newRun(s, row.info.Spec)
	r.no, r.id, r.lock, r.running = row.no, row.info.ID, l, row.info.Status == Running
	from, to := runKeys(r.no)
	var last sql.NullInt64
	if err := s.read.QueryRowContext(ctx, "SELECT max(key) FROM cases WHERE key >= ? AND key < ?", from, to).Scan(&last); err != nil {
		return nil, errors.Join(s.explain(err), l.release())
	}
	if last.Valid {
		r.stored.Store(keySeq(last.Int64))
	}
	return r, nil
}

// Runs lists the runs, newest first.
func (s *Store) Runs(ctx context.Context) ([]Info, error) {
	rows, err := s.runs(ctx, "ORDER BY no DESC")
	if err != nil {
		return nil, fmt.Errorf("store: list runs: %w", err)
	}
	infos := make([]Info, len(rows))
	for i, row := range rows {
		if err := s.observe(ctx, &row); err != nil {
			return nil, fmt.Errorf("store: list runs: %w", err)
		}
		infos[i] = row.info
	}
	return infos, nil
}

// Info tells of one run. id is its ID, a beginning of it that no other has, or
// "latest" (or "last") for the newest; upper and lower case are alike. Errors
// are ErrNotFound, and ErrAmbiguous with the candidates.
func (s *Store) Info(ctx context.Context, id string) (Info, error) {
	row, err := s.find(ctx, id)
	if err == nil {
		err = s.observe(ctx, &row)
	}
	if err != nil {
		return Info{}, fmt.Errorf("store: %w", err)
	}
	return row.info, nil
}

// observe turns Running into Interrupted when no process has the lock.
func (s *Store) observe(ctx context.Context, row *runRow) error {
	info := &row.info
	if info.Status != Running {
		return nil
	}
	locked, err := s.locked(info.ID)
	if err == nil && !locked {
		info.Status = Interrupted
		info.Asked, err = s.wereAsked(ctx, *row)
	}
	return err
}

// runRow is a row of runs with its counts.
type runRow struct {
	no   int64
	info Info
}

// find looks a run up by what a user may call it.
func (s *Store) find(ctx context.Context, id string) (runRow, error) {
	var rows []runRow
	var err error
	name := strings.ToUpper(strings.TrimSpace(id))
	switch {
	case name == "LATEST" || name == "LAST":
		rows, err = s.runs(ctx, "ORDER BY no DESC LIMIT 1")
	case name == "" || strings.Trim(name, ulid.Encoding) != "":
		return runRow{}, fmt.Errorf("run %q: %w", id, ErrNotFound)
	default: // every ID with the prefix is below the prefix and a character beyond Z
		rows, err = s.runs(ctx, "WHERE id >= ? AND id < ? || '~' ORDER BY no DESC LIMIT 6", name, name)
	}
	switch {
	case err != nil:
		return runRow{}, err
	case len(rows) == 0 && (name == "LATEST" || name == "LAST"):
		return runRow{}, fmt.Errorf("run %q: %w: %s holds no run", id, ErrNotFound, s.dir)
	case len(rows) == 0:
		return runRow{}, fmt.Errorf("run %q: %w in %s", id, ErrNotFound, s.dir)
	case len(rows) > 1:
		return runRow{}, fmt.Errorf("run %q: %w: it may be %s", id, ErrAmbiguous, candidates(rows))
	}
	return rows[0], nil
}

func candidates(rows []runRow) string {
	var names []string
	for _, row := range rows[:min(len(rows), 5)] {
		names = append(names, row.info.ID)
	}
	if len(rows) > 5 {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

func (s *Store) runs(ctx context.Context, where string, args ...any) ([]runRow, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT no, id, spec, publish, audit, status, reasons, started, finished, planned,
		cases, completed, errored, pending, posting, posted, rejected
		FROM runs JOIN counts ON counts.run = runs.no `+where, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	var out []runRow
	for rows.Next() {
		var row runRow
		if err = row.scan(rows); err != nil {
			break
		}
		out = append(out, row)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, s.explain(err)
	}
	return out, nil
}

func (r *runRow) scan(rows *sql.Rows) error {
	var spec, reasons string
	var publish, audit sql.NullString
	var started, cases int64
	var finished, planned sql.NullInt64
	i, p := &r.info, &r.info.Posts
	err := rows.Scan(&r.no, &i.ID, &spec, &publish, &audit, &i.Status, &reasons, &started, &finished, &planned,
		&cases, &i.Completed, &i.Errored, &p.Pending, &p.Posting, &p.Posted, &p.Rejected)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(spec), &i.Spec); err != nil {
		return fmt.Errorf("%w: spec of run %s: %w", ErrDamaged, i.ID, err)
	}
	if err := json.Unmarshal([]byte(reasons), &i.Reasons); err != nil {
		return fmt.Errorf("%w: reasons of run %s: %w", ErrDamaged, i.ID, err)
	}
	if publish.Valid {
		i.Spec.Publish = new(Publish)
		if err := json.Unmarshal([]byte(publish.String), i.Spec.Publish); err != nil {
			return fmt.Errorf("%w: publishing of run %s: %w", ErrDamaged, i.ID, err)
		}
	}
	if audit.Valid {
		i.Audit = new(harness.Audit)
		if err := json.Unmarshal([]byte(audit.String), i.Audit); err != nil {
			return fmt.Errorf("%w: audit of run %s: %w", ErrDamaged, i.ID, err)
		}
	}
	i.Started = time.Unix(0, started)
	if finished.Valid {
		i.Finished = time.Unix(0, finished.Int64)
	}
	i.Planned = cases
	if i.Status != Running { // else what an earlier Finish was told
		i.Planned = max(cases, planned.Int64)
	}
	return nil
}
