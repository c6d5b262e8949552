package retellserver_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// Our own client starts a batch whose answer is lost, and finds it again; its
// clock is a year behind the server's.
func TestOwnClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		server := retellserver.New(retellserver.Config{
			APIKey: "key_1", Speed: 1, Now: func() time.Time { return time.Now().AddDate(1, 0, 0) },
			Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
				return retellserver.Fault{DropAfter: r.Op == retellserver.OpCreateBatch}
			}},
		})
		client, err := retell.New(retell.Config{BaseURL: "http://localhost", APIKey: "key_1", HTTPClient: &http.Client{Transport: server.Transport()}})
		require.NoError(t, err)
		defer func() { assert.NoError(t, client.Close()) }()
		engine := retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"}
		var ids []string
		for _, name := range []string{"a", "b", "c"} {
			d, err := client.CreateTestCaseDefinition(ctx, retell.TestCaseDefinitionInput{Name: name, ResponseEngine: &engine, UserPrompt: "Ask.", Metrics: []string{}})
			require.NoError(t, err)
			ids = append(ids, d.ID)
		}
		for range 2 {
			in, err := client.Intend(ctx, retell.CreateBatchTestRequest{DefinitionIDs: ids, ResponseEngine: engine})
			require.NoError(t, err)
			b, err := client.Start(ctx, in)
			require.NoError(t, err)
			for !b.Finished() {
				time.Sleep(time.Second)
				b, err = client.GetBatchTest(ctx, b.ID)
				require.NoError(t, err)
			}
			n := 0
			for r, err := range client.AllTestRuns(ctx, b.ID) {
				require.NoError(t, err)
				assert.Equal(t, ids[n], r.DefinitionID)
				assert.True(t, r.Finished())
				n++
			}
			assert.Equal(t, 3, n)
		}
		assert.Len(t, server.Batches(), 2)
	})
}
