package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// testPage gives n cases from position seq on.
func testPage(seq int64, n int) []harness.Case {
	page := make([]harness.Case, n)
	for i := range page {
		page[i] = harness.Case{
			ID: fmt.Sprintf("case-%07d", seq), Input: "What is the capital of the country number " + fmt.Sprint(seq) + ", and why is it so?",
			Expected: "The capital is Paris.", Metadata: map[string]any{"topic": "geography", "level": 3.0},
			Seq: seq, Origin: fmt.Sprintf("questions.jsonl:%d", seq+1),
		}
		seq++
	}
	return page
}

// testResult is an answer to a case with two scores, one of which may fail.
func testResult(c harness.Case, trial int) harness.Result {
	equals, contains := harness.Passed(), harness.Passed()
	if c.Seq%10 == 3 {
		equals = harness.Failed(`output is "The capital is Rome.", expected "The capital is Paris."`)
	}
	equals.Name, contains.Name = "equals", "contains"
	cost := 0.00012
	return harness.Result{
		Case: c, Trial: trial, Attempts: 1, Latency: 1234567 * time.Nanosecond, Started: time.Unix(1_800_000_000, c.Seq).UTC(),
		Output: &harness.Output{
			Value: fmt.Sprintf("The capital of %d is Paris, since the Capetians chose it.\nIt has stayed so.", c.Seq),
			Usage: &harness.Usage{InputTokens: 35, OutputTokens: 21}, CostUSD: &cost,
			Metadata: map[string]any{"model": "tiny-1", "finish_reason": "stop"},
		},
		Scores: []harness.Score{equals, contains},
	}
}

func testResults(page []harness.Case) []harness.Result {
	batch := make([]harness.Result, len(page))
	for i, c := range page {
		batch[i] = testResult(c, 1)
	}
	return batch
}

// pages makes the input of a benchmark beforehand, since making it is not what
// is measured.
func pages(n int) (cases [][]harness.Case, results [][]harness.Result) {
	for seq := 0; seq < n; seq += 100 {
		page := testPage(int64(seq), min(100, n-seq))
		cases, results = append(cases, page), append(results, testResults(page))
	}
	return cases, results
}

// measure starts the measurement and gives the function that ends it and
// reports results per second and the processor's time for each.
func measure(b *testing.B) (done func()) {
	b.ReportAllocs()
	runtime.GC()
	before := processorTime(b)
	b.ResetTimer()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
		b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/result")
	}
}

// BenchmarkWrite plans and writes b.N results in pages and batches of 100.
func BenchmarkWrite(b *testing.B) {
	benchmarkWrite(b, Spec{Suite: "bench"})
}

// BenchmarkWritePublished is BenchmarkWrite with an outbox.
func BenchmarkWritePublished(b *testing.B) {
	benchmarkWrite(b, Spec{Suite: "bench", Publish: &Publish{Platform: "sgp", EvaluationID: "e"}})
}

func benchmarkWrite(b *testing.B, spec Spec) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, spec)
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, results := pages(b.N)
	done := measure(b)
	for i := range cases {
		_, err := run.Plan(ctx, cases[i])
		require.NoError(b, err)
		require.NoError(b, run.Write(ctx, results[i]))
	}
	done()
}

// BenchmarkWriteAhead is BenchmarkWrite with each answer written ahead.
func BenchmarkWriteAhead(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, results := pages(b.N)
	done := measure(b)
	for i := range cases {
		_, err := run.Plan(ctx, cases[i])
		require.NoError(b, err)
		require.NoError(b, run.Write(ctx, pendingResults(cases[i])))
		require.NoError(b, run.Write(ctx, results[i]))
	}
	done()
}

// BenchmarkForgetErrored makes b.N results pending on which an evaluator failed.
func BenchmarkForgetErrored(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, results := pages(b.N)
	for _, batch := range results {
		for i := range batch {
			batch[i] = erroredResult(batch[i].Case, harness.KindEvaluator)
		}
	}
	fillRun(b, run, cases, results)
	done := measure(b)
	n, err := run.ForgetErrored(ctx)
	require.NoError(b, err)
	require.Equal(b, int64(b.N), n)
	done()
}

// BenchmarkPlan plans b.N cases in pages of 100.
func BenchmarkPlan(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, _ := pages(b.N)
	done := measure(b)
	for i := range cases {
		_, err := run.Plan(ctx, cases[i])
		require.NoError(b, err)
	}
	done()
}

// BenchmarkPlanRandom is BenchmarkPlan with random IDs, which the index of IDs
// does not get in its order. The cost of each grows with their number: use
// -benchtime 300000x to compare.
func BenchmarkPlanRandom(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, _ := pages(b.N)
	random := rand.New(rand.NewPCG(1, 2))
	for _, page := range cases {
		for i := range page {
			page[i].ID = fmt.Sprintf("%016x-%016x", random.Uint64(), random.Uint64())
		}
	}
	done := measure(b)
	for i := range cases {
		_, err := run.Plan(ctx, cases[i])
		require.NoError(b, err)
	}
	done()
}

// BenchmarkResume plans b.N finished cases again.
func BenchmarkResume(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	cases, results := pages(b.N)
	fillRun(b, run, cases, results)
	require.NoError(b, run.Close())
	run, err = s.Resume(ctx, run.ID())
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	done := measure(b)
	for i := range cases {
		there, err := run.Plan(ctx, cases[i])
		require.NoError(b, err)
		require.Len(b, there.Finished, len(cases[i]))
	}
	done()
}

func fillRun(t testing.TB, run *Run, cases [][]harness.Case, results [][]harness.Result) {
	t.Helper()
	for i := range cases {
		_, err := run.Plan(context.Background(), cases[i])
		require.NoError(t, err)
		require.NoError(t, run.Write(context.Background(), results[i]))
	}
}

// BenchmarkResults reads b.N results.
func BenchmarkResults(b *testing.B) {
	s, ctx := openStore(b), context.Background()
	run, err := s.Create(ctx, Spec{})
	require.NoError(b, err)
	defer func() { require.NoError(b, run.Close()) }()
	cases, results := pages(b.N)
	fillRun(b, run, cases, results)
	done := measure(b)
	n := 0
	for _, err := range s.Results(ctx, run.ID(), Query{}) {
		require.NoError(b, err)
		n++
	}
	require.Equal(b, b.N, n)
	done()
}

// BenchmarkMemory writes and reads runs in processes of their own and reports
// the most memory that each had. Use -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				out, err := child(b, "fill", filepath.Join(b.TempDir(), "store"), fmt.Sprint(n)).Output()
				require.NoError(b, err, "%s", out)
				peak, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
				require.NoError(b, err)
				b.ReportMetric(float64(peak)/1e6, "peak-MB")
			}
		})
	}
}
