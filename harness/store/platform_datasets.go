package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// PlatformDataset is a dataset of the local platform.
type PlatformDataset struct {
	ID, Account string
	// Schema is the kind of its cases: GENERATION or FLEXIBLE.
	Schema string
	// Cases is how many cases it has in all, published or not. Kept by the store.
	Cases int64
	Body  json.RawMessage
}

// PlatformVersion is a version of a dataset. Num counts from 1 within the dataset.
type PlatformVersion struct {
	ID, Dataset string
	Num         int64
	// Cases is how many of the dataset's cases, from the first, belong to the
	// version; 0 until it is published.
	Cases int64
	// Published is when it was, as the server writes times; "" for a draft.
	Published string
	Body      json.RawMessage
}

const (
	datasetColumns = "SELECT id, account, schema, cases, body FROM platform_datasets"
	versionColumns = "SELECT id, dataset, num, cases, published, body FROM platform_versions"
)

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

func scanDataset(row scanner) (d PlatformDataset, err error) {
	var body []byte
	err = row.Scan(&d.ID, &d.Account, &d.Schema, &d.Cases, &body)
	d.Body = body
	return d, err
}

func scanVersion(row scanner) (v PlatformVersion, err error) {
	var body []byte
	err = row.Scan(&v.ID, &v.Dataset, &v.Num, &v.Cases, &v.Published, &body)
	v.Body = body
	return v, err
}

// AddDataset keeps a new dataset.
func (p *Platform) AddDataset(ctx context.Context, d PlatformDataset) error {
	return p.write(ctx, "add dataset", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO platform_datasets (id, account, schema, body) VALUES (?, ?, ?, ?)",
			d.ID, d.Account, d.Schema, []byte(d.Body))
		return err
	})
}

// Dataset gives one dataset.
func (p *Platform) Dataset(ctx context.Context, id string) (PlatformDataset, error) {
	d, err := scanDataset(p.s.read.QueryRowContext(ctx, datasetColumns+" WHERE id = ?", id))
	return d, p.failed("dataset", err)
}

// Datasets lists the datasets of an account ("": of all) in the order in which
// they were added, and how many there are.
func (p *Platform) Datasets(ctx context.Context, account string, r Range) (items []PlatformDataset, total int64, err error) {
	const where = " WHERE (?1 = '' OR account = ?1)"
	if err = p.s.read.QueryRowContext(ctx, "SELECT count(*) FROM platform_datasets"+where, account).Scan(&total); err == nil {
		err = p.each(ctx, func(rows *sql.Rows) error {
			d, err := scanDataset(rows)
			items = append(items, d)
			return err
		}, datasetColumns+where+" ORDER BY no LIMIT ?2 OFFSET ?3", account, r.N, r.From)
	}
	return items, total, p.failed("list datasets", err)
}

// AddVersion keeps a new version of the dataset with the next number, and gives
// it back. With Published set it holds all cases that the dataset has now.
func (p *Platform) AddVersion(ctx context.Context, v PlatformVersion) (PlatformVersion, error) {
	var added PlatformVersion
	err := p.write(ctx, "add version", func(ctx context.Context, tx *sql.Tx) (err error) {
		added, err = addVersion(ctx, tx, v)
		return err
	})
	return added, err
}

func addVersion(ctx context.Context, tx *sql.Tx, v PlatformVersion) (PlatformVersion, error) {
	var cases int64
	err := tx.QueryRowContext(ctx, "SELECT cases, (SELECT ifnull(max(num), 0) + 1 FROM platform_versions WHERE dataset = ?1) FROM platform_datasets WHERE id = ?1",
		v.Dataset).Scan(&cases, &v.Num)
	if err != nil {
		return v, err
	}
	v.Cases = 0
	if v.Published != "" {
		v.Cases = cases
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO platform_versions (id, dataset, num, cases, published, body) VALUES (?, ?, ?, ?, ?, ?)",
		v.ID, v.Dataset, v.Num, v.Cases, v.Published, []byte(v.Body))
	return v, err
}

// Version gives the version of a dataset with that number.
func (p *Platform) Version(ctx context.Context, dataset string, num int64) (PlatformVersion, error) {
	v, err := scanVersion(p.s.read.QueryRowContext(ctx, versionColumns+" WHERE dataset = ? AND num = ?", dataset, num))
	return v, p.failed("version", err)
}

// VersionByID gives the version of a dataset with that ID.
func (p *Platform) VersionByID(ctx context.Context, dataset, id string) (PlatformVersion, error) {
	v, err := scanVersion(p.s.read.QueryRowContext(ctx, versionColumns+" WHERE id = ? AND dataset = ?", id, dataset))
	return v, p.failed("version", err)
}

// Versions lists the versions of a dataset by number, and how many there are.
func (p *Platform) Versions(ctx context.Context, dataset string, r Range) (items []PlatformVersion, total int64, err error) {
	if err = p.s.read.QueryRowContext(ctx, "SELECT count(*) FROM platform_versions WHERE dataset = ?", dataset).Scan(&total); err == nil {
		err = p.each(ctx, func(rows *sql.Rows) error {
			v, err := scanVersion(rows)
			items = append(items, v)
			return err
		}, versionColumns+" WHERE dataset = ? ORDER BY num LIMIT ? OFFSET ?", dataset, r.N, r.From)
	}
	return items, total, p.failed("list versions", err)
}

// PublishVersion freezes the version with that ID at the cases that the dataset
// has now. A version that is published already stays as it is.
func (p *Platform) PublishVersion(ctx context.Context, dataset, id, now string) error {
	return p.write(ctx, "publish version", func(ctx context.Context, tx *sql.Tx) error {
		v, err := scanVersion(tx.QueryRowContext(ctx, versionColumns+" WHERE id = ? AND dataset = ?", id, dataset))
		if err != nil || v.Published != "" {
			return err
		}
		return freeze(ctx, tx, v, now)
	})
}

// PublishLatest publishes the newest draft of fresh.Dataset. When there is none
// it adds fresh, published at fresh.Published, unless the newest version holds
// all of the cases already: publishing twice makes one version.
func (p *Platform) PublishLatest(ctx context.Context, fresh PlatformVersion) error {
	return p.write(ctx, "publish dataset", func(ctx context.Context, tx *sql.Tx) error {
		d, err := scanDataset(tx.QueryRowContext(ctx, datasetColumns+" WHERE id = ?", fresh.Dataset))
		if err != nil {
			return err
		}
		newest, err := scanVersion(tx.QueryRowContext(ctx, versionColumns+" WHERE dataset = ? ORDER BY num DESC LIMIT 1", d.ID))
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case newest.Published == "":
			return freeze(ctx, tx, newest, fresh.Published)
		case newest.Cases == d.Cases:
			return nil
		}
		_, err = addVersion(ctx, tx, fresh)
		return err
	})
}

// freeze publishes a draft.
func freeze(ctx context.Context, tx *sql.Tx, v PlatformVersion, now string) error {
	done, err := tx.ExecContext(ctx, `UPDATE platform_versions SET published = ?,
		cases = (SELECT cases FROM platform_datasets WHERE id = dataset) WHERE id = ?`, now, v.ID)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("freeze version %d: %d rows: %w", v.Num, n, err)
	}
	return nil
}
