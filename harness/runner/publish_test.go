package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/suite"
)

// platform is the local platform with faults, and a dataset of two cases.
type platform struct {
	t       *testing.T
	url     string
	dataset string
	handler http.Handler

	mu     sync.Mutex
	fault  func(w http.ResponseWriter, r *http.Request) // in place of the answer to a batch of results
	locked bool                                         // no key is good
	posted chan struct{}                                // gets a value for each batch
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, handler: sgpserver.New(sgpserver.Config{Store: openStore(t)}), posted: make(chan struct{}, 100)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	client := p.client()
	defer func() { assert.NoError(t, client.Close()) }()
	pushed, err := sgp.Push(t.Context(), client, harness.Cases{
		{ID: "a", Input: "one", Expected: "one"}, {ID: "b", Input: "two", Expected: "two"},
	}, sgp.PushConfig{Name: "two"})
	require.NoError(t, err)
	p.dataset = pushed.DatasetID
	return p
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	fault, locked := p.fault, p.locked
	p.mu.Unlock()
	if locked {
		refuse(http.StatusUnauthorized)(w, r)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/test-case-results/batch") {
		p.handler.ServeHTTP(w, r)
		return
	}
	p.posted <- struct{}{}
	if fault != nil {
		fault(w, r)
		return
	}
	p.handler.ServeHTTP(w, r)
}

