package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// simURL is where the platform seems to be; nothing goes there.
const simURL = "http://127.0.0.1:9"

// simPlatform is the local platform over a store of its own, with the rules of a
// scenario and without a network.
type simPlatform struct {
	*scenario
	handler http.Handler
	dataset string
	ids     []string       // of the test cases, by number
	number  map[string]int // the other way round
	late    sync.WaitGroup // commits under way that nobody waits for
}

func newSimPlatform(ctx context.Context, s *scenario, st *store.Store) (*simPlatform, error) {
	p := &simPlatform{scenario: s, handler: sgpserver.New(sgpserver.Config{Store: st}), number: map[string]int{}}
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	var cases harness.Cases
	for n := range s.cases {
		cases = append(cases, harness.Case{ID: fmt.Sprint(n), Input: question(n)})
	}
	pushed, err := sgp.Push(ctx, client, cases, sgp.PushConfig{Name: "sim"})
	if err != nil {
		return nil, err
	}
	p.dataset = pushed.DatasetID
	for c, err := range sgp.Pull(ctx, &sgp.Source{Client: client, DatasetID: p.dataset, Version: 1}) {
		if err != nil {
			return nil, err
		}
		p.number[c.ID] = len(p.ids)
		p.ids = append(p.ids, c.ID)
	}
	return p, nil
}

// client is one without faults.
func (p *simPlatform) client() (*sgp.Client, error) {
	return sgp.New(sgp.Config{BaseURL: simURL, APIKey: "k", HTTPClient: &http.Client{Transport: &simTransport{platform: p, faults: &faults{}}}})
}

// serve lets the platform answer a request.
func (p *simPlatform) serve(req *http.Request, body []byte) *http.Response {
	if isBatch(req) {
		if refused := p.refuse(req, body); refused != nil {
			return refused
		}
	}
	w := httptest.NewRecorder()
	again := req.Clone(context.Background()) // the client may leave
	again.Body, again.Host = io.NopCloser(bytes.NewReader(body)), req.URL.Host
	p.handler.ServeHTTP(w, again)
	return w.Result()
}

func isBatch(req *http.Request) bool {
	return strings.HasSuffix(req.URL.Path, "/test-case-results/batch")
}

// refuse is the answer to a batch that is too large or holds a bad item; nil when
// there is nothing wrong with it.
func (p *simPlatform) refuse(req *http.Request, body []byte) *http.Response {
	if p.maxBody > 0 && len(body) > p.maxBody {
		return plain(http.StatusRequestEntityTooLarge, "text/html", "<html>413 Request Entity Too Large</html>")
	}
	var items []json.RawMessage
	if json.Unmarshal(body, &items) != nil {
		return nil
	}
	for i, item := range items {
		var it struct {
			Case string `json:"test_case_id"`
			Data struct {
				Key sgp.RunKey `json:"_evalrun"`
			} `json:"test_case_evaluation_data"`
		}
		if json.Unmarshal(item, &it) != nil || !p.bad[p.number[it.Case]] {
			continue
		}
		if i > 0 && p.parted {
			some, _ := json.Marshal(items[:i])
			w, part := httptest.NewRecorder(), req.Clone(context.Background())
			part.Body, part.ContentLength, part.Host = io.NopCloser(bytes.NewReader(some)), int64(len(some)), req.URL.Host
			p.handler.ServeHTTP(w, part)
		}
		message := refusal(p.number[it.Case], it.Data.Key.Trial)
		if p.named {
			return plain(422, "application/json", fmt.Sprintf(`{"detail":[{"loc":["body",%d,"result"],"msg":%q,"type":"value_error"}]}`, i, message))
		}
		return plain(422, "application/json", fmt.Sprintf(`{"detail":%q}`, message))
	}
	return nil
}

// refusal is what the platform says about a bad item.
func refusal(number, trial int) string {
	return fmt.Sprintf("trial %d of case %d is not wanted", trial, number)
}

func plain(status int, kind, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}
}
