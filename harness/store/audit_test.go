package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// auditRun gives a run with six results: 0 to 3 are posted as r_0 to r_3, 4 was
// rejected, 5 is pending.
func auditRun(t *testing.T, s *Store) *Run {
	ctx := t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp", EvaluationID: "e1"}})
	page := testPage(0, 6)
	_, err := run.Plan(ctx, page)
	require.NoError(t, err)
	require.NoError(t, run.Write(ctx, testResults(page)))
	claimed, err := run.Claim(ctx, 5)
	require.NoError(t, err)
	receipts := []harness.Receipt{{Key: claimed[4].Key(), State: harness.PostRejected, Message: "422"}}
	for i, r := range claimed[:4] {
		receipts = append(receipts, harness.Receipt{Key: r.Key(), State: harness.PostPosted, RemoteID: fmt.Sprint("r_", i)})
	}
	require.NoError(t, run.Settle(ctx, receipts))
	return run
}

// listed is a list in pieces of two.
func listed(all ...harness.Listed) iter.Seq2[[]harness.Listed, error] {
	return func(yield func([]harness.Listed, error) bool) {
		for len(all) > 0 {
			n := min(2, len(all))
			if !yield(all[:n], nil) {
				return
			}
			all = all[n:]
		}
	}
}

func testListed(i int, remote string) harness.Listed {
	return harness.Listed{RemoteID: remote, Key: harness.Key{Case: testPage(int64(i), 1)[0].ID, Trial: 1}}
}

func TestAudit(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	other := auditRun(t, s) // has the same cases and IDs, and must not matter
	run := auditRun(t, s)
	_, err := other.Audit(ctx, listed(testListed(0, "r_0")))
	require.NoError(t, err)
	all := []harness.Listed{testListed(0, "r_0"), testListed(1, "r_1"), testListed(2, "r_2"), testListed(3, "r_3")}
	with := func(more ...harness.Listed) []harness.Listed { return append(all[:len(all):len(all)], more...) }
	for name, tt := range map[string]struct {
		list []harness.Listed
		want harness.Audit
	}{
		"clean":                   {all, harness.Audit{Found: 4}},
		"in several passes":       {append(with(all...), all...), harness.Audit{Found: 4}},
		"nothing":                 {nil, harness.Audit{Lost: 4}},
		"two lost":                {all[2:], harness.Audit{Found: 2, Lost: 2}},
		"two copies of one":       {with(testListed(1, "r_9"), testListed(1, "r_8"), testListed(1, "r_8")), harness.Audit{Found: 4, Duplicated: 2}},
		"another ID":              {append(with()[1:], testListed(0, "r_9")), harness.Audit{Found: 4}},
		"a rejected one":          {with(testListed(4, "r_4")), harness.Audit{Found: 4, Unexpected: 1}},
		"a pending one":           {with(testListed(5, "r_5")), harness.Audit{Found: 4, Unexpected: 1}},
		"an unknown case":         {with(testListed(7, "r_5"), testListed(8, "r_6")), harness.Audit{Found: 4, Unexpected: 2}},
		"an unknown trial":        {with(harness.Listed{RemoteID: "r_5", Key: harness.Key{Case: all[0].Key.Case, Trial: 2}}), harness.Audit{Found: 4, Unexpected: 1}},
		"trial 0":                 {with(harness.Listed{RemoteID: "r_5", Key: harness.Key{Case: all[0].Key.Case}}), harness.Audit{Found: 4, Unexpected: 1}},
		"a trial beyond any":      {with(harness.Listed{RemoteID: "r_5", Key: harness.Key{Case: all[0].Key.Case, Trial: 4096}}), harness.Audit{Found: 4, Unexpected: 1}},
		"without keys":            {[]harness.Listed{{RemoteID: "r_0"}, {RemoteID: "r_1"}, {RemoteID: "r_2"}, {RemoteID: "r_3"}}, harness.Audit{Found: 4}},
		"without keys, one lost":  {[]harness.Listed{{RemoteID: "r_0"}, {RemoteID: "r_1"}, {RemoteID: "r_2"}, {RemoteID: "r_7"}}, harness.Audit{Found: 3, Lost: 1}},
		"one without, a copy has": {append(with(testListed(3, "r_9"))[:3:3], testListed(3, "r_9"), harness.Listed{RemoteID: "r_3"}), harness.Audit{Found: 4, Duplicated: 1}},
	} {
		audit, err := run.Audit(ctx, listed(tt.list...))
		require.NoError(t, err, name)
		assert.WithinDuration(t, time.Now(), audit.At, time.Minute)
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		assert.Equal(t, &audit, info.Audit, name)
		audit.At = time.Time{}
		assert.Equal(t, tt.want, audit, name)
		assert.Equal(t, tt.want.Lost+tt.want.Duplicated+tt.want.Unexpected == 0, audit.Clean(), name)
		var rows int
		require.NoError(t, s.read.QueryRow("SELECT count(*) FROM listed").Scan(&rows))
		assert.Zero(t, rows, name)
	}
	info, err := s.Info(ctx, other.ID())
	require.NoError(t, err)
	assert.Equal(t, int64(3), info.Audit.Lost, "the audit of each run is its own")
}

