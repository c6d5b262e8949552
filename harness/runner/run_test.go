package runner

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

func TestRunKeepsWhatItIsMadeOf(t *testing.T) {
	st := openStore(t)
	s := load(t, twoCases("gate: [equals.pass_rate == 1]", "trials: 2", "seed: 7"))
	var told string
	outcome, err := Run(t.Context(), s, Options{
		Store: st, Tags: map[string]string{"branch": "main"}, Revision: "abc", Version: "v1",
		Started: func(id string, p *harness.Progress) func() { told = id; return func() {} },
	})
	require.NoError(t, err)
	assert.NoError(t, outcome.Err)
	assert.Equal(t, CodePass, outcome.Code())
	assert.Equal(t, outcome.RunID, told)
	assert.Equal(t, harness.Counts{Planned: 2, Completed: 2}, outcome.Report.Cases)

	info := infoOf(t, st, outcome.RunID)
	assert.Equal(t, "complete", info.Status)
	assert.Equal(t, int64(2), info.Planned)
	assert.Equal(t, int64(4), info.Completed)
	assert.True(t, filepath.IsAbs(info.Spec.Path), info.Spec.Path)
	assert.Equal(t, []string{"equals.pass_rate == 1"}, info.Spec.Gate)
	assert.Equal(t, []string{"equals"}, info.Spec.Evaluators)
	assert.Equal(t, map[string]string{"branch": "main"}, Tags(info.Spec))
	assert.Equal(t, []any{"abc", "v1", int64(7), 2}, []any{info.Spec.Revision, info.Spec.Version, info.Spec.Seed, info.Spec.Trials})
	assert.Equal(t, outcome.Report, storedReport(t, st, outcome.RunID), "the stored report is the same")
}

func TestRunOfOneOfSeveralApps(t *testing.T) {
	st := openStore(t)
	s := load(t, `name: two
dataset: {cases: [{id: a, input: one, expected: one}]}
apps: {first: {echo: {}}, second: {echo: {}}}
evaluators: [equals]
`)
	outcome, err := Run(t.Context(), s, Options{Store: st, App: "second"})
	require.NoError(t, err)
	assert.Equal(t, "second", outcome.Report.App)
	assert.Equal(t, "second", storedReport(t, st, outcome.RunID).App)
}

func TestRunThatCanNotStartLeavesNothing(t *testing.T) {
	st := openStore(t)
	s := load(t, twoCases(`start: {command: ['false'], ready: "http://`+freeAddr(t)+`/"}`))
	_, err := Run(t.Context(), s, Options{Store: st})
	assert.ErrorContains(t, err, "start")
	assert.Equal(t, CodeUsage, CodeOf(err))
	runs, err := st.Runs(t.Context())
	require.NoError(t, err)
	assert.Empty(t, runs)
}

// A server that ends while the run goes on is in the report, and stays there.
func TestServerThatDies(t *testing.T) {
	st := openStore(t)
	addr := freeAddr(t)
	s := load(t, twoCases(`start: {command: ["`+os.Args[0]+`"], env: {`+serveEnv+`: "`+addr+`"}, ready: "http://`+addr+`/"}`))
	r := newRunner(s, Options{Store: st})
	r.substitute = func(harness.App) harness.App {
		return &answers{hook: func(string) {
			if resp, err := http.Get("http://" + addr + "/die"); err == nil {
				_ = resp.Body.Close()
			}
			for r.server.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		}}
	}
	outcome, err := r.do(t.Context())
	require.NoError(t, err)
	for _, report := range []*harness.Report{outcome.Report, storedReport(t, st, outcome.RunID)} {
		require.Len(t, report.Warnings, 1)
		assert.Contains(t, report.Warnings[0], "the server of start: ")
		assert.Contains(t, report.Warnings[0], "exit status 3")
		assert.Contains(t, report.Warnings[0], "the model was too large")
	}
}

type brokenSource struct{}

func (brokenSource) Page(context.Context, string) (harness.Page, error) {
	panic("no such page, hunter2-hunter2")
}

func TestPanicIsABug(t *testing.T) {
	st := openStore(t)
	r := newRunner(load(t, twoCases()), Options{Store: st})
	r.redact = NewRedactor("hunter2-hunter2")
	require.NoError(t, r.prepare(t.Context()))
	defer r.close()
	r.source = brokenSource{}
	outcome, err := r.run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, CodeBug, outcome.Code())
	assert.Equal(t, CodeBug, CodeOf(outcome.Err))
	var bug *harness.PanicError
	require.ErrorAs(t, outcome.Err, &bug)
	assert.Contains(t, bug.Stack, "brokenSource")
	assert.NotContains(t, outcome.Err.Error()+bug.Error()+bug.Stack, "hunter2")
	assert.Equal(t, "incomplete", infoOf(t, st, outcome.RunID).Status)
}

