package runner

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// simChildEnv makes the test binary one start of a run; it holds a childPlan.
const simChildEnv = "EVALRUN_TEST_SIM"

// childPlan is what a start in a process of its own has to know.
type childPlan struct {
	Dir, Suite, URL        string
	Seed                   int64
	Kill                   int // the boundary at which it kills itself; 0: it does not
	Batch, Bytes, InFlight int
	Quiet                  time.Duration
}

// said is one line of what a child tells its parent: what Write has stored, or
// how it ended.
type said struct {
	Stored     []harness.Result `json:",omitempty"`
	Ended      bool             `json:",omitempty"`
	Code       int
	Boundaries int
	Text       string
	Report     *harness.Report `json:",omitempty"`
}

// teller writes lines that are whole.
type teller struct{ mu sync.Mutex }

func (t *teller) say(s said) {
	line, err := json.Marshal(s)
	if err != nil {
		line = []byte(err.Error()) // which the parent can't read, and says so
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = os.Stdout.Write(append(line, '\n')) // without a parent there is nobody to tell
}

// countedApp is the suite's app with boundaries.
type countedApp struct {
	harness.App
	killer *killer
}

func (a countedApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	return step(a.killer, "the call of the app", func() (harness.Output, error) { return a.App.Respond(ctx, in) })
}

// countedTransport is the way to the platform with boundaries.
type countedTransport struct {
	http.RoundTripper
	killer *killer
}

func (t countedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return step(t.killer, req.Method+" "+req.URL.Path, func() (*http.Response, error) { return t.RoundTripper.RoundTrip(req) })
}

// simChild is one start of the process.
func simChild(text string) error {
	var plan childPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return err
	}
	go func() { // not to outlive the parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(98)
	}()
	k := newKiller(plan.Kill)
	k.kill = func() {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // the signal is on its way
	}
	st, err := store.Open(filepath.Join(plan.Dir, "store"))
	if err != nil {
		return err
	}
	s, err := plan.suite(&http.Client{Transport: countedTransport{http.DefaultTransport, k}})
	if err != nil {
		return err
	}
	o := Options{Store: st}
	infos, err := st.Runs(context.Background())
	if err != nil {
		return err
	}
	if len(infos) > 0 {
		o.Resume = infos[0].ID
	}
	var out teller
	r := newRunner(s, o)
	r.substitute = func(app harness.App) harness.App { return countedApp{app, k} }
	r.journaled = func(j harness.Journal) harness.Journal {
		return &simJournal{Journal: j, killer: k, kept: func(batch []harness.Result) { out.say(said{Stored: batch}) }}
	}
	r.published = func(p *sgp.Publisher) {
		p.Outbox = &simOutbox{Outbox: p.Outbox, killer: k}
		p.BatchItems, p.BatchBytes, p.InFlight = plan.Batch, plan.Bytes, plan.InFlight
		p.QuietTime, p.Linger = plan.Quiet, 5*time.Millisecond
	}
	outcome, err := r.do(context.Background())
	last := said{Ended: true, Boundaries: k.passed()}
	if err != nil {
		last.Code, last.Text = CodeOf(err), err.Error()
	} else {
		last.Code, last.Report, last.Text = outcome.Code(), outcome.Report, posts(outcome.Report)
	}
	out.say(last)
	return st.Close()
}

func (p childPlan) suite(client *http.Client) (*suite.Suite, error) {
	registry := evaluator.NewRegistry()
	for _, e := range simEvaluators(p.Seed, 200*time.Microsecond) {
		if err := registry.Add(e); err != nil {
			return nil, err
		}
	}
	env := map[string]string{"SGP_CLIENT_BASE_URL": p.URL, "SGP_API_KEY": "k"}
	return suite.Parse(filepath.Join(p.Dir, "suite.yaml"), []byte(p.Suite), suite.Options{
		Evaluators: registry, HTTPClient: client,
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
}
