package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// closedStore makes a store with a finished run of n results and gives the
// database's bytes.
func closedStore(t testing.TB, n int) (data []byte, want []harness.Result) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(dir)
	require.NoError(t, err)
	run, err := s.Create(context.Background(), Spec{Suite: "damage"})
	require.NoError(t, err)
	page := testPage(0, n)
	want = testResults(page)
	fillRun(t, run, [][]harness.Case{page}, [][]harness.Result{want})
	require.NoError(t, run.Finish(context.Background(), "complete", nil, int64(n)))
	require.NoError(t, run.Close())
	require.NoError(t, s.Close())
	data, err = os.ReadFile(filepath.Join(dir, databaseName))
	require.NoError(t, err)
	return data, want
}

// storeOf makes a folder with this database in it.
func storeOf(t testing.TB, data []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, databaseName), data, 0o600))
	return dir
}

// readAll opens the store and reads all that it has. What is read must be what
// was written; only an error may say that something is missing.
func readAll(t testing.TB, dir string, want []harness.Result) (err error) {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	infos, err := s.Runs(context.Background())
	if err != nil {
		return err
	}
	for _, info := range infos {
		n := 0
		for r, err := range s.Results(context.Background(), info.ID, Query{}) {
			if err != nil {
				return err
			}
			if r.Case.Seq >= int64(len(want)) || !assert.ObjectsAreEqual(want[r.Case.Seq], r) {
				t.Fatalf("a result is wrong and nobody noticed: %+v", r)
			}
			n++
		}
		if n != len(want) && info.Status == "complete" && info.Completed == int64(len(want)) {
			t.Fatalf("%d of %d results are there and nobody noticed", n, len(want))
		}
	}
	return nil
}

func TestDamagedFile(t *testing.T) {
	good, want := closedStore(t, 60)
	require.NoError(t, readAll(t, storeOf(t, good), want))
	cut := func(n int) []byte { return good[:n] }
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"not a database", []byte("a text of some length, which is no database at all\n")},
		{"half a header", cut(50)},
		{"a header only", cut(100)},
		{"a page", cut(8192)},
		{"half", cut(len(good) / 2)},
		{"all but a byte", cut(len(good) - 1)},
		{"zeros", make([]byte, len(good))},
		{"the first page is gone", append(make([]byte, 8192), good[8192:]...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := storeOf(t, test.data)
			err := readAll(t, dir, want)
			require.ErrorIs(t, err, ErrDamaged)
			assert.ErrorContains(t, err, dir)
		})
	}
}

// TestFlippedBits flips bits all over the database: what is still read is right.
func TestFlippedBits(t *testing.T) {
	good, want := closedStore(t, 60)
	random := rand.New(rand.NewPCG(1, 2))
	flips, noticed := 600, 0
	if testing.Short() {
		flips = 60
	}
	dir := storeOf(t, good)
	path := filepath.Join(dir, databaseName)
	for range flips {
		data := append([]byte{}, good...)
		bit := random.IntN(len(data) * 8)
		data[bit/8] ^= 1 << (bit % 8)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		if readAll(t, dir, want) != nil {
			noticed++
		}
		_ = os.Remove(path + "-wal")
		_ = os.Remove(path + "-shm")
	}
	t.Logf("%d of %d flips were in the way of reading", noticed, flips)
	assert.Positive(t, noticed)
}

func TestChangedRow(t *testing.T) {
	for _, change := range []string{
		"UPDATE results SET answer = replace(answer, 'Paris', 'Rome!') WHERE key & 4095 = 1",
		"UPDATE results SET scores = NULL",
		"UPDATE results SET flags = 1",
		"UPDATE cases SET data = replace(data, 'capital', 'Capital')",
		"UPDATE cases SET origin = 'elsewhere'",
		"DELETE FROM results WHERE key & 4095 = 1 AND key >> 12 & 1 = 1",
		"DELETE FROM cases",
	} {
		t.Run(change, func(t *testing.T) {
			good, want := closedStore(t, 3)
			dir := storeOf(t, good)
			s, err := Open(dir)
			require.NoError(t, err)
			require.NoError(t, s.write(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.Exec(change)
				return err
			}))
			require.NoError(t, s.Close())
			assert.ErrorIs(t, readAll(t, dir, want), ErrDamaged)
		})
	}
}

