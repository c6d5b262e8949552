package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// flaky fails for case b until it is mended.
func flaky() *answers { return &answers{fail: map[string]error{"b": errors.New("not today")}} }

func TestResumeRefuses(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	outcome, err := Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st})
	require.NoError(t, err)
	before := infoOf(t, st, outcome.RunID)
	drifted := twoCases("gate: [equals.pass_rate == 1]")
	for name, tc := range map[string]struct {
		suite   string
		options Options
		want    string
	}{
		"an unknown run":    {twoCases(), Options{Resume: "0000"}, "not found"},
		"another suite":     {strings.Replace(twoCases(), "name: two", "name: three", 1), Options{Resume: outcome.RunID}, `is of suite "two", not of "three"`},
		"another app":       {strings.Replace(twoCases("apps: {x: {echo: {}}, y: {echo: {}}}"), "app: {echo: {}}\n", "", 1), Options{Resume: outcome.RunID, App: "y"}, "is of app"},
		"no run of a suite": {strings.Replace(twoCases(), "name: two", "name: three", 1), Options{Resume: "latest"}, "no run of suite"},
		"drift":             {drifted, Options{Resume: outcome.RunID}, "has changed since"},
		"drift, for errors": {drifted, Options{RetryErrors: true}, "has changed since"},
		"a selection":       {twoCases(), Options{Resume: "latest", Selection: Selection{Limit: 1}}, "keeps its own selection"},
		"a shard":           {twoCases(), Options{Resume: "latest", Selection: Selection{Shard: 1, Shards: 1}}, "keeps its own selection"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.options.Store = st
			_, err := Run(t.Context(), loadIn(t, dir, tc.suite, nil), tc.options)
			assert.ErrorContains(t, err, tc.want)
			assert.Equal(t, CodeUsage, CodeOf(err))
			assert.Equal(t, before, infoOf(t, st, outcome.RunID), "the run is as it was")
		})
	}
}

func TestResumeOfARunThatIsWritten(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	outcome, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st}, flaky())
	require.NoError(t, err)
	run, err := st.Resume(t.Context(), outcome.RunID)
	require.NoError(t, err)
	_, err = Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, RetryErrors: true})
	assert.ErrorIs(t, err, store.ErrLocked)
	assert.Equal(t, CodeUsage, CodeOf(err))
	require.NoError(t, run.Close())
}

// A resume that can't start leaves a finished run finished, with its errors.
func TestResumeThatFailsChangesNothing(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	text := twoCases("start: {command: ['false'], ready: 'http://"+freeAddr(t)+"/'}", "gate: [errors.rate <= 50%]")
	s := loadIn(t, dir, text, nil)
	s.Start = nil
	outcome, err := runApp(t.Context(), s, Options{Store: st}, flaky())
	require.NoError(t, err)
	assert.Equal(t, CodePass, outcome.Code())
	before := infoOf(t, st, outcome.RunID)

	_, err = Run(t.Context(), loadIn(t, dir, text, nil), Options{Store: st, RetryErrors: true})
	assert.ErrorContains(t, err, "start")
	assert.Equal(t, before, infoOf(t, st, outcome.RunID))
	assert.Equal(t, outcome.Report, storedReport(t, st, outcome.RunID))
}

func TestResume(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	app := &answers{}
	stopped, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, Selection: Selection{Cases: []string{"b"}}}, flaky())
	require.NoError(t, err)
	assert.Equal(t, CodeIncomplete, stopped.Code())

	resumed, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, RetryErrors: true}, app)
	require.NoError(t, err)
	assert.Equal(t, stopped.RunID, resumed.RunID)
	assert.Equal(t, []string{"b"}, app.asked, "its own selection, and what had an error")
	assert.Equal(t, CodePass, resumed.Code())

	idle, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, RetryErrors: true}, app)
	require.NoError(t, err)
	assert.True(t, idle.Idle)
	assert.Equal(t, CodePass, idle.Code())
	assert.Len(t, app.asked, 1, "there was nothing to do")
	assert.Equal(t, resumed.Report, idle.Report)
}

// A server that is down is no reason not to report a run that is complete.
func TestResumeOfACompleteRunStartsNothing(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	text := twoCases("start: {command: ['false'], ready: 'http://" + freeAddr(t) + "/'}")
	s := loadIn(t, dir, text, nil)
	s.Start = nil
	first, err := Run(t.Context(), s, Options{Store: st})
	require.NoError(t, err)
	again, err := Run(t.Context(), loadIn(t, dir, text, nil), Options{Store: st, Resume: "latest"})
	require.NoError(t, err)
	assert.True(t, again.Idle)
	assert.Equal(t, first.Report, again.Report)
}

func TestResumeTakesTheNewest(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	_, err := runApp(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st}, flaky())
	require.NoError(t, err)
	second, err := Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st})
	require.NoError(t, err)
	again, err := Run(t.Context(), loadIn(t, dir, twoCases(), nil), Options{Store: st, Resume: "latest"})
	require.NoError(t, err)
	assert.Equal(t, second.RunID, again.RunID, "the newest, although an older one has errors")
}

