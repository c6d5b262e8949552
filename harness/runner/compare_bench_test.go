package runner

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/store"
)

// storedRun makes a run of the cases with these numbers. The answers that wrong
// picks are so.
func storedRun(b *testing.B, st *store.Store, order func(i int) int, wrong func(n int) bool) store.Info {
	b.Helper()
	run, err := st.Create(b.Context(), store.Spec{Suite: "bench", Evaluators: []string{"equals", "close"}, Trials: 1})
	require.NoError(b, err)
	const page = 1000
	for from := 0; from < b.N; from += page {
		var cases []harness.Case
		var results []harness.Result
		for i := from; i < min(from+page, b.N); i++ {
			n := order(i)
			c := harness.Case{
				ID: fmt.Sprintf("case-%07d", n), Seq: int64(i), Input: fmt.Sprintf("What is the capital of the country number %d, and why?", n),
				Expected: "The capital is Paris.", Metadata: map[string]any{"topic": "geography"},
			}
			equals, near := harness.PassIf(!wrong(n), "it is not Paris"), harness.Score{Value: 0.75}
			equals.Name, near.Name = "equals", "close"
			cases = append(cases, c)
			results = append(results, harness.Result{
				Case: c, Trial: 1, Attempts: 1, Latency: time.Duration(1+n%7) * time.Millisecond, Started: time.Unix(1_800_000_000, 0),
				Output: &harness.Output{Value: "The capital is Paris, since the Capetians chose it, and so it has stayed ever since."},
				Scores: []harness.Score{equals, near},
			})
		}
		_, err := run.Plan(b.Context(), cases)
		require.NoError(b, err)
		require.NoError(b, run.Write(b.Context(), results))
	}
	id := run.ID()
	require.NoError(b, run.Close())
	info, err := st.Info(b.Context(), id)
	require.NoError(b, err)
	return info
}

// BenchmarkCompare compares two stored runs of b.N cases, beside a plain read of
// the same rows: -benchtime 1000000x. In another order every case is looked up.
func BenchmarkCompare(b *testing.B) {
	inOrder := func(i int) int { return i }
	for name, order := range map[string]func(n int) func(int) int{
		"in order": func(int) func(int) int { return inOrder },
		"shuffled": func(n int) func(int) int {
			p := rand.New(rand.NewPCG(1, 2)).Perm(n)
			return func(i int) int { return p[i] }
		},
	} {
		b.Run(name, func(b *testing.B) {
			st, err := store.Open(filepath.Join(b.TempDir(), "store"))
			require.NoError(b, err)
			defer func() { require.NoError(b, st.Close()) }()
			base := storedRun(b, st, inOrder, func(n int) bool { return n%10 == 0 })
			now := storedRun(b, st, order(b.N), func(n int) bool { return n%10 == 1 })
			read := time.Now()
			for _, info := range []store.Info{base, now} {
				for _, err := range st.Results(b.Context(), info.ID, store.Query{}) {
					require.NoError(b, err)
				}
			}
			reading := time.Since(read)
			runtime.GC()
			peak := watchHeap()
			b.ReportAllocs()
			b.ResetTimer()
			s, err := compare.Summarize(b.Context(), NewSide(st, base), NewSide(st, now), compare.Options{MostFlips: 10})
			b.StopTimer()
			b.ReportMetric(float64(peak())/1e6, "peak-heap-MB")
			b.ReportMetric(reading.Seconds(), "read-s")
			b.ReportMetric(b.Elapsed().Seconds(), "compare-s")
			require.NoError(b, err)
			require.Equal(b, int64(b.N), s.Pairing.Paired)
		})
	}
}

// watchHeap looks at the size of the heap every few milliseconds; the function ends
// that and gives the largest.
func watchHeap() func() uint64 {
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-peak
	}
}