// TestFullDisk limits the database's size, which SQLite reports like a full disk.
func TestFullDisk(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	var pages int
	require.NoError(t, s.writer.QueryRow("PRAGMA page_count").Scan(&pages))
	_, err := s.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+20))
	require.NoError(t, err)
	var want []harness.Result
	for seq := int64(0); ; seq += 50 {
		page := testPage(seq, 50)
		if _, err = run.Plan(ctx, page); err == nil {
			err = run.Write(ctx, testResults(page))
		}
		if err != nil {
			break
		}
		want = append(want, testResults(page)...)
		require.Less(t, len(want), 5000)
	}
	require.ErrorIs(t, err, ErrFull)
	assert.ErrorContains(t, err, s.Dir()+": disk is full")
	assert.NotEmpty(t, want)
	assert.Equal(t, want, collect(t, s.Results(ctx, run.ID(), Query{})), "what was acknowledged is there, and nothing else")

	_, err = s.writer.Exec("PRAGMA max_page_count = 100000") // the disk has room again
	require.NoError(t, err)
	page := testPage(int64(len(want)), 50)
	_, err = run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	assert.Len(t, collect(t, s.Results(ctx, run.ID(), Query{})), len(want)+50)
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(file)
	require.ErrorContains(t, err, "store: open "+file)
	_, err = Open(filepath.Join(file, "below"))
	require.ErrorContains(t, err, "store: open "+file)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, databaseName), 0o700))
	_, err = Open(dir)
	require.ErrorIs(t, err, ErrNotWritable)
}

// TestMigrate opens databases as every released version made them.
func TestMigrate(t *testing.T) {
	steps := migrations()
	for version := range len(steps) + 1 {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			s := openStore(t)
			path := filepath.Join(t.TempDir(), databaseName)
			db, err := connect(path, 1, "_txlock=immediate")
			require.NoError(t, err)
			require.NoError(t, migrate(t.Context(), db, steps[:version]))
			if version >= 1 {
				_, err = db.Exec("INSERT INTO runs (no, id, spec, publish, status, reasons, started, finished, planned) VALUES (1, '01ARZ3NDEKTSV4RRFFQ69G5FAV', '{\"suite\":\"old\"}', NULL, 'complete', '[]', 1, 2, 0); INSERT INTO counts (run) VALUES (1)")
				require.NoError(t, err)
			}
			require.NoError(t, db.Close())
			old, err := Open(filepath.Dir(path))
			require.NoError(t, err)
			defer func() { require.NoError(t, old.Close()) }()
			assert.Equal(t, schemaOf(t, s), schemaOf(t, old))
			if version >= 1 {
				info, err := old.Info(t.Context(), "01arz3")
				require.NoError(t, err)
				assert.Equal(t, "old", info.Spec.Suite)
			}
			run, err := old.Create(t.Context(), Spec{})
			require.NoError(t, err)
			require.NoError(t, run.Close())
		})
	}
}

func schemaOf(t testing.TB, s *Store) []string {
	t.Helper()
	rows, err := s.read.Query("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var all []string
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	db, err := connect(filepath.Join(t.TempDir(), databaseName), 1, "_txlock=immediate")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	err = migrate(t.Context(), db, []string{"CREATE TABLE a (x)", "CREATE TABLE b (y); CREATE TABLE a (z)"})
	require.ErrorContains(t, err, "migrate to schema version 2")
	version, err := userVersion(t.Context(), db)
	require.NoError(t, err)
	assert.Zero(t, version)
	require.NoError(t, migrate(t.Context(), db, []string{"CREATE TABLE a (x)"}), "a is not there yet")
}

func TestNewerDatabase(t *testing.T) {
	good, _ := closedStore(t, 1)
	binary.BigEndian.PutUint32(good[60:], 1000) // user_version, by SQLite's file format
	dir := storeOf(t, good)
	_, err := Open(dir)
	require.ErrorIs(t, err, ErrNewer)
	assert.ErrorContains(t, err, fmt.Sprintf("store: open %s: database is newer than this program: it has schema version 1000, this program knows up to %d", dir, len(migrations())))
}
