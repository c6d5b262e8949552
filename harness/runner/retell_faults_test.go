package runner

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

type run = retell.TestRun

var noFaults retellserver.Faults

// lastRun changes what is said of the last run of batches of three, and what those
// count with it.
func lastRun(change func(*run)) retellserver.Faults {
	return retellserver.Faults{
		Runs: func(_ retellserver.Request, all []run) []run {
			if len(all) == 3 {
				change(&all[2])
			}
			return all
		},
		Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				if all[i].Finished() && all[i].TotalCount == 3 {
					all[i].FailCount, all[i].ErrorCount = all[i].FailCount-1, all[i].ErrorCount+1
				}
			}
			return all
		},
	}
}

// refused answers the nth request of an operation, and those after it.
func refused(op string, n, status int) retellserver.Faults {
	return retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		if r.Op == op && r.N >= n {
			return retellserver.Fault{Status: status}
		}
		return retellserver.Fault{}
	}}
}

func TestRetellStopsAndGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		faults retellserver.Faults
		want   string
	}{
		"not paid for, at the second batch": {refused(retellserver.OpCreateBatch, 2, 402), "has to be paid for"},
		"not paid for, at the first one":    {refused(retellserver.OpCreateBatch, 1, 402), "has to be paid for"},
		"not paid for, while it is waited":  {refused(retellserver.OpGetBatch, 3, 402), "has to be paid for"},
		"the key is gone":                   {refused(retellserver.OpGetBatch, 2, 401), "RETELL_API_KEY"},
		"too many requests, at a start":     {refused(retellserver.OpCreateBatch, 2, 429), "429 Too Many Requests"},
		"too many requests, later":          {refused(retellserver.OpGetBatch, 2, 429), "429 Too Many Requests"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCallCenter(t, 4)
			w.set(tc.faults)
			s := w.suite("trials: 2", "  batch: 3")
			outcome := w.stopped(s, Options{})
			assert.ErrorContains(t, outcome.Err, tc.want)
			assert.NotContains(t, outcome.Err.Error(), "key_of_the_call_center")
			w.set(noFaults)
			report := w.complete(w.suite("trials: 2", "  batch: 3"), Options{Resume: outcome.RunID})
			assert.EqualValues(t, 8, report.Trials.Completed)
			assert.Zero(t, report.AppErrors())
			w.playedOnce(4, 2)
		})
	}
}

func TestRetellSurvivesAStormOfRefusals(t *testing.T) {
	t.Parallel() // it waits
	w := newCallCenter(t, 4)
	w.set(retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		if r.Op == retellserver.OpCreateBatch && r.N <= 3 {
			return retellserver.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After-Ms": {"1"}}}
		}
		return retellserver.Fault{}
	}})
	s := w.suite("max_retry_elapsed: 10m", "  poll: 1ms")
	done := make(chan struct{})
	defer close(done)
	go func() {
		for { // the app of the suite itself waits by our clock
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				w.pass(time.Second)
			}
		}
	}()
	outcome, err := Run(t.Context(), s, Options{Store: w.store})
	require.NoError(t, err)
	require.NoError(t, outcome.Err)
	assert.EqualValues(t, 4, outcome.Report.Trials.Completed)
	assert.Contains(t, strings.Join(outcome.Report.Warnings, "\n"), "refused")
	w.playedOnce(4, 1)
}

func TestRetellBatchThatNeverCompletes(t *testing.T) {
	w := newCallCenter(t, 3)
	never := retellserver.Faults{Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
		for i := range all {
			all[i].Status, all[i].PassCount, all[i].FailCount = retell.StatusInProgress, 0, 0
		}
		return all
	}, Runs: func(_ retellserver.Request, all []run) []run {
		all[1].Status = retell.StatusInProgress
		return all
	}}
	w.set(never)
	outcome := w.stopped(w.suite("  deadline: 20ms"), Options{})
	assert.ErrorContains(t, outcome.Err, "had not come to its end after 20ms: it is in_progress")
	assert.ErrorContains(t, outcome.Err, "--resume")
	w.set(noFaults)
	w.pass(time.Hour)
	report := w.complete(w.suite("  deadline: 20ms"), Options{Resume: outcome.RunID})
	assert.EqualValues(t, 3, report.Trials.Completed)
	w.playedOnce(3, 1)
}

// TestRetellUnknownStatusIsNotFinished: neither of a batch nor of a run.
func TestRetellUnknownStatusIsNotFinished(t *testing.T) {
	t.Run("of a run", func(t *testing.T) {
		w := newCallCenter(t, 3)
		w.set(lastRun(func(r *run) { r.Status = "judging" }))
		outcome := w.stopped(w.suite("  deadline: 20ms"), Options{})
		assert.ErrorContains(t, outcome.Err, `1 "judging"`)
	})
	t.Run("for a while", func(t *testing.T) {
		w := newCallCenter(t, 3)
		var looks atomic.Int64
		w.set(retellserver.Faults{Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				if r.Op == retellserver.OpGetBatch && looks.Add(1) < 20 {
					all[i].Status = "judging"
				}
			}
			return all
		}})
		report := w.complete(w.suite(), Options{})
		assert.EqualValues(t, 3, report.Trials.Completed)
		assert.GreaterOrEqual(t, looks.Load(), int64(20))
	})
}

