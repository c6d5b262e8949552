package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
)

// SetOption keeps one more option with the run, or changes one, and returns when it
// is on disk: a run that is resumed finds it in its Spec.
func (r *Run) SetOption(ctx context.Context, name, value string) error {
	r.life.Lock()
	defer r.life.Unlock()
	options := maps.Clone(r.spec.Options)
	if options == nil {
		options = map[string]string{}
	}
	options[name] = value
	text, err := json.Marshal(options)
	if err != nil {
		return r.failed("record an option of", err)
	}
	err = r.write(ctx, func(tx *sql.Tx) error { // the rest of the spec stays as it is
		_, err := tx.Exec("UPDATE runs SET spec = json_set(spec, '$.options', json(?)) WHERE no = ?", string(text), r.no)
		return err
	})
	if err == nil {
		r.spec.Options = options
	}
	return r.failed("record an option of", err)
}
