package retellserver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := retellserver.Serve(ctx, "127.0.0.1:0", retellserver.Config{APIKey: "k"}, func(addr string) {
		defer cancel()
		resp, err := http.Get("http://" + addr + "/get-batch-test/b")
		if assert.NoError(t, err) {
			assert.NoError(t, resp.Body.Close())
			assert.Equal(t, 401, resp.StatusCode)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	require.NoError(t, err)

	err = retellserver.Serve(t.Context(), "0.0.0.0:0", retellserver.Config{}, nil)
	require.ErrorIs(t, err, retellserver.ErrNeedsKey)
}

// A server with a definition, and a fault plan: the second batch is one too many.
func ExampleNew() {
	server := httptest.NewServer(retellserver.New(retellserver.Config{
		Definitions: []retell.TestCaseDefinition{{ID: "tc_1", Name: "refund"}},
		Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
			if r.Op == retellserver.OpCreateBatch && r.N >= 2 {
				return retellserver.Fault{Status: http.StatusPaymentRequired}
			}
			return retellserver.Fault{}
		}},
	}))
	defer server.Close()

	resp, err := http.Get(server.URL + "/get-test-case-definition/tc_2")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), err)
	// Output: 404 Not Found {"message":"The requested resource was not found.","status":"error"} <nil>
}
