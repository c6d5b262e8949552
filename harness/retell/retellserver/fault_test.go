package retellserver_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

func TestFaultsOfRequests(t *testing.T) {
	var fault retellserver.Fault
	var last retellserver.Request
	a := start(t, retellserver.Config{Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		last = r
		return fault
	}}})
	id := a.definition("a", nil)
	for status, message := range map[int]string{
		402: "Trial has ended, please add payment method.",
		429: "Account rate limited, please throttle your requests.",
		500: "An unexpected server error occurred.",
	} {
		fault = retellserver.Fault{Status: status}
		assert.Equal(t, message, a.refused(status, "POST", "/create-batch-test", object{"test_case_definition_ids": []string{id}, "response_engine": llm()}))
	}
	assert.Empty(t, a.server.Batches())
	assert.Equal(t, 3, a.server.Requests(retellserver.OpCreateBatch))

	fault = retellserver.Fault{Status: 429, Header: http.Header{"retry-after": {"7"}}}
	req, err := http.NewRequest("GET", a.url+"/v2/list-test-runs/b?limit=3", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "7", resp.Header.Get("Retry-After"))
	assert.Equal(t, retellserver.OpListRuns, last.Op)
	assert.Equal(t, "b", last.ID)
	assert.Equal(t, "3", last.Query.Get("limit"))

	a.unchecked = true // the documents declare no 422
	fault = retellserver.Fault{Status: 422}
	assert.Equal(t, "Cannot find requested asset under given api key.", a.refused(422, "GET", "/get-batch-test/x", nil))
	fault = retellserver.Fault{Status: 502, Message: "bad gateway"}
	assert.Equal(t, "bad gateway", a.refused(502, "GET", "/get-batch-test/x", nil))
}

// A connection breaks before a batch is created, after it, or a 500 follows it.
func TestFaultsAroundTheCommit(t *testing.T) {
	faults := []retellserver.Fault{{DropBefore: true}, {DropAfter: true}, {DropAfter: true, Status: 500}, {}}
	a := start(t, retellserver.Config{Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		if r.Op == retellserver.OpCreateBatch {
			return faults[r.N-1]
		}
		return retellserver.Fault{}
	}}})
	id := a.definition("a", nil)
	post := func() (*http.Response, error) {
		req, err := http.NewRequest("POST", a.url+"/create-batch-test", strings.NewReader(`{"test_case_definition_ids":["`+id+`"],"response_engine":{"type":"retell-llm","llm_id":"llm_1"}}`))
		require.NoError(t, err)
		req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer x"}}
		return http.DefaultClient.Do(req)
	}
	for i, there := range []int{0, 1, 2, 3} {
		resp, err := post()
		if err == nil {
			require.NoError(t, resp.Body.Close())
		}
		assert.Equal(t, i < 2, err != nil, i)
		assert.Len(t, a.server.Batches(), there, i)
	}
}

func TestFaultsOfAnswers(t *testing.T) {
	a := start(t, retellserver.Config{Faults: retellserver.Faults{
		Definitions: func(r retellserver.Request, all []retell.TestCaseDefinition) []retell.TestCaseDefinition {
			if r.Op == retellserver.OpListDefinitions {
				return nil
			}
			return all
		},
		Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				all[i].Status, all[i].PassCount = "paused", 17
			}
			return all
		},
		Runs: func(r retellserver.Request, all []retell.TestRun) []retell.TestRun {
			if r.Op == retellserver.OpGetRun {
				return nil
			}
			return append(all[1:], all[1], all[1])
		},
	}})
	id := a.definition("a", nil)
	assert.Empty(t, ask[retell.Page[object]](a, 200, "GET", "/v2/list-test-case-definitions"+ofLLM, nil).Items)
	a.unchecked = true // what follows breaks the contract
	b := a.batch(llm(), id, id, id)
	a.clock.add(time.Hour)
	for _, b := range []retell.BatchTest{b, ask[retell.BatchTest](a, 200, "GET", "/get-batch-test/"+b.ID, nil)} {
		assert.Equal(t, "paused", b.Status)
		assert.Equal(t, 17, b.PassCount)
	}
	assert.Equal(t, retell.StatusComplete, a.server.Batches()[0].Status)
	true3 := a.server.Runs(b.ID)
	var got []string
	for key := ""; ; { // a page that ends at a doubled ID goes on after it
		page := ask[retell.Page[retell.TestRun]](a, 200, "GET", "/v2/list-test-runs/"+b.ID+"?limit=1&pagination_key="+key, nil)
		got = append(got, page.Items[0].ID)
		if key = page.PaginationKey; !page.HasMore {
			break
		}
	}
	assert.Equal(t, []string{true3[1].ID, true3[2].ID, true3[1].ID, true3[1].ID}, got)
	a.refused(404, "GET", "/get-test-run/"+true3[1].ID, nil)
	assert.Nil(t, a.server.Runs("unheard-of"))
}

// Everything at once, for the race detector; faults may ask the server.
func TestManyAtOnce(t *testing.T) {
	var server *retellserver.Server
	ready := make(chan struct{})
	a := start(t, retellserver.Config{Faults: retellserver.Faults{
		Request: func(retellserver.Request) retellserver.Fault {
			<-ready
			server.Batches()
			return retellserver.Fault{}
		},
		Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			server.Requests(retellserver.OpGetBatch)
			return all
		},
	}})
	server = a.server
	close(ready)
	id := a.definition("a", nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				b := a.batch(llm(), id, id)
				a.clock.add(10 * time.Second)
				a.runs(b.ID)
				ask[object](a, 200, "PUT", "/update-test-case-definition/"+id, object{"name": "b"})
				ask[object](a, 200, "GET", "/v2/list-batch-tests"+ofLLM, nil)
			}
		})
	}
	wg.Wait()
	assert.Len(t, a.server.Batches(), 40)
}
