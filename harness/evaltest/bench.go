package evaltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

// Benchmark measures an app with its evaluators. An op is one case, asked once and
// scored; the source's cases come in turn, as many as b.N wants, and from the
// second round on their IDs end in "#2", "#3" and so on. Beside the time per op,
// which is less than that of a case when several are asked at once, it reports
//
//	cases/s    cases that were answered and scored in a second
//	tokens/s   tokens in and out, when answers count them
//	p95-ms     the latency of the app that 95 % of the answers keep, in milliseconds
//	usd/case   the mean cost of the answers that tell theirs, in US dollars
//
// for benchstat to compare. Config.Concurrency (or the Suite's) is how many cases are
// asked at once, GOMAXPROCS unless it is given: -cpu 1,4,16 then measures several.
//
// A wrong answer is one too. The first error, of the app after its retries or of an
// evaluator, fails the benchmark. Nothing goes to the store, and what Params say of
// trials, gates, baselines and recordings counts for nothing.
//
// A Live app is asked with EVAL_LIVE=1 and without -short, and otherwise the
// benchmark is skipped: what was recorded has no speed. Each op is paid for:
// -benchtime=20x makes it 20 (and one before, which go test always makes). When the
// answers have cost MaxCost, in all rounds of a benchmark with all its -cpu and -count
// together, no further case is asked and the benchmark fails; it can be passed by
// the calls that are under way.
func Benchmark(b *testing.B, p Params) {
	b.Helper()
	e := &eval{Params: p, t: b, test: b.Name()}
	if p.Live && (!set(envLive) || testing.Short()) {
		b.Skipf("the app is live, and a recording has no speed to measure: %s=1 go test -run '^$' -bench '^%s$' -benchtime=20x asks it 20 cases", envLive, b.Name())
	}
	if p.Live {
		e.mode = live
	}
	var err error
	if e.place, err = here(testFile()); err == nil {
		err = e.benchmark(b)
	}
	if err != nil {
		b.Fatalf("evaltest: %s", e.text(err))
	}
}

// text is an error without secrets.
func (e *eval) text(err error) string {
	if e.redact == nil { // there are none yet
		return message(err)
	}
	return e.redact.Text(message(err))
}

func (e *eval) benchmark(b *testing.B) (err error) {
	if e.Suite == "" && e.Config.Concurrency == 0 {
		e.Config.Concurrency = runtime.GOMAXPROCS(0)
	}
	if err := e.prepare(); err != nil {
		return err
	}
	var open closers
	defer func() { err = errors.Join(err, open.close()) }()
	c, err := e.benchConfig(b, &open)
	if err != nil {
		return err
	}
	first := &firstError{}
	limit := e.budget()
	c.App = budgeted{c.App, limit}
	c.Sinks, c.Batch = []harness.Sink{first}, harness.Batch{Wait: 20 * time.Millisecond}
	b.ResetTimer()
	report, err := harness.Run(b.Context(), c)
	b.StopTimer()
	if over := limit.passed(); over != nil {
		return over
	}
	if first.err != nil {
		return first.err
	}
	if err != nil {
		return err
	}
	reportMetrics(b, report)
	return nil
}

