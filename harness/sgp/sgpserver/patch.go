package sgpserver

import (
	"context"
	"maps"
	"net/http"

	"github.com/evalrun/evalrun/harness/store"
)

// patchResult changes some fields of a result. Values make it completed, unless
// the change says otherwise.
func (s *server) patchResult(w http.ResponseWriter, r *http.Request) error {
	patch, err := s.readObject(r, true)
	if err != nil {
		return err
	}
	evaluation, id := r.PathValue("evaluation"), r.PathValue("result")
	now := stamp(s.Now())
	changed, err := s.db.ChangeResult(r.Context(), evaluation, id, now, func(old store.PlatformResult) (store.PlatformResult, error) {
		return s.patched(r.Context(), old, patch.object, now)
	})
	if err != nil {
		return missing(err, "test case result", id)
	}
	reply(w, http.StatusOK, changed.Body)
	return nil
}

// patched is a result with a change applied. A null removes an optional field.
func (s *server) patched(ctx context.Context, old store.PlatformResult, patch object, now string) (store.PlatformResult, error) {
	o, err := decodeObject(old.Body)
	if err != nil {
		return old, err
	}
	before := maps.Clone(o)
	maps.Copy(o, patch)
	if _, ok := patch["result"]; ok && !patch.has("label_status") {
		o.drop("label_status")
	}
	for _, name := range []string{"id", "evaluation_id", "created_at", "created_by_user_id", "created_by_identity_type", "completed_at"} {
		if raw, ok := before[name]; ok {
			o[name] = raw
		} else {
			o.drop(name)
		}
	}
	f := newFields(&checker{}, o, "body")
	cases, err := s.checkResults(ctx, []fields{f})
	if err != nil {
		return old, err
	}
	if err := f.err(); err != nil {
		return old, err
	}
	if !o.has("account_id") {
		o["account_id"] = before["account_id"]
	}
	o.set("updated_at", now)
	o.set("edited_by_user_id", owner)
	status := settle(o, cases[0], now)
	return store.PlatformResult{ID: old.ID, Dataset: cases[0].Dataset, Status: status, Body: o.encode()}, nil
}
