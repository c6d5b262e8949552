package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// callCenter is a stand-in for Retell with a clock of its own, a suite that is run
// against it, and a store.
type callCenter struct {
	t      *testing.T
	server *retellserver.Server
	url    string
	dir    string
	store  *store.Store

	mu     sync.Mutex
	now    time.Time
	faults retellserver.Faults
}

// newCallCenter has so many test cases, tc0000 and so on, of which every third one
// fails. Version 9 of the engine passes all.
func newCallCenter(t *testing.T, cases int) *callCenter {
	w := &callCenter{t: t, dir: t.TempDir(), store: openStore(t), now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	var definitions []retell.TestCaseDefinition
	for i := range cases {
		id := fmt.Sprintf("tc%04d", i)
		definitions = append(definitions, retell.TestCaseDefinition{
			ID: id, Name: "case " + id, UserPrompt: "You want thing " + id, Metrics: []string{"is polite"},
			ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"},
		})
	}
	w.server = retellserver.New(retellserver.Config{
		Definitions: definitions, Speed: 1, Concurrency: 5000, Now: w.time,
		Odds: func(d retell.TestCaseDefinition, e retell.ResponseEngine) retellserver.Odds {
			var n int
			_, _ = fmt.Sscanf(d.ID, "tc%d", &n)
			if n%3 == 2 && (e.Version == nil || *e.Version != 9) {
				return retellserver.Odds{}
			}
			return retellserver.Odds{Pass: 1}
		},
		Faults: retellserver.Faults{
			Request: func(r retellserver.Request) retellserver.Fault {
				if f := w.fault().Request; f != nil {
					return f(r)
				}
				return retellserver.Fault{}
			},
			Definitions: func(r retellserver.Request, all []retell.TestCaseDefinition) []retell.TestCaseDefinition {
				if f := w.fault().Definitions; f != nil {
					return f(r, all)
				}
				return all
			},
			Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
				if f := w.fault().Batches; f != nil {
					return f(r, all)
				}
				return all
			},
			Runs: func(r retellserver.Request, all []retell.TestRun) []retell.TestRun {
				if f := w.fault().Runs; f != nil {
					return f(r, all)
				}
				return all
			},
		},
	})
	served := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", w.time().UTC().Format(http.TimeFormat))
		if r.URL.Path == "/clock" { // of another process that waits
			d, _ := time.ParseDuration(r.FormValue("pass"))
			w.pass(d)
			return
		}
		w.server.ServeHTTP(rw, r)
	}))
	t.Cleanup(served.Close)
	w.url = served.URL
	return w
}

func (w *callCenter) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *callCenter) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *callCenter) fault() retellserver.Faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

func (w *callCenter) set(f retellserver.Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = f
}

// suite is a batch test of all test cases; what it is given are further lines. Lines
// that are indented are of the section.
func (w *callCenter) suite(more ...string) *suite.Suite {
	s, err := w.parse(more...)
	require.NoError(w.t, err)
	return s
}

func (w *callCenter) parse(more ...string) (*suite.Suite, error) {
	text := "name: voice\nretell:\n"
	own := strings.Join(more, "\n")
	if !strings.Contains(own, "response_engine:") {
		text += "  response_engine: {type: retell-llm, llm_id: llm_1, version: 3}\n"
	}
	if !strings.Contains(own, "test_cases:") {
		text += "  test_cases: {all: true}\n"
	}
	for _, indented := range []bool{true, false} {
		for _, line := range more {
			if strings.HasPrefix(line, " ") == indented {
				text += line + "\n"
			}
		}
	}
	path := filepath.Join(w.dir, "suite.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return suite.Load(path, suite.Options{Getenv: func(name string) (string, bool) {
		v, ok := map[string]string{"RETELL_API_KEY": "key_of_the_call_center", "RETELL_BASE_URL": w.url}[name]
		return v, ok
	}})
}

// run runs the suite. Waiting takes no time: the platform's clock goes on instead.
func (w *callCenter) run(s *suite.Suite, o Options) (Outcome, error) {
	o.Store = w.store
	r := newRunner(s, o)
	r.substitute = func(app harness.App) harness.App {
		return quick(w.t, app.(*retell.App), w.url, func(d time.Duration) { w.pass(d) })
	}
	return r.do(w.t.Context())
}

// quick is the same app whose client waits by calling pass.
func quick(t require.TestingT, a *retell.App, url string, pass func(time.Duration)) *retell.App {
	client, err := retell.New(retell.Config{BaseURL: url, APIKey: "key_of_the_call_center",
		Sleep: func(ctx context.Context, d time.Duration) error {
			pass(d)
			select { // lets others have their turn
			case <-time.After(time.Millisecond):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}})
	require.NoError(t, err)
	return &retell.App{Client: client, Engine: a.Engine, Batch: a.Batch, Poll: a.Poll, Deadline: a.Deadline}
}

// complete runs the suite, which has to come to its end.
func (w *callCenter) complete(s *suite.Suite, o Options) *harness.Report {
	w.t.Helper()
	outcome, err := w.run(s, o)
	require.NoError(w.t, err)
	require.NoError(w.t, outcome.Err)
	require.Equal(w.t, harness.Complete, outcome.Report.Status, outcome.Report.Reasons)
	return outcome.Report
}

// stopped runs the suite, which has to stop with exit code 4.
func (w *callCenter) stopped(s *suite.Suite, o Options) Outcome {
	w.t.Helper()
	outcome, err := w.run(s, o)
	require.NoError(w.t, err)
	require.Error(w.t, outcome.Err)
	require.Equal(w.t, CodeIncomplete, outcome.Code())
	return outcome
}

// result is the stored one of a trial; its case has the name of the definition.
func (w *callCenter) result(run, id string, trial int) harness.Result {
	w.t.Helper()
	for r, err := range w.store.Results(w.t.Context(), run, store.Query{Case: "case " + id}) {
		require.NoError(w.t, err)
		if r.Trial == trial {
			return r
		}
	}
	require.NoError(w.t, errors.New("no result of "+id))
	return harness.Result{}
}

// played is how often each test case was played.
func (w *callCenter) played() map[string]int {
	n := map[string]int{}
	for _, b := range w.server.Batches() {
		for _, r := range w.server.Runs(b.ID) {
			n[r.DefinitionID]++
		}
	}
	return n
}

// playedOnce requires each test case to have been played as often as it has trials.
func (w *callCenter) playedOnce(cases, trials int) {
	w.t.Helper()
	played := w.played()
	require.Len(w.t, played, cases)
	for id, n := range played {
		require.Equal(w.t, trials, n, id)
	}
}
