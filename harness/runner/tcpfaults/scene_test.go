package tcpfaults

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

const (
	// questions is how many cases a run has: enough for three batches of results.
	questions = 250
	// endsWithin is how long one start of a run may take, whatever happens to its
	// connections.
	endsWithin = 90 * time.Second
)

// scene is a run whose app, dataset and evaluation are behind links.
type scene struct {
	t        *testing.T
	platform *platform
	app      *app
	store    *store.Store
	suite    string // the path it has
	text     string
	client   *http.Client

	run     string // its ID, once there is one
	codes   []int  // of each start
	publish bool
	tally   tally
}

// tally is what must not be.
type tally struct {
	lost  int // results that the store or the platform lacks at the end
	twice int // results that the platform has more than once
	again int // calls of the app for answers that were stored
}

// newScene makes one, whose results go to the platform or stay here.
func newScene(t *testing.T, publish bool) *scene {
	t.Helper()
	s := &scene{
		t: t, platform: newPlatform(t, questions), app: newApp(t), store: openStore(t),
		suite: filepath.Join(t.TempDir(), "suite.yaml"), publish: publish,
	}
	s.text = fmt.Sprintf(`name: through-faults
dataset: {sgp: {dataset_id: %s, version: 1}}
app: %s
evaluators: [equals]
concurrency: 8
timeout: 2s
retries: 1
gate: [equals.pass_rate == 1]
`, s.platform.dataset, s.app.yaml())
	if publish {
		s.text += "publish: {sgp: {evaluation: {name: nightly}, quiet_time: 1s}}\n"
	}
	transport := &http.Transport{ResponseHeaderTimeout: 2 * time.Second, MaxIdleConnsPerHost: 20}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	return s
}

// start starts the run, or goes on with it, and gives its exit code. What was
// answered and stored before is not asked again.
func (s *scene) start() int {
	s.t.Helper()
	env := map[string]string{"SGP_CLIENT_BASE_URL": s.platform.link.url(), "SGP_API_KEY": "key", "SGP_ACCOUNT_ID": "account"}
	loaded, err := suite.Parse(s.suite, []byte(s.text), suite.Options{
		HTTPClient: s.client, Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	require.NoError(s.t, err)
	stored, _ := s.stored()
	ledger := s.app.ledger()
	ctx, cancel := context.WithTimeout(s.t.Context(), endsWithin)
	defer cancel()
	outcome, err := runner.Run(ctx, loaded, runner.Options{Store: s.store, Resume: s.run, RetryErrors: s.run != ""})
	require.NoError(s.t, ctx.Err(), "the run did not end by itself")
	code := runner.CodeOf(err)
	if err == nil {
		s.run, code = outcome.RunID, outcome.Code()
	}
	s.codes = append(s.codes, code)
	for q, n := range s.app.ledger() {
		if stored[q] {
			s.tally.again += n - ledger[q]
		}
	}
	if s.ended() {
		s.complete(outcome.Report)
	}
	return code
}

// ended tells whether the run has come to its end: it passed, or it failed
// because of trials without an answer, which are final once they are posted.
func (s *scene) ended() bool {
	code := s.codes[len(s.codes)-1]
	return code == runner.CodePass || code == runner.CodeFail && s.publish
}

// stored reads the store: the questions that have their answer, and how many
// have an error in its place.
func (s *scene) stored() (answered map[string]bool, errored int) {
	answered = map[string]bool{}
	if s.run == "" {
		return answered, 0
	}
	for r, err := range s.store.Results(s.t.Context(), s.run, store.Query{}) {
		require.NoError(s.t, err)
		if r.Error == nil {
			answered[r.Case.Input.(string)] = true
		} else {
			errored++
		}
	}
	return answered, errored
}

// complete wants every result once, here and on the platform.
func (s *scene) complete(report *harness.Report) {
	s.t.Helper()
	answered, errored := s.stored()
	s.tally.lost += questions - len(answered) - errored
	if s.codes[len(s.codes)-1] == runner.CodePass {
		assert.Zero(s.t, errored, "passed with errors")
	}
	if !s.publish {
		return
	}
	require.NotNil(s.t, report.Publish)
	assert.Equal(s.t, int64(questions), report.Publish.Posted, "%+v", report.Publish)
	there := map[string]int{}
	for _, r := range s.platform.results(report.Publish.EvaluationID) {
		key, ok := r.TestCaseEvaluationData.RunKey()
		require.True(s.t, ok)
		require.Equal(s.t, s.run, key.Run)
		there[r.TestCaseID]++
	}
	for _, c := range s.platform.cases {
		if there[c.ID] == 0 {
			s.tally.lost++
		}
		if there[c.ID] > 1 {
			s.tally.twice++
		}
	}
}

// mend takes all faults away, and cuts the connections that there are.
func (s *scene) mend() {
	s.platform.tell(nil, nil)
	s.app.tell(nil)
	s.platform.link.reset()
	s.app.link.reset()
}

// finish goes on with the run, without faults, until it is complete.
func (s *scene) finish() {
	s.t.Helper()
	for !s.ended() {
		s.mend()
		require.Less(s.t, len(s.codes), 5, "exit codes %v: without faults a run comes to its end", s.codes)
		s.start()
	}
	assert.Zero(s.t, s.tally)
	answered, errored := s.stored()
	s.t.Logf("exit codes %v, %d calls of the app for %d answers and %d errors", s.codes, sum(s.app.ledger()), len(answered), errored)
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}
