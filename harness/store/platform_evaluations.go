package store

import (
	"context"
	"database/sql"
	"encoding/json"
)

// PlatformSpec is an application spec of the local platform.
type PlatformSpec struct {
	ID, Account string
	Body        json.RawMessage
}

// PlatformEvaluation is an evaluation of the local platform.
type PlatformEvaluation struct {
	ID, Account string
	// Spec is the ID of the application spec.
	Spec string
	// Total, Completed and Failed count its results. Kept by the store, as is
	// Finished: when the last of them was completed, "" while any is not.
	Total, Completed, Failed int64
	Finished                 string
	Body                     json.RawMessage
}

// EvaluationQuery says which evaluations to list: those of an account and of an
// application spec, "" for any; in the order in which they were added, or the
// newest first.
type EvaluationQuery struct {
	Account, Spec string
	NewestFirst   bool
}

const evaluationColumns = "SELECT id, account, spec, total, completed, failed, finished, body FROM platform_evaluations"

func scanSpec(row scanner) (a PlatformSpec, err error) {
	var body []byte
	err = row.Scan(&a.ID, &a.Account, &body)
	a.Body = body
	return a, err
}

func scanEvaluation(row scanner) (e PlatformEvaluation, err error) {
	var body []byte
	err = row.Scan(&e.ID, &e.Account, &e.Spec, &e.Total, &e.Completed, &e.Failed, &e.Finished, &body)
	e.Body = body
	return e, err
}

// AddSpec keeps a new application spec.
func (p *Platform) AddSpec(ctx context.Context, a PlatformSpec) error {
	return p.write(ctx, "add application spec", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO platform_specs (id, account, body) VALUES (?, ?, ?)", a.ID, a.Account, []byte(a.Body))
		return err
	})
}

// Spec gives one application spec.
func (p *Platform) Spec(ctx context.Context, id string) (PlatformSpec, error) {
	a, err := scanSpec(p.s.read.QueryRowContext(ctx, "SELECT id, account, body FROM platform_specs WHERE id = ?", id))
	return a, p.failed("application spec", err)
}

// Specs lists the application specs of an account ("": of all) in the order in
// which they were added, and how many there are.
func (p *Platform) Specs(ctx context.Context, account string, r Range) (items []json.RawMessage, total int64, err error) {
	const where = " FROM platform_specs WHERE (?1 = '' OR account = ?1)"
	if err = p.s.read.QueryRowContext(ctx, "SELECT count(*)"+where, account).Scan(&total); err == nil {
		items, err = p.bodies(ctx, "SELECT body"+where+" ORDER BY no LIMIT ?2 OFFSET ?3", account, r.N, r.From)
	}
	return items, total, p.failed("list application specs", err)
}

// FindSpecs gives those of the IDs that are application specs.
func (p *Platform) FindSpecs(ctx context.Context, ids []string) (map[string]bool, error) {
	list, err := idList(ids)
	if err != nil {
		return nil, p.failed("find application specs", err)
	}
	found := make(map[string]bool, len(ids))
	err = p.each(ctx, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		found[id] = true
		return err
	}, "SELECT a.id FROM json_each(?) AS wanted CROSS JOIN platform_specs AS a ON a.id = wanted.value", list)
	return found, p.failed("find application specs", err)
}

// AddEvaluation keeps a new evaluation.
func (p *Platform) AddEvaluation(ctx context.Context, e PlatformEvaluation) error {
	return p.write(ctx, "add evaluation", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO platform_evaluations (id, account, spec, body) VALUES (?, ?, ?, ?)",
			e.ID, e.Account, e.Spec, []byte(e.Body))
		return err
	})
}

// Evaluation gives one evaluation.
func (p *Platform) Evaluation(ctx context.Context, id string) (PlatformEvaluation, error) {
	e, err := scanEvaluation(p.s.read.QueryRowContext(ctx, evaluationColumns+" WHERE id = ?", id))
	return e, p.failed("evaluation", err)
}

// Evaluations lists evaluations, and says how many the query matches.
func (p *Platform) Evaluations(ctx context.Context, q EvaluationQuery, r Range) (items []PlatformEvaluation, total int64, err error) {
	const where = " WHERE (?1 = '' OR account = ?1) AND (?2 = '' OR spec = ?2)"
	order := " ORDER BY no"
	if q.NewestFirst {
		order += " DESC"
	}
	err = p.s.read.QueryRowContext(ctx, "SELECT count(*) FROM platform_evaluations"+where, q.Account, q.Spec).Scan(&total)
	if err == nil {
		err = p.each(ctx, func(rows *sql.Rows) error {
			e, err := scanEvaluation(rows)
			items = append(items, e)
			return err
		}, evaluationColumns+where+order+" LIMIT ?3 OFFSET ?4", q.Account, q.Spec, r.N, r.From)
	}
	return items, total, p.failed("list evaluations", err)
}

// EvaluationDatasets gives the datasets that an evaluation has results of.
func (p *Platform) EvaluationDatasets(ctx context.Context, id string) (items []PlatformDataset, err error) {
	err = p.each(ctx, func(rows *sql.Rows) error {
		d, err := scanDataset(rows)
		items = append(items, d)
		return err
	}, datasetColumns+" WHERE id IN (SELECT DISTINCT dataset FROM platform_results WHERE evaluation = ?) ORDER BY no", id)
	return items, p.failed("datasets of an evaluation", err)
}
