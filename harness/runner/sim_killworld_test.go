package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// killWorld is a world whose starts are processes.
type killWorld struct {
	*world
	faults  *switchedFaults
	url     string
	app     string
	longest time.Duration
}

// switchedFaults is the platform's address over all starts.
type switchedFaults struct {
	mu  sync.Mutex
	now http.Handler
}

func (s *switchedFaults) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = h
}

func (s *switchedFaults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.now
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}

func newKillWorld(t *testing.T, s *scenario) *killWorld {
	w := &killWorld{world: newWorld(t, s, t.TempDir()), faults: &switchedFaults{}}
	w.replay = fmt.Sprintf("-run '%s$' -kills %d", t.Name(), max(*simKills, 20))
	platform := httptest.NewServer(w.faults)
	t.Cleanup(platform.Close)
	app := httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(app.Close)
	w.url, w.app = platform.URL, app.URL
	return w
}

// answer is the app.
func (w *killWorld) answer(rw http.ResponseWriter, req *http.Request) {
	var in struct {
		ID, Input string
		Trial     int
	}
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		return // the process was killed while it asked
	}
	text := w.calls.ask(harness.Key{Case: in.ID, Trial: in.Trial}, in.Input)
	fate := draw(20, w.seed, in.Input, in.Trial)
	time.Sleep(time.Duration(fate/4) * time.Millisecond)
	if fate == 0 {
		http.Error(rw, "this one never works", http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(rw).Encode(map[string]string{"answer": text}) // to a process that may be gone
}

func (w *killWorld) suiteText() string {
	app := fmt.Sprintf(`{http: {url: "%s", body: {id: "{{ .ID }}", trial: "{{ .Trial }}", input: "{{ .Input }}"}, output: .answer}}`, w.app)
	return w.yaml(w.platform.dataset, app, killQuiet)
}

// startChild starts the process once. It is killed at a boundary, after a time,
// or not.
func (w *killWorld) startChild(at int, after time.Duration, boundaries *atomic.Int64) ended {
	f := newFaults(w.scenario, w.starts)
	f.quiet, f.real = killQuiet/4, true
	w.faults.set(&simTransport{platform: w.platform, faults: f, log: w.logf})
	plan, err := json.Marshal(childPlan{
		Dir: w.dir, Suite: w.suiteText(), URL: w.url, Seed: w.seed, Kill: at,
		Batch: w.batch, Bytes: w.bytes, InFlight: w.inFlight, Quiet: killQuiet,
	})
	require.NoError(w.t, err)
	self, err := os.Executable()
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), killLongest)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), simChildEnv+"="+string(plan))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	in, err := cmd.StdinPipe()
	require.NoError(w.t, err)
	defer func() { _ = in.Close() }() // Wait has closed it
	began := time.Now()
	require.NoError(w.t, cmd.Start())
	w.starts++
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	e := ended{code: -1}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var s said
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			w.logf("start %d says %q", w.starts, lines.Text())
			continue // a line that the kill has cut
		}
		w.calls.keep(s.Stored)
		if s.Ended {
			e.code, e.report, e.over, e.text = s.Code, s.Report, isOver(s.Report), s.Text
			if boundaries != nil {
				boundaries.Store(int64(s.Boundaries))
			}
		}
	}
	err = cmd.Wait()
	e.took = time.Since(began)
	w.longest = max(w.longest, e.took)
	require.NoError(w.t, ctx.Err(), "a start took longer than %s\n%s", killLongest, w.story())
	if e.killed = cmd.ProcessState.ExitCode() == -1 || err != nil && e.code == -1; e.killed {
		w.kills++
		e = ended{killed: true, code: -1, took: e.took, text: fmt.Sprintf("killed (boundary %d)", at)}
		assert.NotEqual(w.t, 99, cmd.ProcessState.ExitCode(), "the process could not start")
	}
	w.logf("start %d: exit %d after %s: %s", w.starts, e.code, e.took.Round(time.Millisecond), e.text)
	return e
}

// overHTTP is the report of the run without faults, kills and store.
func (w *killWorld) overHTTP(ctx context.Context) (*harness.Report, error) {
	other := newKillWorld(w.t, newKillScenario(0))
	other.platform = w.platform
	s, err := childPlan{Dir: w.dir, Suite: other.suiteText(), URL: w.url, Seed: w.seed}.suite(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		return nil, err
	}
	r := newRunner(s, Options{})
	defer r.close()
	if err := r.build(ctx); err != nil {
		return nil, err
	}
	w.faults.set(w.platform.handler)
	return harness.Run(ctx, r.config(nil, nil, nil))
}
