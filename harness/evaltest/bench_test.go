package evaltest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/evaltest"
)

// The benchmarks below are run by the tests, in a child process each, and measured
// by nobody.

// benched is a child's: an app over three cases that tells tokens and costs.
func benched(b *testing.B, app harness.AppFunc, change func(p *evaltest.Params)) {
	if os.Getenv("EVALTEST_CHILD") == "" {
		b.Skip("it is for the tests")
	}
	p := evaltest.Params{Config: harness.Config{
		Source:     harness.Cases{{ID: "a", Input: "1"}, {ID: "b", Input: "2"}, {ID: "c", Input: "3"}},
		App:        app,
		Evaluators: []harness.Evaluator{evaltest.Evaluator(b, `regex: "."`)},
	}}
	if change != nil {
		change(&p)
	}
	evaltest.Benchmark(b, p)
}

func paid(_ context.Context, in harness.Input) (harness.Output, error) {
	cost := 0.25
	return harness.Output{Value: in.ID, CostUSD: &cost, Usage: &harness.Usage{InputTokens: 30, OutputTokens: 10}}, nil
}

func BenchmarkPaid(b *testing.B) { benched(b, paid, nil) }

func BenchmarkPlain(b *testing.B) {
	benched(b, func(context.Context, harness.Input) (harness.Output, error) {
		return harness.Output{Value: "yes"}, nil
	}, nil)
}

// BenchmarkInTurn writes down which cases it was asked, and how many at once.
func BenchmarkInTurn(b *testing.B) {
	var now, most atomic.Int64
	asked := make(chan string, b.N)
	both := make(chan struct{})
	benched(b, func(ctx context.Context, in harness.Input) (harness.Output, error) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		asked <- in.ID
		if b.N > 1 { // each waits for another one: there are two at a time
			select {
			case both <- struct{}{}:
			case <-both:
			case <-ctx.Done():
				return harness.Output{}, ctx.Err()
			}
		}
		return harness.Output{Value: "yes"}, nil
	}, func(p *evaltest.Params) { p.Config.Concurrency = 2 })
	close(asked)
	if b.N > 1 {
		ids := map[string]bool{}
		for id := range asked {
			ids[id] = true
		}
		for _, id := range []string{"a", "b", "c", "a#2", "b#2", "c#2", "a#3", "b#3"} {
			if !ids[id] {
				b.Errorf("case %s was not asked", id)
			}
		}
		if len(ids) != 8 || most.Load() > 2 {
			b.Errorf("%d cases were asked, %d at once", len(ids), most.Load())
		}
	}
}

func BenchmarkFails(b *testing.B) {
	var asked atomic.Int64
	benched(b, func(context.Context, harness.Input) (harness.Output, error) {
		if asked.Add(1) > 3 {
			return harness.Output{}, errors.New("no more of hunter2-secret")
		}
		return harness.Output{Value: "yes"}, nil
	}, func(p *evaltest.Params) { p.Config.Concurrency, p.Secrets = 1, []string{"hunter2-secret"} })
}

func BenchmarkNoScore(b *testing.B) {
	benched(b, paid, func(p *evaltest.Params) { p.Config.Evaluators = []harness.Evaluator{broken{}} })
}

type broken struct{}

func (broken) Name() string { return "broken" }
func (broken) Evaluate(context.Context, harness.Trial) ([]harness.Score, error) {
	return nil, errors.New("the scale is off")
}

func BenchmarkLive(b *testing.B) { benched(b, paid, func(p *evaltest.Params) { p.Live = true }) }

func BenchmarkTooDear(b *testing.B) {
	benched(b, paid, func(p *evaltest.Params) { p.MaxCost, p.Config.Concurrency = 1, 2 })
}

func BenchmarkDearTogether(b *testing.B) {
	benched(b, paid, func(p *evaltest.Params) { p.MaxCost, p.Config.Concurrency = 2, 1 })
}

func BenchmarkNoCases(b *testing.B) {
	benched(b, paid, func(p *evaltest.Params) { p.Config.Source = harness.Cases{} })
}

func BenchmarkSuite(b *testing.B) {
	if os.Getenv("EVALTEST_CHILD") == "" {
		b.Skip("it is for the tests")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"answer": "yes"}`)) }))
	defer server.Close()
	path := filepath.Join(b.TempDir(), "suite.yaml")
	text := `name: bench
dataset: {cases: [{id: a, input: "1", expected: "yes"}, {id: b, input: "2", expected: "no"}]}
app: {http: {url: "` + server.URL + `", body: {q: "{{ .Input }}"}, output: .answer}}
evaluators: [equals]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	evaltest.Benchmark(b, evaltest.Params{Suite: path})
}