func TestDriftIsInTheReport(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	first, err := runApp(t.Context(), loadIn(t, dir, twoCases("gate: [equals.pass_rate == 1]"), nil), Options{Store: st}, flaky())
	require.NoError(t, err)
	assert.Equal(t, CodeFail, first.Code())
	drifted := twoCases("gate: [equals.pass_rate >= 0.1]")
	resumed, err := runApp(t.Context(), loadIn(t, dir, drifted, nil),
		Options{Store: st, RetryErrors: true, AllowDrift: true}, flaky())
	require.NoError(t, err)
	for _, report := range []*harness.Report{resumed.Report, storedReport(t, st, first.RunID)} {
		require.Len(t, report.Warnings, 1)
		assert.Contains(t, report.Warnings[0], "--allow-drift")
		require.Len(t, report.Gate, 1)
		assert.Equal(t, "equals.pass_rate >= 0.1", report.Gate[0].Check, "the run is judged by the suite that it was resumed with")
	}
	again, err := runApp(t.Context(), loadIn(t, dir, drifted, nil), Options{Store: st, RetryErrors: true, AllowDrift: true}, &answers{})
	require.NoError(t, err)
	assert.Equal(t, CodePass, again.Code())
	assert.Contains(t, fmt.Sprint(again.Report.Warnings), "--allow-drift", "it is not forgotten")
}

func TestDriftedEvaluatorsAreLikeNoOthers(t *testing.T) {
	st, dir := openStore(t), t.TempDir()
	strict, lax := twoCases("evaluators: [contains: {value: o, name: m}]"), twoCases("evaluators: [contains: {value: t, name: m}]")
	first, err := runApp(t.Context(), loadIn(t, dir, strict, nil), Options{Store: st}, flaky())
	require.NoError(t, err)
	before := infoOf(t, st, first.RunID).Spec.Digests
	for range 2 {
		_, err = runApp(t.Context(), loadIn(t, dir, lax, nil), Options{Store: st, RetryErrors: true, Resume: first.RunID, AllowDrift: true}, flaky())
		require.NoError(t, err)
	}
	after := infoOf(t, st, first.RunID).Spec.Digests
	assert.Equal(t, before["app"], after["app"])
	assert.Equal(t, before["evaluator m"]+"+"+loadIn(t, dir, lax, nil).Digests("")["evaluator m"], after["evaluator m"])
}

func TestChecksThatAreNotUnderstood(t *testing.T) {
	_, err := Checks(store.Info{ID: "R", Spec: store.Spec{Gate: []string{"equals.pass_rate == 1", "no_progress"}}})
	assert.ErrorContains(t, err, "gate of run R")
	assert.Equal(t, CodeUsage, CodeOf(err))
	checks, err := Checks(store.Info{})
	assert.NoError(t, err)
	assert.Empty(t, checks)
}

func TestResumeGoesByTheFile(t *testing.T) {
	st := openStore(t)
	first, second := load(t, twoCases()), load(t, twoCases()) // of the same name, in two folders
	one, err := runApp(t.Context(), first, Options{Store: st}, flaky())
	require.NoError(t, err)
	two, err := runApp(t.Context(), second, Options{Store: st}, flaky())
	require.NoError(t, err)
	again, err := runApp(t.Context(), first, Options{Store: st, RetryErrors: true}, &answers{})
	require.NoError(t, err)
	assert.Equal(t, one.RunID, again.RunID)
	assert.NotEqual(t, two.RunID, again.RunID)
}

// A dataset file that changed between the start of a run and its resumption is
// never mixed into it in silence.
func TestResumeWithAnotherDatasetFile(t *testing.T) {
	row := func(id string) string { return fmt.Sprintf(`{"id": %q, "input": %q, "expected": %q}`+"\n", id, id, id) }
	for name, tc := range map[string]struct {
		rows string
		want string // of the run that is resumed nevertheless
		code int
	}{
		"added at the end":   {row("a") + row("b") + row("c"), "1 more cases than when the run was complete", CodePass},
		"removed at the end": {row("a"), "1 of the 2 cases of the run are not there any more", CodeIncomplete},
		"edited":             {row("a") + strings.Replace(row("b"), `"input": "b"`, `"input": "B"`, 1), `case "b"`, CodeIncomplete},
		"added before":       {row("c") + row("a") + row("b"), `is "c" and was "a"`, CodeIncomplete},
		"formatted":          {row("a") + "\n" + row("b"), "data.jsonl had changed when", CodePass},
	} {
		t.Run(name, func(t *testing.T) {
			st, dir := openStore(t), t.TempDir()
			file := filepath.Join(dir, "data.jsonl")
			_, rest, _ := strings.Cut(twoCases(), "app:")
			text := "name: two\ndataset: {file: data.jsonl}\napp:" + rest
			require.NoError(t, os.WriteFile(file, []byte(row("a")+row("b")), 0o600))
			first, err := runApp(t.Context(), loadIn(t, dir, text, nil), Options{Store: st}, flaky())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, []byte(tc.rows), 0o600))
			app := &answers{}
			again, err := runApp(t.Context(), loadIn(t, dir, text, nil), Options{Store: st, RetryErrors: true}, app)
			require.NoError(t, err)
			assert.Contains(t, storedReport(t, st, first.RunID).Warnings, "the dataset data.jsonl had changed when the run was resumed")
			assert.Equal(t, tc.code, again.Code())
			assert.Contains(t, strings.Join(append(again.Report.Reasons, again.Report.Warnings...), "\n"), tc.want)
			assert.NotContains(t, app.asked, "a", "it has its answer")
			assert.Equal(t, int64(1), finished(t, st, first.RunID, "a"))
		})
	}
}

// finished is how many whole results a case has.
func finished(t *testing.T, st *store.Store, id, of string) (n int64) {
	for r, err := range Results(t.Context(), st, id) {
		require.NoError(t, err)
		if r.Case.ID == of && r.Error == nil {
			n++
		}
	}
	return n
}
