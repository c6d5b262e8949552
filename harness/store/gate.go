package store

import (
	"context"
	"database/sql"
	"slices"
)

// SetGate records the checks of the gate, as the suite has them, when the run is
// judged by others than those it was created with.
func (r *Run) SetGate(ctx context.Context, checks []string) error {
	text, err := encodeNames(checks)
	if err != nil {
		return r.failed("record the gate of", err)
	}
	r.life.Lock()
	defer r.life.Unlock()
	err = r.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE runs SET spec = json_set(spec, '$.gate', json(?)) WHERE no = ?", text, r.no)
		return err
	})
	if err == nil {
		r.spec.Gate = slices.Clone(checks)
	}
	return r.failed("record the gate of", err)
}