// bench runs a benchmark of this file in a child process, 8 cases of it.
func bench(t *testing.T, name string, env ...string) (out string, ok bool) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^$", "-test.bench=^"+name+"$", "-test.benchtime=8x", "-test.cpu=2", "-test.v")
	cmd.Env = append(os.Environ(), append([]string{"EVALTEST_CHILD=1", "EVAL_LIVE="}, env...)...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(text), err == nil
}

// metrics reads the line of a result as benchstat does: pairs of a number and a
// unit after the name and the count.
func metrics(t *testing.T, out string) map[string]float64 {
	t.Helper()
	line := regexp.MustCompile(`(?m)^Benchmark\w+-2\s+8\t.*$`).FindString(out)
	require.NotEmpty(t, line, out)
	fields := strings.Fields(line)[2:]
	require.Zero(t, len(fields)%2, line)
	all := map[string]float64{}
	for i := 0; i < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		require.NoError(t, err, line)
		all[fields[i+1]] = value
	}
	return all
}

func TestBenchmarkReportsMetrics(t *testing.T) {
	out, ok := bench(t, "BenchmarkPaid")
	require.True(t, ok, out)
	m := metrics(t, out)
	assert.Positive(t, m["ns/op"])
	assert.Positive(t, m["cases/s"])
	assert.InEpsilon(t, 40*m["cases/s"], m["tokens/s"], 0.01)
	assert.Equal(t, 0.25, m["usd/case"])
	assert.Contains(t, m, "p95-ms")
	assert.Len(t, m, 5, "nothing else")

	out, ok = bench(t, "BenchmarkPlain")
	require.True(t, ok, out)
	m = metrics(t, out)
	assert.NotContains(t, m, "tokens/s", "an answer that does not count its tokens has not had 0")
	assert.NotContains(t, m, "usd/case")
}

func TestBenchmarkAsksTheCasesInTurn(t *testing.T) {
	out, ok := bench(t, "BenchmarkInTurn")
	require.True(t, ok, out)
}

func TestBenchmarkOfASuite(t *testing.T) {
	out, ok := bench(t, "BenchmarkSuite")
	require.True(t, ok, out)
	assert.Positive(t, metrics(t, out)["cases/s"])
}

func TestBenchmarkFailsWithTheFirstError(t *testing.T) {
	out, ok := bench(t, "BenchmarkFails")
	assert.False(t, ok, out)
	assert.Regexp(t, `case "[abc](#\d)?": the app gave no answer: app_error: no more of`, out)
	assert.NotContains(t, out, "hunter2-secret")
	assert.NotContains(t, out, "cases/s")

	out, ok = bench(t, "BenchmarkNoScore")
	assert.False(t, ok, out)
	assert.Contains(t, out, "no score by broken: the scale is off")

	out, ok = bench(t, "BenchmarkNoCases")
	assert.False(t, ok, out)
	assert.Contains(t, out, "the source has no case")
}

func TestBenchmarkOfALiveApp(t *testing.T) {
	out, ok := bench(t, "BenchmarkLive")
	assert.True(t, ok, out)
	assert.Contains(t, out, "EVAL_LIVE=1 go test -run '^$' -bench '^BenchmarkLive$'")
	assert.NotContains(t, out, "cases/s")

	out, ok = bench(t, "BenchmarkLive", "EVAL_LIVE=1")
	assert.True(t, ok, out)
	assert.Equal(t, 0.25, metrics(t, out)["usd/case"])
}

func TestBenchmarkKeepsToItsBudget(t *testing.T) {
	out, ok := bench(t, "BenchmarkTooDear")
	assert.False(t, ok, out)
	// Two are asked at once, at $0.25 each.
	assert.Regexp(t, `the answers of all rounds have cost \$(1|1\.25), and Params\.MaxCost is \$1;`, out)

	out, ok = bench(t, "BenchmarkDearTogether")
	assert.False(t, ok, "8 answers cost $2, and there was a round of one before: %s", out)
	assert.Contains(t, out, "the answers of all rounds have cost $2, and Params.MaxCost is $2;")
}
