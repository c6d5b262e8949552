package runner

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/suite"
)

// serverSuite is a suite of so many cases that asks a server.
func serverSuite(t *testing.T, url string, cases int, more string) *suite.Suite {
	t.Helper()
	text := "name: s\napp: {http: {url: " + url + ", headers: {X-Api-Key: \"${env:APP_KEY}\"}, body: {q: \"{{.Input}}\"}, output: .a}}\n" +
		"evaluators: [equals]\n" + more + "dataset:\n  cases:\n"
	for i := range cases {
		text += fmt.Sprintf("    - {id: c%d, input: x, expected: x}\n", i)
	}
	return loadIn(t, t.TempDir(), text, map[string]string{"APP_KEY": "sk-0123456789"})
}

// A key that stops working in the middle of a run: hardly a call is made after
// that, what was finished is kept, and the run goes on once the key is right.
func TestAKeyThatEndsStopsTheSpending(t *testing.T) {
	for _, status := range []int{401, 402, 403} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			const concurrency, good, cases = 8, 100, 1000
			var calls, refused atomic.Int64
			var right atomic.Bool
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) > good && !right.Load() {
					refused.Add(1)
					w.WriteHeader(status)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, `{"a": "x"}`)
			}))
			defer app.Close()
			st := openStore(t)
			s := serverSuite(t, app.URL, cases, fmt.Sprintf("concurrency: %d\nretries: 2\n", concurrency))
			outcome, err := Run(t.Context(), s, Options{Store: st})
			require.NoError(t, err)
			most, recorded := int64(concurrency), int64(0)
			if status == 403 { // answers that were under way may come in between
				most, recorded = 2*concurrency+manyForbidden-1, outcome.Report.AppErrors()
				assert.GreaterOrEqual(t, recorded, int64(manyForbidden-1))
			}
			t.Logf("%d calls after the first refusal", refused.Load()-1)
			assert.LessOrEqual(t, refused.Load(), most)
			assert.Equal(t, CodeIncomplete, outcome.Code())
			require.NotEmpty(t, outcome.Report.Reasons)
			assert.Contains(t, outcome.Report.Reasons[0], fmt.Sprintf("refuses the credentials (status %d)", status))
			assert.Contains(t, outcome.Report.Reasons[0], "its key (the suite names APP_KEY)")
			assert.Contains(t, outcome.Report.Reasons[0], "--resume")
			assert.Equal(t, recorded, outcome.Report.AppErrors(), "a refused trial is not recorded, unless it might have been about its case")
			assert.Equal(t, int64(good)+recorded, outcome.Report.Trials.Completed)

			right.Store(true)
			outcome, err = Run(t.Context(), serverSuiteAgain(t, s), Options{Store: st, Resume: outcome.RunID, RetryErrors: status == 403})
			require.NoError(t, err)
			assert.Equal(t, CodePass, outcome.Code(), "%v", outcome.Report.Reasons)
			assert.Equal(t, int64(cases), calls.Load()-refused.Load(), "nothing is asked twice")
		})
	}
}

// serverSuiteAgain reads a suite again, as another process would.
func serverSuiteAgain(t *testing.T, s *suite.Suite) *suite.Suite {
	t.Helper()
	return loadIn(t, s.Dir, string(s.Text), map[string]string{"APP_KEY": "sk-0123456789"})
}

// A server that refuses every call for ever: the run ends, says why, and can be
// resumed; no trial has an error.
func TestAServerThatRefusesEverythingEndsTheRun(t *testing.T) {
	for name, asks := range map[string]string{"": "taken no call for", "86400": "asks to wait until", "Fri, 31 Dec 9999 23:59:59 GMT": "asks to wait until"} {
		t.Run(name, func(t *testing.T) {
			var open atomic.Bool
			var calls atomic.Int64
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if !open.Load() {
					calls.Add(1)
					w.Header().Set("Retry-After", name)
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, `{"a": "x"}`)
			}))
			defer app.Close()
			st := openStore(t)
			s := serverSuite(t, app.URL, 50, "concurrency: 4\nretries: 0\nmax_retry_elapsed: 300ms\n")
			outcome, err := Run(t.Context(), s, Options{Store: st})
			require.NoError(t, err)
			assert.Equal(t, CodeIncomplete, outcome.Code())
			require.Len(t, outcome.Report.Reasons, 1)
			assert.Contains(t, outcome.Report.Reasons[0], asks)
			assert.Zero(t, outcome.Report.Trials.Completed)
			assert.LessOrEqual(t, calls.Load(), int64(10))
			require.NotEmpty(t, outcome.Report.Warnings)
			assert.Regexp(t, `^127\.0\.0\.1:\d+ refused \d+ of \d+ calls`, outcome.Report.Warnings[0])

			open.Store(true)
			outcome, err = Run(t.Context(), serverSuiteAgain(t, s), Options{Store: st, Resume: outcome.RunID})
			require.NoError(t, err)
			assert.Equal(t, CodePass, outcome.Code())
		})
	}
}

// Through the whole engine: a server with a rate is met at that rate, every case
// gets its answer, and what was refused is neither a retry nor an error.
func TestARunAtTheServersPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, cases = 20, 5000
		s := load(t, "name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\napp: {echo: {}}\nevaluators: [equals]\nretries: 0\n")
		r := newRunner(s, Options{})
		var mu sync.Mutex
		var next time.Time
		refused := 0
		app := harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
			mu.Lock()
			now := time.Now()
			ok := !now.Before(next)
			if ok {
				next = now.Add(time.Second / perSecond)
			} else {
				refused++
			}
			mu.Unlock()
			if !ok {
				return harness.Output{}, &harness.Error{Status: 429, Message: "slow down", RetryAfter: time.Second}
			}
			time.Sleep(300 * time.Millisecond)
			return harness.Output{Value: in.Value}, nil
		})
		var source harness.Cases
		for i := range cases {
			source = append(source, harness.Case{ID: fmt.Sprint(i), Input: "x", Expected: "x"})
		}
		evaluators, err := s.BuildEvaluators(evaluator.Env{})
		require.NoError(t, err)
		begin := time.Now()
		report, err := harness.Run(t.Context(), harness.Config{Source: source, App: app, Evaluators: evaluators, Pacer: r.pacer()})
		require.NoError(t, err)
		goodput := cases / time.Since(begin).Seconds() / perSecond
		t.Logf("goodput %.3f of R, %d of %d calls refused", goodput, refused, refused+cases)
		assert.GreaterOrEqual(t, goodput, 0.9)
		assert.LessOrEqual(t, refused, cases/10)
		assert.Zero(t, report.AppErrors())
		assert.Zero(t, report.Retries)
	})
}
