package tcpfaults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
)

// app is the app under test behind a link: it answers with the input, and keeps
// a ledger of what it was asked.
type app struct {
	link    *link
	chunked bool // answers have no Content-Length

	mu    sync.Mutex
	asked map[string]int // by input
	onAsk func(n int)    // told of the n-th request before it is answered
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{asked: map[string]int{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.link = newLink(t, strings.TrimPrefix(server.URL, "http://"))
	return a
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Question string }
	if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &in) != nil {
		http.Error(w, "no question", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	a.asked[in.Question]++
	n, hook := 0, a.onAsk
	for _, times := range a.asked {
		n += times
	}
	a.mu.Unlock()
	if hook != nil {
		hook(n)
	}
	w.Header().Set("Content-Type", "application/json")
	if a.chunked {
		w.(http.Flusher).Flush()
	}
	_, _ = fmt.Fprintf(w, `{"answer": %q}`, in.Question)
}

// ledger is how many times the app was asked each question.
func (a *app) ledger() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.asked)
}

// tell sets what is told of requests from now on.
func (a *app) tell(onAsk func(n int)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onAsk = onAsk
}

// yaml is the app in a suite.
func (a *app) yaml() string {
	return fmt.Sprintf(`{http: {url: "%s/answer", body: {question: "{{ .Input }}"}, output: .answer}}`, a.link.url())
}

// ask asks the app once by way of its link, in a connection of its own.
func (a *app) ask(t *testing.T, patience time.Duration) (harness.Output, error) {
	t.Helper()
	text := "name: s\ndataset: {cases: [{id: a, input: q}]}\nevaluators: [equals]\napp: " + a.yaml() + "\n"
	s, err := suite.Parse(filepath.Join(t.TempDir(), "suite.yaml"), []byte(text), suite.Options{})
	require.NoError(t, err)
	built, err := s.App("", target.Env{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, built.(io.Closer).Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	out, err := built.Respond(ctx, harness.Input{ID: "a", Value: "q"})
	assert.Less(t, time.Since(began), patience+slack)
	return out, err
}

// TestAppThroughFaults asks once: there is an answer or an error, in time.
func TestAppThroughFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		faults   []fault
		patience time.Duration
		err      string // "" for an answer
	}{
		"no fault":                  {nil, patient, ""},
		"latency":                   {[]fault{latency(requests, 20, 15), latency(answers, 20, 15)}, patient, ""},
		"slow":                      {[]fault{bandwidth(requests, 10), bandwidth(answers, 10)}, patient, ""},
		"sliced":                    {[]fault{slices(requests, 10, 50), slices(answers, 10, 50)}, patient, ""},
		"closed late":               {[]fault{slowClose(requests, 100), slowClose(answers, 100)}, patient, ""},
		"a byte now and then":       {[]fault{slices(answers, 1, 20000)}, impatient, "deadline exceeded"},
		"the request stalls":        {[]fault{stall(requests, 0)}, impatient, "deadline exceeded"},
		"the answer stalls":         {[]fault{stall(answers, 0)}, impatient, "deadline exceeded"},
		"the answer stalls, closed": {[]fault{stall(answers, 50)}, patient, "EOF"},
		"the request is reset":      {[]fault{resets(requests, 0)}, patient, "reset by peer"},
		"the answer is reset":       {[]fault{resets(answers, 0)}, patient, "reset by peer"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.link.reset(tc.faults...)
			out, err := a.ask(t, tc.patience)
			if tc.err == "" {
				require.NoError(t, err)
				assert.Equal(t, "q", out.Value)
				return
			}
			require.ErrorContains(t, err, tc.err)
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			assert.False(t, e.Permanent, "another attempt may help")
		})
	}
}

// TestAppAnswerCutAtEveryByte: a part of an answer is never taken for one.
func TestAppAnswerCutAtEveryByte(t *testing.T) {
	for name, chunked := range map[string]bool{"with a length": false, "in chunks": true} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.chunked = chunked
			for n := 0; ; n++ {
				require.Less(t, n, 1000)
				a.link.reset(cut(answers, n))
				out, err := a.ask(t, patient)
				if err == nil {
					assert.Equal(t, "q", out.Value)
					assert.Greater(t, n, 100, "an answer has headers and a body")
					t.Logf("the app's answer %s cut at each of %d bytes: never taken for an answer", name, n)
					break
				}
			}
		})
	}
}
