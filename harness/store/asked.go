package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/evalrun/evalrun/harness"
)

// asked is the file DIR/locks/ID.asked: eight bytes for each place of the engine,
// the key of the trial that began there last. It is never synced, so it outlives
// the process and perhaps not the machine. It goes with the run's lock; one that
// is still there tells what was under way when a process died.
type asked struct {
	once   sync.Once
	places places // empty when there can be none: then nothing is told, and nothing is lost
}

// maxPlaces bounds the file to 32 KiB.
const maxPlaces = 4096

func (s *Store) askedPath(id string) string { return filepath.Join(s.dir, "locks", id+".asked") }

// Begin keeps that a trial begins at a place, for Info.Asked. Trouble with that
// changes nothing of the run.
func (r *Run) Begin(place int, c harness.Case, trial int) {
	r.life.RLock()
	defer r.life.RUnlock()
	key, err := newKey(r.no, c.Seq, trial)
	if err != nil || place >= maxPlaces || r.lock == nil {
		return
	}
	r.asked.once.Do(func() { r.asked.places.open(r.s.askedPath(r.id)) })
	r.asked.places.set(place, key)
}

// remove is for the end of a process that did not die. r.life is held.
func (a *asked) remove(path string) {
	if a.places.close() {
		_ = os.Remove(path)
	}
}

// wereAsked lists the trials that a process which died was at: those that began
// last at each place and have no whole result.
func (s *Store) wereAsked(ctx context.Context, run runRow) ([]harness.Key, error) {
	data, err := os.ReadFile(s.askedPath(run.info.ID))
	if err != nil {
		return nil, nil // there is none, or it can't be told
	}
	var keys []harness.Key
	seen := map[int64]bool{}
	from, to := runKeys(run.no)
	for ; len(data) >= 8; data = data[8:] {
		key := int64(binary.LittleEndian.Uint64(data))
		if key < from || key >= to || seen[key] {
			continue
		}
		seen[key] = true
		var id string
		err := s.read.QueryRowContext(ctx, `SELECT id FROM cases WHERE key = ?
			AND NOT EXISTS (SELECT 1 FROM results WHERE results.key = ? AND flags & ? = 0)`, key&^maxTrial, key, flagPending).Scan(&id)
		switch {
		case errors.Is(err, sql.ErrNoRows): // it is done
		case err != nil:
			return nil, s.explain(err)
		default:
			keys = append(keys, harness.Key{Case: id, Trial: keyTrial(key)})
		}
	}
	return keys, nil
}