// What went wrong is said also when it can't be stored any more.
func TestReasonsSurviveAStoreThatFails(t *testing.T) {
	st := openStore(t)
	r := newRunner(load(t, twoCases()), Options{Store: st})
	r.substitute = func(harness.App) harness.App {
		return &answers{hook: func(id string) {
			if id == "a" {
				assert.NoError(t, r.stored.Close())
			}
		}}
	}
	outcome, err := r.do(t.Context())
	require.NoError(t, err)
	assert.Equal(t, CodeIncomplete, outcome.Code())
	assert.ErrorContains(t, outcome.Err, "run is closed")
	require.NotEmpty(t, outcome.Report.Reasons)
	assert.Contains(t, outcome.Report.Reasons[0], "journal")
	assert.Contains(t, outcome.Report.Reasons[len(outcome.Report.Reasons)-1], "finish run")
	assert.Equal(t, harness.VerdictIncomplete, outcome.Report.Verdict)
	assert.Equal(t, store.Interrupted, infoOf(t, st, outcome.RunID).Status)
}

func TestInterrupted(t *testing.T) {
	for name, tc := range map[string]struct {
		cause error
		want  int
	}{
		"signal":           {&Error{Code: CodeTerminated, Err: errors.New("interrupted by terminated")}, CodeTerminated},
		"cancelled":        {context.Canceled, CodeInterrupted},
		"out of time":      {context.DeadlineExceeded, CodeInterrupted},
		"anything else":    {errors.New("the lease was lost"), CodeInterrupted},
		"wrapped, by hand": {errors.Join(errors.New("stopping"), context.Canceled), CodeInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			st := openStore(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			outcome, err := runApp(ctx, load(t, twoCases()), Options{Store: st}, &answers{hook: func(string) { cancel(tc.cause) }})
			require.NoError(t, err)
			assert.Equal(t, tc.want, outcome.Code())
			assert.Equal(t, "incomplete", infoOf(t, st, outcome.RunID).Status)
			assert.Equal(t, int64(1), infoOf(t, st, outcome.RunID).Completed, "what was finished is kept")
		})
	}
}

func TestInterruptedAfterTheLastCase(t *testing.T) {
	st := openStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	outcome, err := runApp(ctx, load(t, twoCases()), Options{Store: st}, &answers{hook: func(id string) {
		if id == "b" {
			cancel()
		}
	}})
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code(), "nothing was cut off")
}

func TestSecretsAreNotInErrors(t *testing.T) {
	s := loadIn(t, t.TempDir(), twoCases(`start: {command: ["/no/${env:KEY}"], ready: "http://`+freeAddr(t)+`/"}`),
		map[string]string{"KEY": "hunter2-hunter2"})
	_, err := Run(t.Context(), s, Options{Store: openStore(t)})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
	assert.Contains(t, err.Error(), "[redacted]")
	assert.Equal(t, CodeUsage, CodeOf(err))
}

// limitedApp answers one input at a time, and says so.
type limitedApp struct {
	harness.App
	busy, most atomic.Int64
}

func (a *limitedApp) MaxConcurrency() int { return 1 }

func (a *limitedApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	a.most.Store(max(a.most.Load(), a.busy.Add(1)))
	defer a.busy.Add(-1)
	time.Sleep(5 * time.Millisecond)
	return harness.Output{Value: in.Value}, nil
}

func TestNoMoreCallsThanAnAppTakes(t *testing.T) {
	app := &limitedApp{}
	s := load(t, twoCases("trials: 10", "concurrency: 16"))
	r := newRunner(s, Options{Store: openStore(t)})
	r.substitute = func(harness.App) harness.App { return app }
	outcome, err := r.do(t.Context())
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
	assert.Equal(t, int64(1), app.most.Load())
}

func TestCasesThatAreNotThereAreNamed(t *testing.T) {
	st := openStore(t)
	s := load(t, twoCases())
	outcome, err := Run(t.Context(), s, Options{Store: st, Selection: Selection{Cases: []string{"a", "z", "y"}}})
	require.NoError(t, err)
	assert.Equal(t, int64(1), outcome.Report.Cases.Completed)
	assert.Contains(t, outcome.Report.Warnings, `no case "z", "y" in the dataset`)
	assert.Equal(t, outcome.Report.Warnings, storedReport(t, st, outcome.RunID).Warnings)
}
