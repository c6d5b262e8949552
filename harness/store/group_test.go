package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// count gives the number of rows of a table.
func count(t testing.TB, s *Store, table string) (n int) {
	t.Helper()
	require.NoError(t, s.read.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// makeNotes adds a table for the tests of write.
func makeNotes(t testing.TB, s *Store) {
	t.Helper()
	require.NoError(t, s.write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("CREATE TABLE notes (n INTEGER PRIMARY KEY)")
		return err
	}))
}

func TestGroupCommit(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	makeNotes(t, s)
	errOdd := errors.New("odd")
	var committed atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				n := g*50 + i
				write := s.write
				if n%3 == 0 {
					write = s.writeSoon
				}
				err := write(ctx, func(tx *sql.Tx) error {
					if _, err := tx.Exec("INSERT INTO notes VALUES (?)", n); err != nil {
						return err
					}
					if n%5 == 1 {
						return errOdd
					}
					return nil
				})
				if n%5 == 1 {
					assert.ErrorIs(t, err, errOdd)
					continue
				}
				if assert.NoError(t, err) {
					committed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(640), committed.Load())
	assert.Equal(t, 640, count(t, s, "notes"), "a failing member takes nothing else with it")
}

// TestGroupGathers: what waits while a group is written goes into one next one.
func TestGroupGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		makeNotes(t, s)
		inside, leave := make(chan struct{}), make(chan struct{})
		go func() {
			assert.NoError(t, s.write(context.Background(), func(*sql.Tx) error {
				close(inside)
				<-leave
				return nil
			}))
		}()
		<-inside
		var mu sync.Mutex
		transactions := map[*sql.Tx]int{}
		for n := range 20 {
			go func() {
				assert.NoError(t, s.write(context.Background(), func(tx *sql.Tx) error {
					mu.Lock()
					defer mu.Unlock()
					transactions[tx]++
					_, err := tx.Exec("INSERT INTO notes VALUES (?)", n)
					return err
				}))
			}()
		}
		synctest.Wait()
		assert.Empty(t, transactions)
		close(leave)
		synctest.Wait()
		total := 0
		for _, n := range transactions {
			total += n
		}
		assert.Equal(t, 20, total)
		assert.LessOrEqual(t, len(transactions), 2, "the first group may still take some")
		assert.Equal(t, 20, count(t, s, "notes"))
	})
}

// TestWriteWithdrawn: a context that ends while the call waits takes it back,
// one that ends while it is being written does not.
func TestWriteWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		makeNotes(t, s)
		ctx, cancel := context.WithCancel(context.Background())
		inside, leave := make(chan struct{}), make(chan struct{})
		result := make(chan error, 2)
		go func() {
			result <- s.write(ctx, func(tx *sql.Tx) error {
				close(inside)
				<-leave
				_, err := tx.Exec("INSERT INTO notes VALUES (1)")
				return err
			})
		}()
		<-inside
		waiting := make(chan error, 1)
		go func() {
			waiting <- s.write(ctx, func(*sql.Tx) error { return errors.New("must not run") })
		}()
		synctest.Wait()
		cancel()
		assert.ErrorIs(t, <-waiting, context.Canceled)
		close(leave)
		assert.NoError(t, <-result)
		assert.Equal(t, 1, count(t, s, "notes"))
	})
}

// TestRunsAtOnce writes several runs at once from one process, with readers.
func TestRunsAtOnce(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			run, err := s.Create(ctx, Spec{Suite: fmt.Sprint(g), Publish: &Publish{Platform: "sgp"}})
			if !assert.NoError(t, err) {
				return
			}
			defer func() { assert.NoError(t, run.Close()) }()
			var want []harness.Result
			for seq := int64(0); seq < 200; seq += 20 {
				page := testPage(seq, 20)
				_, err := run.Plan(ctx, page)
				assert.NoError(t, err)
				batch := testResults(page)
				assert.NoError(t, run.Write(ctx, batch))
				claimed, err := run.Claim(ctx, 50)
				assert.NoError(t, err)
				assert.Equal(t, batch, claimed)
				want = append(want, batch...)
			}
			assert.Equal(t, want, collect(t, s.Results(ctx, run.ID(), Query{})))
		})
	}
	wg.Wait()
	assert.Equal(t, 1200, count(t, s, "results"))
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	makeNotes(t, s)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := s.write(ctx, func(tx *sql.Tx) error {
				if i == 20 {
					panic("a bug")
				}
				_, err := tx.Exec("INSERT INTO notes (n) VALUES (?)", i)
				return err
			})
			if i == 20 {
				assert.ErrorContains(t, err, "panic: a bug")
			} else {
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 39, count(t, s, "notes"))
}
