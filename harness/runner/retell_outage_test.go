package runner

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// TestRetellWaitsThroughAnOutage: the platform is away for more requests than a
// call is retried, while batches are waited for.
func TestRetellWaitsThroughAnOutage(t *testing.T) {
	for name, fault := range map[string]retellserver.Fault{
		"500": {Status: 500}, "502": {Status: 502}, "connections are cut": {DropBefore: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCallCenter(t, 4)
			w.set(retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
				if r.Op == retellserver.OpGetBatch && 2 <= r.N && r.N < 20 || r.Op == retellserver.OpListRuns && r.N < 20 {
					return fault
				}
				return retellserver.Fault{}
			}})
			report := w.complete(w.suite("trials: 2", "  batch: 3"), Options{})
			assert.EqualValues(t, 8, report.Trials.Completed)
			assert.Zero(t, report.AppErrors())
			w.playedOnce(4, 2)
		})
	}
}

// TestRetellOutageWithoutAnEnd: at the deadline it is said what the trouble was.
func TestRetellOutageWithoutAnEnd(t *testing.T) {
	for op, want := range map[string]string{retellserver.OpGetBatch: "get batch test", retellserver.OpListRuns: "list test runs"} {
		t.Run(op, func(t *testing.T) {
			w := newCallCenter(t, 3)
			w.set(refused(op, 1, 502))
			outcome := w.stopped(w.suite("  deadline: 20ms"), Options{})
			assert.ErrorContains(t, outcome.Err, "after 20ms")
			assert.ErrorContains(t, outcome.Err, want)
			assert.ErrorContains(t, outcome.Err, "502 Bad Gateway")
			assert.ErrorContains(t, outcome.Err, "--resume")
			w.set(noFaults)
			w.complete(w.suite("  deadline: 20m"), Options{Resume: outcome.RunID, AllowDrift: true})
			w.playedOnce(3, 1)
		})
	}
}

// TestRetellBatchThatIsGone: what was played in it is lost, and played again when
// that is asked for.
func TestRetellBatchThatIsGone(t *testing.T) {
	for name, op := range map[string]string{"itself": retellserver.OpGetBatch, "its runs": retellserver.OpListRuns} {
		t.Run(name, func(t *testing.T) {
			w := newCallCenter(t, 3)
			w.set(refused(op, 1, 402))
			outcome := w.stopped(w.suite(), Options{})
			gone := w.server.Batches()[0].ID
			w.set(retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
				if r.Op == op && r.ID == gone {
					return retellserver.Fault{Status: 404}
				}
				return retellserver.Fault{}
			}})
			outcome = w.stopped(w.suite(), Options{Resume: outcome.RunID})
			assert.ErrorContains(t, outcome.Err, "does not have it any more")
			assert.ErrorContains(t, outcome.Err, "--retry-errors plays its test cases once more")
			require.Len(t, w.server.Batches(), 1, "nothing is paid for twice unasked")

			report := w.complete(w.suite(), Options{Resume: outcome.RunID, RetryErrors: true})
			assert.Equal(t, outcome.RunID, report.RunID)
			assert.EqualValues(t, 3, report.Trials.Completed)
			assert.Zero(t, report.AppErrors())
			assert.Len(t, w.server.Batches(), 2)
		})
	}
}

// TestRetellWithoutAVersion: after a while the latest version may be another one,
// whose list of batches says nothing about ours.
func TestRetellWithoutAVersion(t *testing.T) {
	const engine = "  response_engine: {type: conversation-flow, conversation_flow_id: flow_1}"
	const cases = "  test_cases: [tc0000, tc0001]"
	w := newCallCenter(t, 2)
	report := w.complete(w.suite(engine, cases), Options{})
	assert.Len(t, report.Warnings, 1)
	assert.Contains(t, report.Warnings[0], "the engine has no version")
	w.pass(time.Hour)

	w.set(retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		return retellserver.Fault{DropAfter: r.Op == retellserver.OpCreateBatch && r.N == 2}
	}, Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
		if r.Op == retellserver.OpListBatches {
			return nil // they are of another version
		}
		return all
	}})
	outcome := w.stopped(w.suite(engine, cases), Options{})
	w.pass(retell.Margin * 2)
	outcome = w.stopped(w.suite(engine, cases), Options{Resume: outcome.RunID})
	assert.ErrorContains(t, outcome.Err, "has none that could be it")
	assert.ErrorContains(t, outcome.Err, "the engine has no version")
	assert.Len(t, w.server.Batches(), 2, "nothing is started twice")
	w.set(noFaults)
	w.complete(w.suite(engine, cases), Options{Resume: outcome.RunID})
	w.playedOnce(2, 2)
}