// What an audit found is true until a result is claimed, and stays when there is
// none to claim.
func TestAuditIsForgotten(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := auditRun(t, s)
	audited := func() bool {
		info, err := s.Info(ctx, run.ID())
		require.NoError(t, err)
		return info.Audit != nil
	}
	again := func() {
		_, err := run.Audit(ctx, listed())
		require.NoError(t, err)
		require.True(t, audited())
	}
	assert.False(t, audited())
	again()
	claimed, err := run.Claim(ctx, 1)
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	assert.False(t, audited(), "claimed")
	again()
	claimed, err = run.Claim(ctx, 1)
	require.NoError(t, err)
	require.Empty(t, claimed)
	assert.True(t, audited(), "nothing to claim")
	to := *run.Spec().Publish
	require.NoError(t, run.SetPublish(ctx, to))
	assert.True(t, audited(), "the same")
	to.DatasetVersion = "2"
	require.NoError(t, run.SetPublish(ctx, to))
	assert.False(t, audited(), "what was rejected may be posted now")
}

// An audit that is cut off keeps nothing, and leaves what an earlier one found.
func TestAuditIsCutOff(t *testing.T) {
	s := openStore(t)
	run := auditRun(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first, err := run.Audit(ctx, listed(testListed(0, "r_0")))
	require.NoError(t, err)
	broken := errors.New("connection reset")
	_, err = run.Audit(ctx, func(yield func([]harness.Listed, error) bool) {
		_ = yield([]harness.Listed{testListed(1, "r_1")}, nil) && yield(nil, broken)
	})
	require.ErrorIs(t, err, broken)
	_, err = run.Audit(ctx, func(yield func([]harness.Listed, error) bool) {
		cancel()
		_ = yield([]harness.Listed{testListed(1, "r_1")}, nil)
	})
	require.ErrorIs(t, err, context.Canceled)
	info, err := s.Info(t.Context(), run.ID())
	require.NoError(t, err)
	assert.Equal(t, &first, info.Audit)
	var rows int
	require.NoError(t, s.read.QueryRow("SELECT count(*) FROM listed").Scan(&rows))
	assert.Zero(t, rows)
}

// What a process that died has listed does not count in the next audit.
func TestAuditAfterACrash(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := auditRun(t, s)
	var old []harness.Listed
	for i := range 2*listedRows + 500 {
		old = append(old, testListed(i%4, fmt.Sprint("old_", i)))
	}
	require.NoError(t, run.addListed(ctx, old))
	audit, err := run.Audit(ctx, listed(testListed(0, "r_0")))
	require.NoError(t, err)
	assert.Equal(t, [3]int64{1, 3, 0}, [3]int64{audit.Found, audit.Lost, audit.Duplicated})
}

// TestFromSchema3 opens a database that the program wrote before there were
// audits.
func TestFromSchema3(t *testing.T) {
	s, err := Open(storeOf(t, unpacked(t, "schema3.db.gz")))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	ctx := t.Context()
	info, err := s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Equal(t, "posted", info.Spec.Suite)
	assert.Equal(t, PostCounts{Pending: 1, Posting: 1, Posted: 2, Rejected: 1}, info.Posts)
	assert.Nil(t, info.Audit)
	assert.Equal(t, testResults(testPage(0, 5)), collect(t, s.Results(ctx, info.ID, Query{})))
	assert.Len(t, collect(t, s.Results(ctx, info.ID, Query{Pending: true})), 1)

	run, err := s.Resume(ctx, info.ID)
	require.NoError(t, err)
	defer func() { require.NoError(t, run.Close()) }()
	audit, err := run.Audit(ctx, listed(testListed(0, "r_0"), testListed(0, "r_9"), testListed(2, "r_2")))
	require.NoError(t, err)
	audit.At = time.Time{}
	assert.Equal(t, harness.Audit{Found: 1, Lost: 1, Duplicated: 1, Unexpected: 1}, audit)
}

// BenchmarkAudit audits 100,000 results, of which the list has a tenth twice.
func BenchmarkAudit(b *testing.B) {
	const n = 100_000
	s, ctx := openStore(b), b.Context()
	run := createRun(b, s, Spec{Publish: &Publish{Platform: "sgp", EvaluationID: "e1"}})
	for seq := int64(0); seq < n; seq += 1000 {
		page := testPage(seq, 1000)
		_, err := run.Plan(ctx, page)
		require.NoError(b, err)
		require.NoError(b, run.Write(ctx, testResults(page)))
		claimed, err := run.Claim(ctx, 1000)
		require.NoError(b, err)
		receipts := make([]harness.Receipt, len(claimed))
		for i, r := range claimed {
			receipts[i] = harness.Receipt{Key: r.Key(), State: harness.PostPosted, RemoteID: fmt.Sprint("r_", r.Case.Seq)}
		}
		require.NoError(b, run.Settle(ctx, receipts))
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		most := uint64(0)
		audit, err := run.Audit(ctx, func(yield func([]harness.Listed, error) bool) {
			for seq := range n / 1000 {
				piece := make([]harness.Listed, 0, 1100)
				for i := range 1000 {
					piece = append(piece, testListed(seq*1000+i, fmt.Sprint("r_", seq*1000+i)))
				}
				for i := range 100 {
					piece = append(piece, testListed(seq*1000+i, fmt.Sprint("r_again_", seq*1000+i)))
				}
				if !yield(piece, nil) {
					return
				}
				runtime.ReadMemStats(&after)
				most = max(most, after.HeapAlloc)
			}
		})
		require.NoError(b, err)
		require.Equal(b, [3]int64{n, 0, n / 10}, [3]int64{audit.Found, audit.Lost, audit.Duplicated})
		b.ReportMetric(float64(max(most, before.HeapAlloc)-before.HeapAlloc)/(1<<20), "MB-heap")
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/result")
}
