package harness_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/evalrun/evalrun/harness"
)

// endless is a source of n cases that makes them as it goes.
type endless struct{ n int }

func (s endless) Page(_ context.Context, cursor string) (harness.Page, error) {
	start := 0
	_, _ = fmt.Sscan(cursor, &start)
	p := harness.Page{Total: int64(s.n)}
	for i := start; i < min(start+100, s.n); i++ {
		id := fmt.Sprint(i)
		p.Cases = append(p.Cases, harness.Case{ID: id, Input: id, Expected: id})
	}
	if start+100 < s.n {
		p.Next = fmt.Sprint(start + 100)
	}
	return p, nil
}

// BenchmarkRun measures what the engine itself costs per case.
func BenchmarkRun(b *testing.B) {
	for _, conc := range []int{1, 32, 512} {
		b.Run(fmt.Sprint("concurrency=", conc), func(b *testing.B) {
			b.ReportAllocs()
			c := harness.Config{Source: endless{b.N}, App: echo, Evaluators: []harness.Evaluator{equals}, Concurrency: conc}
			if _, err := harness.Run(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cases/s")
		})
	}
}

// forgetful is a journal that has never seen a case.
type forgetful func(context.Context, []harness.Result) error

func (f forgetful) Write(ctx context.Context, batch []harness.Result) error { return f(ctx, batch) }

func (forgetful) Plan(context.Context, []harness.Case) (harness.Planned, error) {
	return harness.Planned{}, nil
}

// BenchmarkRunMemory shows that the heap does not grow with the number of cases.
func BenchmarkRunMemory(b *testing.B) {
	for _, n := range []int{10_000, 300_000} {
		b.Run(fmt.Sprint("cases=", n), func(b *testing.B) {
			for b.Loop() {
				var peak uint64
				seen := 0
				journal := forgetful(func(context.Context, []harness.Result) error {
					if seen++; seen%20 == 0 {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						peak = max(peak, m.HeapInuse)
					}
					return nil
				})
				c := harness.Config{Source: endless{n}, App: echo, Evaluators: []harness.Evaluator{equals}, Journal: journal}
				if _, err := harness.Run(b.Context(), c); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(peak)/1e6, "peak-MB")
			}
		})
	}
}