func TestRetellLosesRuns(t *testing.T) {
	for name, tc := range map[string]struct {
		faults   retellserver.Faults
		errors   int64
		warnings string
		want     string // of tc0000
	}{
		"one is missing": {retellserver.Faults{Runs: func(r retellserver.Request, all []run) []run {
			return all[1:]
		}}, 1, "its runs are 1 fail, 1 pass", "has no run of this test case"},
		"one vanishes after a while": {retellserver.Faults{Runs: func(r retellserver.Request, all []run) []run {
			if r.N > 1 {
				return all[1:]
			}
			all[1].Status = retell.StatusPending
			return all
		}}, 1, "its runs are", "has no run of this test case"},
		"there is none": {retellserver.Faults{Runs: func(retellserver.Request, []run) []run {
			return nil
		}}, 3, "it lists no runs", "has no run of this test case"},
		"one is there twice": {retellserver.Faults{Runs: func(_ retellserver.Request, all []run) []run {
			twice := all[0]
			twice.ID += "_2"
			return append(all, twice)
		}}, 2, "3 pass", "2 runs of this test case"},
		"one of a stranger": {retellserver.Faults{Runs: func(_ retellserver.Request, all []run) []run {
			all[0].DefinitionID = "stranger"
			return all
		}}, 1, "of test case stranger", "has no run of this test case"},
		"fewer passes are counted": {retellserver.Faults{Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				if all[i].Finished() {
					all[i].PassCount, all[i].FailCount = 1, 2
				}
			}
			return all
		}}, 2, "counts 1 passed, 2 failed", "no pass of it counts"},
		"counts do not add up": {retellserver.Faults{Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				if all[i].Finished() {
					all[i].ErrorCount = 7
				}
			}
			return all
		}}, 0, "do not add up", ""},
		"another total": {retellserver.Faults{Batches: func(_ retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			for i := range all {
				all[i].TotalCount = 4
			}
			return all
		}}, 0, "and has 3 test cases", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCallCenter(t, 3)
			w.set(tc.faults)
			report := w.complete(w.suite(), Options{})
			assert.Equal(t, tc.errors, report.AppErrors())
			assert.Contains(t, strings.Join(report.Warnings, "\n"), tc.warnings)
			if r := w.result(report.RunID, "tc0000", 1); tc.want != "" {
				require.NotNil(t, r.Error)
				assert.Contains(t, r.Error.Message, tc.want)
				assert.Equal(t, CodeIncomplete, Code(report))
			}
			w.playedOnce(3, 1)
		})
	}
}

func TestRetellLosesABatch(t *testing.T) {
	w := newCallCenter(t, 3)
	w.set(retellserver.Faults{Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
		if r.Op == retellserver.OpGetBatch && r.N > 2 {
			return nil
		}
		return all
	}})
	outcome := w.stopped(w.suite(), Options{})
	assert.ErrorContains(t, outcome.Err, "does not have it any more")
}

// TestRetellStartIsInDoubt: the answer to create-batch-test is lost, with the batch
// there or not.
func TestRetellStartIsInDoubt(t *testing.T) {
	drop := func(f retellserver.Fault) retellserver.Faults {
		return retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
			if r.Op == retellserver.OpCreateBatch && r.N == 1 {
				return f
			}
			return retellserver.Fault{}
		}}
	}
	t.Run("and it is there", func(t *testing.T) {
		w := newCallCenter(t, 3)
		w.set(drop(retellserver.Fault{DropAfter: true}))
		report := w.complete(w.suite(), Options{})
		assert.EqualValues(t, 3, report.Trials.Completed)
		w.playedOnce(3, 1)
	})
	t.Run("and it is there after a status 500", func(t *testing.T) {
		w := newCallCenter(t, 3)
		w.set(drop(retellserver.Fault{DropAfter: true, Status: 500}))
		w.complete(w.suite(), Options{})
		w.playedOnce(3, 1)
	})
	t.Run("and it is not there", func(t *testing.T) {
		w := newCallCenter(t, 3)
		w.set(drop(retellserver.Fault{DropBefore: true}))
		outcome := w.stopped(w.suite(), Options{})
		assert.ErrorContains(t, outcome.Err, "has none that could be it")
		assert.Empty(t, w.server.Batches())
		outcome = w.stopped(w.suite(), Options{Resume: outcome.RunID})
		assert.ErrorContains(t, outcome.Err, "is started anew")
		assert.Empty(t, w.server.Batches(), "as long as it may still come")
		w.pass(time.Hour)
		w.complete(w.suite(), Options{Resume: outcome.RunID})
		w.playedOnce(3, 1)
	})
	t.Run("and another one is there as well", func(t *testing.T) {
		w := newCallCenter(t, 3)
		w.set(retellserver.Faults{Request: drop(retellserver.Fault{DropAfter: true}).Request, Batches: func(r retellserver.Request, all []retell.BatchTest) []retell.BatchTest {
			if r.Op == retellserver.OpListBatches && len(all) > 0 {
				other := all[0]
				other.ID = "test_case_batch_other"
				all = append(all, other)
			}
			return all
		}, Runs: func(_ retellserver.Request, all []run) []run { return all }})
		outcome := w.stopped(w.suite(), Options{})
		assert.Error(t, outcome.Err)
		w.playedOnce(3, 1)
	})
}

// TestRetellClockThatJumps: the platform's clock leaps hours ahead and back between a
// batch's start and its end.
func TestRetellClockThatJumps(t *testing.T) {
	w := newCallCenter(t, 4)
	var n atomic.Int64
	w.set(retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		if r.Op == retellserver.OpGetBatch {
			w.pass(time.Duration([]int64{5, -3, 7}[n.Add(1)%3]) * time.Hour)
		}
		return retellserver.Fault{}
	}})
	report := w.complete(w.suite("trials: 3", "  batch: 2"), Options{})
	assert.EqualValues(t, 12, report.Trials.Completed)
	assert.Empty(t, report.Warnings)
	w.playedOnce(4, 3)
}
