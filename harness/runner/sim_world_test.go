package runner

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// world is a scenario while it goes on: the platform, and one store that start
// after start of the process works on.
type world struct {
	*scenario
	t        *testing.T
	dir      string
	platform *simPlatform
	calls    *calls
	starts   int
	kills    int
	begun    time.Time
	replay   string                                             // the arguments of go test that do so
	once     func() ended                                       // starts the process
	unbroken func(ctx context.Context) (*harness.Report, error) // of a run without faults and kills

	mu  sync.Mutex
	log []string
}

func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%10s  ", time.Since(w.begun).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// story is the plan and what happened.
func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("replay with: go test ./harness/runner %s\n%s%s", w.replay, w.scenario, strings.Join(w.log, "\n"))
}

// suite is the scenario's, for one start.
func (w *world) suite(transport http.RoundTripper) *suite.Suite {
	registry := evaluator.NewRegistry()
	for _, e := range simEvaluators(w.seed, 10*time.Millisecond) {
		require.NoError(w.t, registry.Add(e))
	}
	env := map[string]string{"SGP_CLIENT_BASE_URL": simURL, "SGP_API_KEY": "k"}
	s, err := suite.Parse(filepath.Join(w.dir, "suite.yaml"), []byte(w.yaml(w.platform.dataset, "{echo: {}}", simQuiet)), suite.Options{
		Evaluators: registry, HTTPClient: &http.Client{Transport: transport},
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	require.NoError(w.t, err)
	return s
}

// ended is how a start came to its end.
type ended struct {
	killed bool
	code   int // the exit code, -1 after a kill
	over   bool
	report *harness.Report // nil when there is none
	took   time.Duration
	text   string
}

// isOver tells whether there is nothing left that another start could do.
func isOver(r *harness.Report) bool {
	if r == nil || r.Status != harness.Complete || r.Publish == nil {
		return false
	}
	p := r.Publish
	return p.Pending == 0 && (p.Error == "" || p.Audit != nil) // nobody can mend what an audit finds
}

// runOnce starts the process once.
func (w *world) runOnce() ended {
	plan := w.start(w.starts)
	time.Sleep(plan.pause)
	st, err := store.Open(filepath.Join(w.dir, "store"))
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	abort := make(chan struct{})
	k := newKiller(plan.kill)
	k.kill = func() {
		_ = st.Close() // nothing that comes later gets onto the disk
		cancel()
		close(abort)
	}
	transport := &simTransport{platform: w.platform, faults: newFaults(w.scenario, w.starts), killer: k, log: w.logf}
	o := Options{Store: st, Abort: abort}
	infos, err := st.Runs(ctx)
	require.NoError(w.t, err)
	if len(infos) > 0 {
		o.Resume = infos[0].ID
	}
	r := newRunner(w.suite(transport), o)
	r.substitute = func(harness.App) harness.App { return &simApp{seed: w.seed, calls: w.calls, killer: k} }
	r.journaled = func(j harness.Journal) harness.Journal { return &simJournal{Journal: j, killer: k, kept: w.calls.keep} }
	r.published = func(p *sgp.Publisher) {
		p.Outbox = &simOutbox{Outbox: p.Outbox, killer: k}
		p.BatchItems, p.BatchBytes, p.InFlight = w.batch, w.bytes, w.inFlight
	}
	w.starts++
	e := ended{}
	began := time.Now()
	outcome, err := r.do(ctx)
	e.took = time.Since(began)
	switch {
	case k.killed():
		w.kills++
		e.killed, e.code, e.text = true, -1, fmt.Sprintf("killed %s (boundary %d)", k.where, k.at)
	case err != nil:
		e.code, e.text = CodeOf(err), err.Error()
	default:
		e.code, e.report, e.over = outcome.Code(), outcome.Report, isOver(outcome.Report)
		e.text = fmt.Sprintf("%d boundaries; %s %v", k.passed(), posts(outcome.Report), append(outcome.Report.Reasons, fmt.Sprint(outcome.Err)))
	}
	if !e.killed {
		require.NoError(w.t, st.Close())
	}
	w.logf("start %d: exit %d after %s: %s", w.starts, e.code, e.took.Round(time.Millisecond), e.text)
	return e
}

// posts is what a report says about the platform.
func posts(r *harness.Report) string {
	if r.Publish == nil {
		return "nothing is posted"
	}
	return fmt.Sprintf("%+v, audit %+v", *r.Publish, r.Publish.Audit)
}

// inMemory is the report of the same run without faults, kills and store.
func (w *world) inMemory(ctx context.Context) (*harness.Report, error) {
	var cases harness.Cases
	for n, id := range w.platform.ids {
		cases = append(cases, harness.Case{ID: id, Input: question(n)})
	}
	c := newCalls()
	c.hung = w.calls.hung
	return harness.Run(ctx, harness.Config{
		Source: cases, App: &simApp{seed: w.seed, calls: c, killer: newKiller(0)}, Evaluators: simEvaluators(w.seed, 10*time.Millisecond),
		Trials: w.trials, Concurrency: w.concurrency, Timeout: simTimeout, Retry: harness.Retry{Max: w.retries},
	})
}