// benchConfig is what is run, with b.N cases.
func (e *eval) benchConfig(b *testing.B, open *closers) (harness.Config, error) {
	s, c := e.suite, e.suite.Values()
	if s.Start != nil {
		command := process.Command{Argv: s.Start.Command, Dir: s.Start.Dir, Env: s.Start.Env}
		server, err := process.Start(b.Context(), command, s.Start.Ready, s.Start.Wait)
		if err != nil {
			return c, fmt.Errorf("start: %w", err)
		}
		open.keep(server)
	}
	var err error
	if c.App, err = s.App(s.Apps[0].Name, target.Env{Dir: s.Dir, Concurrency: s.Concurrency}); err != nil {
		return c, err
	}
	open.keep(c.App)
	if a, ok := c.App.(interface {
		Ahead(ctx context.Context, trials []harness.Input) error
	}); ok {
		c.Ahead = a.Ahead
	}
	if c.Evaluators, err = s.BuildEvaluators(evaluator.Env{Dir: s.Dir, Concurrency: s.Concurrency}); err != nil {
		return c, err
	}
	for _, ev := range c.Evaluators {
		open.keep(ev)
	}
	if c.Source, err = s.Source(b.Context()); err != nil {
		return c, err
	}
	open.keep(c.Source)
	c.Seed, c.Sample = s.Seed, s.Sample
	cases, err := harness.Choose(b.Context(), c)
	if err != nil {
		return c, err
	}
	if len(cases) == 0 {
		return c, errors.New("the source has no case, so there is nothing to measure")
	}
	c.Source, c.Filter, c.Sample, c.Limit = rounds{cases, b.N}, nil, 0, 0
	c.Trials, c.Concurrency, c.Timeout, c.Retry.Max = 1, s.Concurrency, s.Timeout, s.Retries
	if l, ok := c.App.(target.Limited); ok && l.MaxConcurrency() > 0 {
		c.Concurrency = min(c.Concurrency, l.MaxConcurrency())
	}
	if c.Pacer == nil && s.RateLimit > 0 {
		c.Pacer = harness.Limited(rate.NewLimiter(rate.Limit(s.RateLimit/60), 1))
	}
	return c, nil
}

// reportMetrics gives the units that benchstat compares.
func reportMetrics(b *testing.B, r *harness.Report) {
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(r.Cases.Completed)/seconds, "cases/s")
	if r.Tokens.Counted > 0 {
		b.ReportMetric(float64(r.Tokens.Input+r.Tokens.Output)/seconds, "tokens/s")
	}
	b.ReportMetric(float64(r.Latency.P95)/float64(time.Millisecond), "p95-ms")
	if r.CostUSD != nil {
		b.ReportMetric(*r.CostUSD/float64(r.Latency.N-r.CostUnknown), "usd/case")
	}
}

// rounds is a Source of n cases: those that there are, again and again.
type rounds struct {
	cases []harness.Case
	n     int
}

// Page gives the cases from the position that the cursor names.
func (s rounds) Page(_ context.Context, cursor string) (harness.Page, error) {
	start := 0
	if cursor != "" {
		var err error
		if start, err = strconv.Atoi(cursor); err != nil {
			return harness.Page{}, fmt.Errorf("cases: no page %q", cursor)
		}
	}
	end := min(start+pageSize, s.n)
	p := harness.Page{Total: int64(s.n)}
	for i := start; i < end; i++ {
		c := s.cases[i%len(s.cases)]
		if round := i / len(s.cases); round > 0 {
			c.ID += "#" + strconv.Itoa(round+1)
		}
		p.Cases = append(p.Cases, c)
	}
	if end < s.n {
		p.Next = strconv.Itoa(end)
	}
	return p, nil
}

// firstError is a Sink that ends the run at the first error.
type firstError struct{ err error }

// Write looks at the results.
func (s *firstError) Write(_ context.Context, batch []harness.Result) error {
	for _, r := range batch {
		if r.Errored() {
			s.err = errors.New(reporter.Terminal(trouble(r)))
			return s.err
		}
	}
	return nil
}

// trouble is what kept a case from its answer or its scores.
func trouble(r harness.Result) string {
	text := headline(r)
	if r.Error != nil {
		return text + ": " + string(r.Error.Kind) + ": " + r.Error.Message
	}
	for _, s := range r.Scores {
		if s.Error != nil {
			text += ": " + s.Error.Message
		}
	}
	return text
}

// closers are closed in the reverse order.
type closers struct {
	all []io.Closer
}

func (c *closers) keep(v any) {
	if closer, ok := v.(io.Closer); ok {
		c.all = append(c.all, closer)
	}
}

func (c *closers) close() error {
	var errs []error
	for _, closer := range slices.Backward(c.all) {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}
