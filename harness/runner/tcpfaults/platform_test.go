package tcpfaults

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, st.Close()) })
	return st
}

// platform is the local platform behind a link, with a published dataset.
type platform struct {
	t          *testing.T
	link       *link
	direct     string // its address without the link
	dataset    string // version 1
	spec       string // an application spec
	cases      []sgp.TestCase
	evaluation sgp.Evaluation // one that is there already
	handler    http.Handler

	mu       sync.Mutex
	requests int // that arrived
	batches  int // of results, that arrived
	// onRequest is told of the n-th request before it is looked at.
	onRequest func(n int)
	// onBatch is told of the n-th batch of results twice: when it has arrived, and
	// when it is taken and not yet answered.
	onBatch func(n int, taken bool)
}

// newPlatform starts one with a dataset of n cases, whose inputs and expected
// answers are q-1, q-2 and so on.
func newPlatform(t *testing.T, n int) *platform {
	t.Helper()
	p := &platform{t: t, handler: sgpserver.New(sgpserver.Config{Store: openStore(t)})}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.direct = server.URL
	p.link = newLink(t, strings.TrimPrefix(server.URL, "http://"))
	client := p.client(p.direct, time.Minute)
	cases := make(harness.Cases, n)
	for i := range cases {
		q := fmt.Sprintf("q-%d", i+1)
		cases[i] = harness.Case{ID: q, Input: q, Expected: q}
	}
	pushed, err := sgp.Push(t.Context(), client, cases, sgp.PushConfig{Name: "questions"})
	require.NoError(t, err)
	p.dataset = pushed.DatasetID
	page, err := client.ListVersionTestCases(t.Context(), p.dataset, 1, sgp.ListOptions{Limit: 10000})
	require.NoError(t, err)
	require.Len(t, page.Items, n)
	p.cases = page.Items
	spec, err := client.CreateApplicationSpec(t.Context(), sgp.ApplicationSpecRequest{Name: "app", Description: "an app"})
	require.NoError(t, err)
	p.spec = spec.ID
	p.evaluation, err = client.CreateEvaluation(t.Context(), sgp.EvaluationRequest{Name: "e", Description: "e", ApplicationSpecID: spec.ID})
	require.NoError(t, err)
	return p
}

// client calls the platform once for each call, and gives it that long.
func (p *platform) client(url string, timeout time.Duration) *sgp.Client {
	p.t.Helper()
	client, err := sgp.New(sgp.Config{BaseURL: url, APIKey: "key", AccountID: "account", MaxRetries: -1, Timeout: timeout})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { assert.NoError(p.t, client.Close()) })
	return client
}

// results reads what an evaluation has, past the link.
func (p *platform) results(evaluation string) []sgp.TestCaseResult {
	p.t.Helper()
	client := p.client(p.direct, time.Minute)
	var out []sgp.TestCaseResult
	for r, err := range client.AllResults(p.t.Context(), evaluation) {
		require.NoError(p.t, err)
		out = append(out, r)
	}
	return out
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	isBatch := strings.HasSuffix(r.URL.Path, "/test-case-results/batch")
	p.mu.Lock()
	p.requests++
	if isBatch {
		p.batches++
	}
	requests, batches, onRequest, onBatch := p.requests, p.batches, p.onRequest, p.onBatch
	p.mu.Unlock()
	if onRequest != nil {
		onRequest(requests)
	}
	if !isBatch || onBatch == nil {
		p.handler.ServeHTTP(w, r)
		return
	}
	onBatch(batches, false)
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, r)
	onBatch(batches, true)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// tell sets what is told of requests from now on, which count from 1 again.
func (p *platform) tell(onRequest func(n int), onBatch func(n int, taken bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.batches, p.onRequest, p.onBatch = 0, 0, onRequest, onBatch
}
