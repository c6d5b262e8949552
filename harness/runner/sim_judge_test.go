package runner

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
)

// newWorld makes the platform of a scenario. What is open is closed when run
// returns.
func newWorld(t *testing.T, s *scenario, dir string) *world {
	return &world{scenario: s, t: t, dir: dir, calls: newCalls(), begun: time.Now()}
}

// run starts the process until nothing is left to do, and checks everything.
func (w *world) run(ctx context.Context) (f figures) {
	st, err := store.Open(w.dir + "/platform")
	require.NoError(w.t, err)
	defer func() {
		close(w.calls.hung)
		if w.platform != nil {
			w.platform.late.Wait()
		}
		require.NoError(w.t, st.Close())
		if w.t.Failed() || *simSeed != 0 {
			w.t.Log(w.story())
		}
	}()
	w.platform, err = newSimPlatform(ctx, w.scenario, st)
	require.NoError(w.t, err)
	e := w.once()
	f.falseSuccess += w.judge(ctx, e)
	for !e.over && w.starts < simStarts {
		e = w.once()
		f.falseSuccess += w.judge(ctx, e)
	}
	require.True(w.t, e.over, "it has not come to its end after %d starts", w.starts)
	w.platform.late.Wait()
	w.final(ctx, e, &f)
	f.seeds, f.starts, f.kills, f.repeated = 1, w.starts, w.kills, len(w.calls.repeated)
	return f
}

// judge looks at one start's end: what it says must be so.
func (w *world) judge(ctx context.Context, e ended) (falseSuccess int) {
	assert.Less(w.t, e.took, simLongest, "it takes too long")
	if e.report == nil || e.report.Publish == nil {
		return 0
	}
	b, err := readBooks(ctx, w.dir)
	require.NoError(w.t, err)
	lost, extra, wrong := b.posted(w.ledger(ctx))
	if a := e.report.Publish.Audit; a != nil {
		assert.Equal(w.t, b.count(harness.PostPosted)-lost, int(a.Found), "found by the audit")
		assert.Equal(w.t, [2]int{lost, extra}, [2]int{int(a.Lost), int(a.Duplicated)}, "lost and duplicated by the audit")
	}
	if e.code != CodePass && e.code != CodeFail && e.code != CodeInconclusive {
		return 0
	}
	wrong = append(wrong, b.conserved(w.platform, w.calls)...)
	if len(w.bad) > 0 {
		wrong = append(wrong, "there are rejected results")
	}
	if e.report.Publish.Audit == nil {
		wrong = append(wrong, "nothing was audited")
	}
	if lost+extra+len(wrong) > 0 {
		assert.Fail(w.t, "exit code 0 with something wrong", "%d lost, %d extra, %q", lost, extra, wrong)
		return 1
	}
	return 0
}

func (w *world) ledger(ctx context.Context) map[harness.Key][]held {
	client, err := w.platform.client()
	require.NoError(w.t, err)
	on, err := ledger(ctx, client)
	require.NoError(w.t, err)
	return on
}

// final checks the end of a scenario.
func (w *world) final(ctx context.Context, e ended, f *figures) {
	t := w.t
	b, err := readBooks(ctx, w.dir)
	require.NoError(t, err)
	lost, extra, wrong := b.posted(w.ledger(ctx))
	wrong = append(wrong, b.conserved(w.platform, w.calls)...)
	assert.Empty(t, wrong)
	assert.Empty(t, w.calls.repeated, "the app was asked again for finished trials")
	assert.Empty(t, w.calls.changed, "other answers are stored than before")
	f.lost = lost
	if w.late {
		f.lateDuplicated, f.detected = extra, w.auditAgain(ctx, b)
		assert.Equal(t, f.lateDuplicated, f.detected, "duplicates that an audit finds")
	} else {
		assert.Zero(t, extra, "results are on the platform more than once")
		f.duplicated = extra
	}
	unbroken, err := w.unbroken(ctx)
	require.NoError(t, err)
	want := CodePass
	audit := e.report.Publish.Audit
	switch {
	case unbroken.Trials.Errored == unbroken.Trials.Completed: // no score says anything
		want = CodeIncomplete
	case len(w.bad) > 0 || audit != nil && !audit.Clean():
		want = CodeUnposted
	}
	assert.Equal(t, want, e.code)
	assert.Equal(t, comparable(unbroken), comparable(b.report), "the report is not that of an unbroken run")
	assert.Equal(t, comparable(b.report), comparable(e.report), "the report is not that of the store")
}

// auditAgain asks the platform once more, when nothing is on its way any more, as
// evalrun publish does, and gives the duplicates that were found.
func (w *world) auditAgain(ctx context.Context, b books) int {
	st, err := store.Open(filepath.Join(w.dir, "store"))
	require.NoError(w.t, err)
	defer func() { assert.NoError(w.t, st.Close()) }()
	run, err := st.Resume(ctx, b.info.ID)
	require.NoError(w.t, err)
	defer func() { assert.NoError(w.t, run.Close()) }()
	client, err := w.platform.client()
	require.NoError(w.t, err)
	to := b.info.Spec.Publish
	p := sgp.Publisher{
		Client: client, Outbox: run, RunID: run.ID(), EvaluationID: to.EvaluationID,
		ApplicationSpecID: to.ApplicationSpecID, DatasetVersion: to.DatasetVersion,
	}
	err = p.Run(ctx, nil)
	info, failed := st.Info(ctx, run.ID())
	require.NoError(w.t, failed)
	require.NotNil(w.t, info.Audit, "%v", err)
	assert.Equal(w.t, info.Audit.Clean(), err == nil, "%+v: %v", info.Audit, err)
	return int(info.Audit.Duplicated)
}