// fail answers further batches so; nil mends the platform.
func (p *platform) fail(fault func(w http.ResponseWriter, r *http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

func (p *platform) client() *sgp.Client {
	client, err := sgp.New(sgp.Config{BaseURL: p.url, APIKey: "k"})
	require.NoError(p.t, err)
	return client
}

// count is how many results an evaluation has.
func (p *platform) count(evaluation string) int64 {
	client := p.client()
	defer func() { assert.NoError(p.t, client.Close()) }()
	page, err := client.ListResults(p.t.Context(), evaluation, sgp.ListOptions{Page: 1, Limit: 100})
	require.NoError(p.t, err)
	return page.TotalItemCount
}

// suite is one over the platform's dataset that publishes to it.
func (p *platform) suite(dir string, more ...string) *suite.Suite {
	text := fmt.Sprintf(`name: published
dataset: {sgp: {dataset_id: %s, version: 1}}
app: {echo: {}}
evaluators: [equals]
concurrency: 1
publish: {sgp: {evaluation: {name: nightly}, quiet_time: 50ms}}
`, p.dataset) + strings.Join(more, "\n")
	return loadIn(p.t, dir, text, map[string]string{"SGP_CLIENT_BASE_URL": p.url, "SGP_API_KEY": "k"})
}

func TestPublish(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	outcome, err := Run(t.Context(), p.suite(dir), Options{Store: st})
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
	pub := outcome.Report.Publish
	require.NotNil(t, pub)
	require.NotNil(t, pub.Audit)
	assert.WithinDuration(t, time.Now(), pub.Audit.At, time.Minute)
	pub.Audit.At = time.Time{}
	assert.Equal(t, harness.Publish{Platform: "sgp", EvaluationID: pub.EvaluationID, Posted: 2, Audit: &harness.Audit{Found: 2}}, *pub)
	assert.Equal(t, int64(2), p.count(pub.EvaluationID))
	again, err := Run(t.Context(), p.suite(dir), Options{Store: st, Resume: "latest"})
	require.NoError(t, err)
	assert.True(t, again.Idle)
	assert.Equal(t, int64(2), p.count(pub.EvaluationID))
}

// An audit that could not be made does not show what an earlier one found.
func TestPublishWithAWrongKey(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	outcome, err := Run(t.Context(), p.suite(dir), Options{Store: st})
	require.NoError(t, err)
	require.NotNil(t, outcome.Report.Publish.Audit)
	p.mu.Lock()
	p.locked = true
	p.mu.Unlock()
	again, err := Publish(t.Context(), p.suite(dir), Options{Store: st}, outcome.RunID)
	require.NoError(t, err)
	assert.Equal(t, CodeUnposted, again.Code())
	assert.Contains(t, again.Report.Publish.Error, "401")
	assert.Nil(t, again.Report.Publish.Audit)
	assert.NotNil(t, infoOf(t, st, outcome.RunID).Audit, "it is kept")
}

// Batches that the platform took before the connection was cut are found there;
// they are not posted again.
func TestPublishInDoubt(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	p.fail(func(_ http.ResponseWriter, r *http.Request) {
		p.handler.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	outcome, err := Run(t.Context(), p.suite(dir), Options{Store: st})
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
	assert.Equal(t, int64(2), outcome.Report.Publish.Posted)
	assert.Equal(t, int64(2), p.count(outcome.Report.Publish.EvaluationID))
}

// refuse answers every batch with a status.
func refuse(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"detail": "no"}`, status) }
}

// What was not posted is posted later, by a resumed run or by Publish: the app is
// not asked again, and the run stays what it was.
func TestPublishLater(t *testing.T) {
	for _, way := range []string{"resume", "publish"} {
		t.Run(way, func(t *testing.T) {
			p, st, dir := newPlatform(t), openStore(t), t.TempDir()
			p.fail(refuse(http.StatusUnauthorized))
			app := &answers{}
			outcome, err := runApp(t.Context(), p.suite(dir), Options{Store: st}, app)
			require.NoError(t, err)
			assert.Equal(t, CodeUnposted, outcome.Code())
			assert.Equal(t, int64(2), outcome.Report.Publish.Pending)
			assert.Contains(t, outcome.Report.Publish.Error, "401")
			before := infoOf(t, st, outcome.RunID)
			assert.Equal(t, "complete", before.Status, "the run itself is")

			p.fail(nil)
			var later Outcome
			if way == "resume" {
				later, err = runApp(t.Context(), p.suite(dir), Options{Store: st, Resume: outcome.RunID}, app)
			} else {
				later, err = Publish(t.Context(), p.suite(dir, "# it has changed"), Options{Store: st}, outcome.RunID)
			}
			require.NoError(t, err)
			assert.Equal(t, CodePass, later.Code())
			assert.Equal(t, int64(2), later.Report.Publish.Posted)
			assert.True(t, later.Report.Publish.Clean())
			assert.Equal(t, int64(2), p.count(later.Report.Publish.EvaluationID))
			assert.Len(t, app.asked, 2)
			after := infoOf(t, st, outcome.RunID)
			assert.Equal(t, before.Finished, after.Finished)
			assert.Equal(t, before.Reasons, after.Reasons)
			assert.Equal(t, CodePass, Code(storedReport(t, st, outcome.RunID)))
		})
	}
}

// Publish posts what an incomplete run has; its code is about nothing else.
func TestPublishOfAnIncompleteRun(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	p.fail(refuse(http.StatusUnauthorized))
	cost := 1.0
	outcome, err := runApp(t.Context(), p.suite(dir), Options{Store: st, MaxCost: 1}, &answers{cost: &cost})
	require.NoError(t, err)
	assert.Equal(t, CodeIncomplete, outcome.Code())
	p.fail(nil)
	posted, err := Publish(t.Context(), p.suite(dir), Options{Store: st}, outcome.RunID)
	require.NoError(t, err)
	assert.Equal(t, CodePass, posted.Code())
	assert.Equal(t, int64(1), posted.Report.Publish.Posted)
	assert.Equal(t, harness.Incomplete, posted.Report.Status)
	assert.Equal(t, infoOf(t, st, outcome.RunID).Reasons, posted.Report.Reasons)
	resumed, err := Run(t.Context(), p.suite(dir), Options{Store: st, Resume: outcome.RunID})
	require.NoError(t, err)
	assert.Equal(t, CodePass, resumed.Code())
	assert.Equal(t, int64(2), p.count(resumed.Report.Publish.EvaluationID))
}

// A run that was made before its suite published anything is posted by Publish.
func TestPublishOfARunWithoutPublish(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	s := p.suite(dir)
	s.Publish = nil
	outcome, err := Run(t.Context(), s, Options{Store: st})
	require.NoError(t, err)
	for name, spoil := range map[string]func(*suite.Suite){
		"publishes nothing":                         func(s *suite.Suite) { s.Publish = nil },
		"is of the dataset":                         func(s *suite.Suite) { s.Dataset.SGP.Version = 2 },
		"is of suite \"published\", not of \"other": func(s *suite.Suite) { s.Name = "other" },
	} {
		s := p.suite(dir)
		spoil(s)
		_, err := Publish(t.Context(), s, Options{Store: st}, outcome.RunID)
		require.ErrorContains(t, err, name)
		assert.Equal(t, CodeUsage, CodeOf(err))
	}
	posted, err := Publish(t.Context(), p.suite(dir), Options{Store: st}, outcome.RunID)
	require.NoError(t, err)
	assert.Equal(t, CodePass, posted.Code())
	assert.Equal(t, int64(2), p.count(posted.Report.Publish.EvaluationID))

	other := p.suite(dir)
	other.Publish.SGP.Evaluation, other.Publish.SGP.EvaluationID = nil, "another"
	_, err = Publish(t.Context(), other, Options{Store: st}, outcome.RunID)
	assert.Equal(t, CodeUsage, CodeOf(err), "what is posted stays where it is: %v", err)
}

// stuck takes batches and does not answer until the test is over, or the request.
func stuck(t *testing.T) func(http.ResponseWriter, *http.Request) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}
}

// A signal while the last results are posted is heard.
func TestPublishInterrupted(t *testing.T) {
	for _, way := range []string{"grace ends", "aborted"} {
		t.Run(way, func(t *testing.T) {
			p, st, dir := newPlatform(t), openStore(t), t.TempDir()
			p.fail(stuck(t))
			ctx, cancel := context.WithCancelCause(t.Context())
			abort := make(chan struct{})
			o := Options{Store: st, Grace: time.Hour, Abort: abort}
			if way == "grace ends" {
				o.Grace = time.Millisecond
			}
			var status string
			go func() {
				<-p.posted
				for status != "complete" { // although posting has not ended
					infos, err := st.Runs(context.Background())
					if err != nil || len(infos) != 1 {
						return
					}
					status = infos[0].Status
				}
				cancel(&Error{Code: CodeInterrupted, Err: errors.New("interrupted by interrupt")})
				if way == "aborted" {
					close(abort)
				}
			}()
			outcome, err := Run(ctx, p.suite(dir), o)
			require.NoError(t, err)
			assert.Equal(t, CodeInterrupted, outcome.Code())
			assert.Equal(t, harness.Complete, outcome.Report.Status)
			assert.Contains(t, outcome.Report.Publish.Error, "posting was stopped")

			p.fail(nil)
			resumed, err := Run(t.Context(), p.suite(dir), Options{Store: st, Resume: outcome.RunID})
			require.NoError(t, err)
			assert.Equal(t, CodePass, resumed.Code())
			assert.Equal(t, int64(2), p.count(resumed.Report.Publish.EvaluationID))
		})
	}
}

// A signal while posting only waits for what may arrive late ends it at once.
func TestPublishInterruptedInAQuietTime(t *testing.T) {
	for notice, quiet := range map[string]time.Duration{
		"whether 2 results arrived is not known": time.Hour,
		"some results were posted again":         300 * time.Millisecond,
	} {
		t.Run(notice, func(t *testing.T) {
			p, st := newPlatform(t), openStore(t)
			p.fail(func(http.ResponseWriter, *http.Request) {
				p.fail(nil)
				panic(http.ErrAbortHandler)
			})
			s := p.suite(t.TempDir())
			s.Publish.SGP.QuietTime = quiet
			ctx, cancel := context.WithCancelCause(t.Context())
			outcome, err := Run(ctx, s, Options{Store: st, Grace: time.Hour, Notice: func(text string) {
				if strings.HasPrefix(text, notice) {
					cancel(&Error{Code: CodeInterrupted, Err: errors.New("interrupted")})
				}
			}})
			require.NoError(t, err)
			assert.Equal(t, CodeInterrupted, outcome.Code())
			assert.Equal(t, harness.Complete, outcome.Report.Status)
			assert.Nil(t, outcome.Report.Publish.Audit)
			assert.Equal(t, "posting was stopped with the run", outcome.Report.Publish.Error)

			posted, err := Publish(t.Context(), p.suite(t.TempDir()), Options{Store: st}, outcome.RunID)
			require.NoError(t, err)
			assert.Equal(t, CodePass, posted.Code())
			assert.Equal(t, int64(2), p.count(posted.Report.Publish.EvaluationID))
		})
	}
}

// What ends the run by itself does not end its posting.
func TestPublishAfterMaxCost(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	cost := 1.0
	slow := make(chan struct{})
	p.fail(func(w http.ResponseWriter, r *http.Request) {
		<-slow
		p.handler.ServeHTTP(w, r)
	})
	go func() {
		<-p.posted
		time.Sleep(50 * time.Millisecond) // longer than Grace
		close(slow)
	}()
	outcome, err := runApp(t.Context(), p.suite(dir), Options{Store: st, MaxCost: 1, Grace: time.Millisecond}, &answers{cost: &cost})
	require.NoError(t, err)
	assert.Equal(t, CodeIncomplete, outcome.Code())
	assert.Empty(t, outcome.Report.Publish.Error)
	assert.Equal(t, int64(1), outcome.Report.Publish.Posted)
}

func TestPublishThatCanNotStart(t *testing.T) {
	p, st := newPlatform(t), openStore(t)
	s := p.suite(t.TempDir())
	s.Publish.SGP.Evaluation, s.Publish.SGP.EvaluationID = nil, "no-such-evaluation"
	_, err := Run(t.Context(), s, Options{Store: st})
	assert.Equal(t, CodeUsage, CodeOf(err))
	runs, err := st.Runs(t.Context())
	require.NoError(t, err)
	assert.Empty(t, runs)
}

// An evaluation that says nothing of its application is noticed before the app is
// called, and is no trouble where the suite says it.
func TestPublishWithoutAnApplicationSpec(t *testing.T) {
	p, st, dir := newPlatform(t), openStore(t), t.TempDir()
	made, err := sgp.StartEvaluation(t.Context(), p.client(), sgp.RunEvaluation{Name: "e"})
	require.NoError(t, err)
	own := p.handler
	p.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v4/evaluations/"+made.ID {
			own.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id": %q, "name": "e"}`, made.ID)
	})
	s := p.suite(dir)
	s.Publish.SGP.Evaluation, s.Publish.SGP.EvaluationID = nil, made.ID
	app := &answers{}
	_, err = runApp(t.Context(), s, Options{Store: st}, app)
	require.ErrorContains(t, err, "application_spec_id")
	assert.Equal(t, CodeUsage, CodeOf(err))
	assert.Empty(t, app.asked)

	s = p.suite(dir)
	s.Publish.SGP.Evaluation, s.Publish.SGP.EvaluationID, s.Publish.SGP.ApplicationSpecID = nil, made.ID, made.ApplicationSpecID
	outcome, err := runApp(t.Context(), s, Options{Store: st}, app)
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
}

func TestNoEvaluationForADatasetThatIsNotThere(t *testing.T) {
	p := newPlatform(t)
	s := p.suite(t.TempDir())
	s.Dataset.SGP.DatasetID = "nope"
	_, err := Run(t.Context(), s, Options{Store: openStore(t)})
	require.ErrorContains(t, err, "404")
	assert.Equal(t, CodeUsage, CodeOf(err))
	page, err := p.client().ListEvaluations(t.Context(), sgp.ListOptions{})
	require.NoError(t, err)
	assert.Empty(t, page.Items)
}
