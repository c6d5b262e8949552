package retellserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// A client in faked time: a minute of the simulation passes
// at once, and a connection that breaks is an error.
func TestTransportInFakedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		server := retellserver.New(retellserver.Config{
			Speed:       1,
			Definitions: []retell.TestCaseDefinition{{ID: "tc_1", Name: "refund"}},
			Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
				return retellserver.Fault{DropBefore: r.ID == "drop", DropAfter: r.Op == retellserver.OpCreateBatch && r.N == 2}
			}},
		})
		client := &http.Client{Transport: server.Transport()}
		do := func(ctx context.Context, method, path, body string) (int, error) {
			req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, strings.NewReader(body))
			require.NoError(t, err)
			req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer any"}}
			resp, err := client.Do(req)
			if err != nil {
				return 0, err
			}
			assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
			return resp.StatusCode, resp.Body.Close()
		}
		const batch = `{"test_case_definition_ids":["tc_1"],"response_engine":{"type":"retell-llm","llm_id":"l"}}`
		status, err := do(t.Context(), "POST", "/create-batch-test", batch)
		require.NoError(t, err)
		assert.Equal(t, 201, status)
		for !server.Batches()[0].Finished() {
			time.Sleep(time.Second)
		}
		assert.Less(t, time.Since(began), 2*time.Minute)
		assert.Greater(t, time.Since(began), 20*time.Second)

		_, err = do(t.Context(), "POST", "/create-batch-test", batch)
		require.ErrorContains(t, err, "the connection was broken")
		assert.Len(t, server.Batches(), 2)
		_, err = do(t.Context(), "GET", "/get-test-run/drop", "")
		require.ErrorContains(t, err, "the connection was broken")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = do(ctx, "GET", "/get-test-run/x", "")
		require.ErrorIs(t, err, context.Canceled)
	})
}
