package store

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// crashed is what is on disk when a process dies while it writes a run: the
// database, the write-ahead log, and how long the log was when each result was
// acknowledged.
type crashed struct {
	db, wal []byte
	want    []harness.Result
	synced  []int // by result, the bytes of the log that hold it
}

func crash(t *testing.T, results int) crashed {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(dir)
	require.NoError(t, err)
	ctx := context.Background()
	run, err := s.Create(ctx, Spec{Suite: "power cut", Publish: &Publish{Platform: "sgp"}})
	require.NoError(t, err)
	_, err = s.writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	_, err = s.writer.Exec("PRAGMA wal_autocheckpoint(0)")
	require.NoError(t, err)
	page := testPage(0, results)
	_, err = run.Plan(ctx, page)
	require.NoError(t, err)
	c := crashed{want: testResults(page)}
	path := filepath.Join(dir, databaseName)
	for _, r := range c.want {
		require.NoError(t, run.Write(ctx, []harness.Result{r}))
		c.synced = append(c.synced, usedLog(t, path+"-wal"))
	}
	c.db, err = os.ReadFile(path)
	require.NoError(t, err)
	c.wal, err = os.ReadFile(path + "-wal")
	require.NoError(t, err)
	c.wal = c.wal[:c.synced[results-1]]
	require.NoError(t, run.Close())
	require.NoError(t, s.Close())
	return c
}

// usedLog is how much of the log is of its present generation: the frames with the
// salts of its header, by SQLite's file format.
func usedLog(t *testing.T, path string) int {
	t.Helper()
	wal, err := os.ReadFile(path)
	require.NoError(t, err)
	frame := 24 + int(binary.BigEndian.Uint32(wal[8:]))
	used := 32
	for used+frame <= len(wal) && string(wal[used+8:used+16]) == string(wal[16:24]) {
		used += frame
	}
	return used
}

// readCrashed opens what is left in dir and gives how many results there are; all
// of them are as they were written.
func readCrashed(t *testing.T, dir string, want []harness.Result) (n int, err error) {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	infos, err := s.Runs(context.Background())
	if err != nil {
		return 0, err
	}
	for _, info := range infos {
		for r, err := range s.Results(context.Background(), info.ID, Query{}) {
			if err != nil {
				return n, err
			}
			if r.Case.Seq >= int64(len(want)) || !assert.ObjectsAreEqual(want[r.Case.Seq], r) {
				t.Fatalf("a result is wrong and nobody noticed: %+v", r)
			}
			n++
		}
	}
	return n, nil
}

// put writes what is on disk after the crash.
func put(t *testing.T, dir string, db, wal []byte) {
	t.Helper()
	path := filepath.Join(dir, databaseName)
	_ = os.Remove(path + "-shm")
	require.NoError(t, os.WriteFile(path, db, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", wal, 0o600))
}

// every is at how many bytes apart the tests cut; each cut takes a few ms. By hand
//
//	EVALRUN_EVERY_BYTE=1 go test -run Cut -v -timeout 2h ./harness/store
func every(step int) int {
	if os.Getenv("EVALRUN_EVERY_BYTE") != "" {
		return 1
	}
	return step
}

// TestLogIsCut cuts the power: only what was not synced is missing, and what is
// there is right.
func TestLogIsCut(t *testing.T) {
	c := crash(t, 5)
	step := every(509)
	dir := t.TempDir()
	outcomes := map[int]int{} // offsets by results that are there
	var cuts []int
	for cut := 0; cut < len(c.wal); cut += step {
		cuts = append(cuts, cut)
	}
	for _, end := range c.synced { // the byte that a result still needs
		cuts = append(cuts, end-1, end)
	}
	for _, cut := range cuts {
		put(t, dir, c.db, c.wal[:cut])
		n, err := readCrashed(t, dir, c.want)
		require.NoError(t, err, "cut at byte %d", cut)
		acknowledged := 0
		for _, end := range c.synced {
			if end <= cut {
				acknowledged++
			}
		}
		require.Equal(t, acknowledged, n, "cut at byte %d", cut)
		outcomes[n]++
	}
	t.Logf("%d cuts of a log of %d bytes: offsets by results that are there: %v; 0 errors, 0 wrong, 0 synced results lost", len(cuts), len(c.wal), outcomes)
	assert.Len(t, outcomes, 6)
}

// TestLogWithFlippedBits flips bits of the log: what follows the damage is not
// there, and what is there is right. Later frames may repeat what a damaged one
// holds, but no result is made up.
func TestLogWithFlippedBits(t *testing.T) {
	c := crash(t, 5)
	random := rand.New(rand.NewPCG(3, 4))
	flips := 150_000 / every(499)
	dir := t.TempDir()
	outcomes, failed := map[int]int{}, 0
	for range flips {
		wal := append([]byte{}, c.wal...)
		bit := random.IntN(len(wal) * 8)
		wal[bit/8] ^= 1 << (bit % 8)
		put(t, dir, c.db, wal)
		n, err := readCrashed(t, dir, c.want)
		before := 0
		for _, end := range c.synced {
			if end <= bit/8 {
				before++
			}
		}
		if err != nil {
			failed++
			continue
		}
		require.GreaterOrEqual(t, n, before, "bit %d: a result before the damage is gone", bit)
		outcomes[n]++
	}
	t.Logf("%d flips: %d noticed as an error, offsets by results that are there: %v; 0 panics, 0 wrong", flips, failed, outcomes)
}

// TestDatabaseIsCut cuts the database itself, which SQLite writes only
// from a synced log: whatever is left of it, nothing wrong is read.
func TestDatabaseIsCut(t *testing.T) {
	good, want := closedStore(t, 60)
	dir := storeOf(t, good)
	path := filepath.Join(dir, databaseName)
	step := every(997)
	noticed, cuts := 0, 0
	for cut := 0; cut < len(good); cut += step {
		_ = os.Remove(path + "-wal")
		_ = os.Remove(path + "-shm")
		require.NoError(t, os.WriteFile(path, good[:cut], 0o600))
		cuts++
		if readAll(t, dir, want) != nil {
			noticed++
		}
	}
	t.Logf("%d cuts of a database of %d bytes: %d noticed; 0 panics, 0 wrong", cuts, len(good), noticed)
	assert.GreaterOrEqual(t, noticed, cuts-1, "an empty file is a new database")
}
