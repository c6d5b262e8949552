package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

func TestFailShowsABug(t *testing.T) {
	var stderr bytes.Buffer
	a := newApp(Config{Stderr: &stderr})
	err := fmt.Errorf("run: %w", &harness.PanicError{Who: "source", Value: "no page", Stack: "goroutine 7 [running]"})
	a.fail(err)
	assert.Contains(t, stderr.String(), "bug: run: source panicked: no page")
	assert.Contains(t, stderr.String(), "goroutine 7 [running]")
	assert.Contains(t, stderr.String(), "Please report this")
	assert.Equal(t, runner.CodeBug, codeOf(t.Context(), err))
}

func TestCodeAfterASignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	assert.Equal(t, runner.CodeUsage, codeOf(ctx, errors.New("no such file")))
	cancel(&signalError{runner.Error{Code: runner.CodeTerminated, Err: errors.New("interrupted by SIGTERM")}})
	assert.Equal(t, runner.CodeTerminated, codeOf(ctx, errors.New("context canceled")))
	assert.Equal(t, runner.CodeTerminated, codeOf(ctx, &runner.Error{Code: runner.CodeIncomplete, Err: errors.New("context canceled")}))
	assert.Equal(t, runner.CodeBug, codeOf(ctx, &harness.PanicError{Who: "sink"}))
	other, stop := context.WithCancel(t.Context())
	stop()
	assert.Equal(t, runner.CodeUsage, codeOf(other, errors.New("no such file")), "no signal")
}

func TestConsoleGoesThroughTheProgress(t *testing.T) {
	var stderr, shown bytes.Buffer
	a := newApp(Config{Stderr: &stderr})
	undo := a.console.use(&shown)
	a.say("meanwhile")
	undo()
	a.say("after")
	assert.Equal(t, "meanwhile\n", shown.String())
	assert.Equal(t, "after\n", stderr.String())
}

// lockedBuffer is a buffer that a test reads while others write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestProgressWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr lockedBuffer
		a := newApp(Config{Stderr: &stderr})
		var counts harness.Progress
		counts.Done.Store(3)
		stop := a.progress(job{suite: &suite.Suite{Name: "support"}}, &counts)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		assert.Empty(t, stderr.String(), "a short run has no progress")
		time.Sleep(32 * time.Second)
		a.say("meanwhile")
		stop()
		assert.Regexp(t, `^(support  3 done.*\n){2}meanwhile\n$`, stderr.String())
		stderr.b.Reset()
		a.quiet = true
		stop = a.progress(job{suite: &suite.Suite{Name: "support"}}, &counts)
		time.Sleep(time.Minute)
		stop()
		assert.Empty(t, stderr.String())
	})
}

func TestRunsOfCommandsWithEvaluatorsOfTheirOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "suite.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\n"+
		"app: {echo: {}}\nevaluators: [equals, polite, {kind: {}}]\n"), 0o600))
	registry := evaluator.NewRegistry()
	for _, name := range []string{"polite", "kind"} {
		require.NoError(t, registry.Add(evaluator.Func(name, func(context.Context, harness.Trial) (harness.Score, error) {
			return harness.PassIf(true, ""), nil
		})))
	}
	storeDir := filepath.Join(filepath.Dir(path), "store")
	run := func(registry *evaluator.Registry, args ...string) (int, string) {
		var stderr bytes.Buffer
		code := Run(t.Context(), Config{Evaluators: registry, Args: append(args, "--store", storeDir), Stdout: io.Discard, Stderr: &stderr})
		return code, stderr.String()
	}
	code, stderr := run(registry, "run", path)
	require.Equal(t, runner.CodePass, code, stderr)
	for _, args := range [][]string{{"score"}, {"run", "--resume"}} {
		code, stderr = run(nil, args...)
		assert.Equal(t, runner.CodeUsage, code, args)
		assert.Contains(t, stderr, `hint: the run was made by a command that has the evaluator "polite", "kind"; use that command for it`, args)
		code, stderr = run(registry, args...)
		assert.Equal(t, runner.CodePass, code, stderr)
	}
}

func TestRunsOfCommandsWithAppsOfTheirOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "suite.yaml")
	out := filepath.Join(filepath.Dir(path), "out.txt")
	require.NoError(t, os.WriteFile(path, []byte("name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\n"+
		"apps: {one: shop, two: {echo: {}}}\nevaluators: [equals]\nreports: [{brief: \"{app}.txt\"}, table]\n"), 0o600))
	own := Config{Targets: target.NewRegistry(), Reporters: reporter.NewRegistry()}
	require.NoError(t, own.Targets.Add("shop", harness.TextApp(func(_ context.Context, in string) (string, error) { return in, nil })))
	require.NoError(t, own.Reporters.Add("brief", reporter.Func(func(w io.Writer, d reporter.Data) error {
		n := 0
		for _, err := range d.Results {
			if err != nil {
				return err
			}
			n++
		}
		_, err := fmt.Fprintf(w, "brief: %d results", n)
		return err
	})))
	run := func(c Config, args ...string) (code int, stdout, stderr string) {
		var o, e bytes.Buffer
		c.Args, c.Stdout, c.Stderr = append(args, "--store", filepath.Join(filepath.Dir(path), "store")), &o, &e
		code = Run(t.Context(), c)
		return code, o.String(), e.String()
	}
	code, _, stderr := run(own, "run", path, "--app", "one", "-o", "brief:"+out)
	require.Equal(t, runner.CodePass, code, stderr)
	assert.FileExists(t, out)
	assert.FileExists(t, filepath.Join(filepath.Dir(path), "one.txt"))
	code, stdout, stderr := run(own, "report", "-o", "brief")
	require.Equal(t, runner.CodePass, code, stderr)
	assert.Equal(t, "brief: 1 results", stdout)
	code, _, stderr = run(own, "report", "-o", "brif:x.json")
	assert.Equal(t, runner.CodeUsage, code)
	assert.Contains(t, stderr, `no format of that name or ending; did you mean "brief"?`)
	assert.Contains(t, stderr, "formats: brief, csv")
	code, stdout, _ = run(own, "schema")
	assert.Equal(t, runner.CodePass, code)
	assert.Contains(t, stdout, `"shop"`)
	assert.Contains(t, stdout, `"brief"`)
	code, _, stderr = run(own, "validate", path)
	assert.Equal(t, runner.CodePass, code, stderr)

	code, _, stderr = run(Config{}, "run", "--resume")
	assert.Equal(t, runner.CodeUsage, code)
	assert.Contains(t, stderr, `hint: the run was made by a command that has the kind of app "shop" and the report format "brief"; use that command for it`)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer("one: shop", "one: shopp", "brief", "breif").Replace(string(text))), 0o600))
	code, _, stderr = run(own, "validate", path)
	assert.Equal(t, runner.CodeUsage, code)
	assert.Contains(t, stderr, `unknown kind of app "shopp"; did you mean "shop"?`)
	assert.Contains(t, stderr, `unknown report format "breif"; did you mean "brief"?`)
}

// TestReporterThatPanics: its report is missing, the others are written, and the
// exit code says that something is.
func TestReporterThatPanics(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "suite.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\n"+
		"app: echo\nevaluators: [equals]\nreports: [{broken: out.txt}, {csv: out.csv}]\n"), 0o600))
	own := Config{Reporters: reporter.NewRegistry(), Stdout: io.Discard}
	require.NoError(t, own.Reporters.Add("broken", reporter.Func(func(io.Writer, reporter.Data) error { panic("no idea") })))
	var stderr bytes.Buffer
	own.Args, own.Stderr = []string{"run", path, "--store", filepath.Join(dir, "store")}, &stderr
	assert.Equal(t, runner.CodeIncomplete, Run(t.Context(), own))
	assert.Contains(t, stderr.String(), "report broken:out.txt: reporter panicked: no idea")
	assert.NoFileExists(t, filepath.Join(dir, "out.txt"))
	assert.FileExists(t, filepath.Join(dir, "out.csv"))
}

func TestSuitesAndRunIDsAmongTheArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("01AB", nil, 0o600))
	for name, tc := range map[string]struct {
		flags  runFlags
		args   []string
		paths  []string
		resume string
		err    string
	}{
		"a suite":                {runFlags{}, []string{"s.yaml"}, []string{"s.yaml"}, "", ""},
		"nothing":                {runFlags{}, nil, nil, "", "no suite given"},
		"the newest":             {runFlags{resume: latest}, []string{"s.yaml"}, []string{"s.yaml"}, latest, ""},
		"a run":                  {runFlags{resume: latest}, []string{"01ARZ3NDEK"}, nil, "01ARZ3NDEK", ""},
		"a run, in small":        {runFlags{resume: latest}, []string{"01arz3ndek"}, nil, "01arz3ndek", ""},
		"errors of a run":        {runFlags{retry: latest}, []string{"01ARZ3NDEK"}, nil, "01ARZ3NDEK", ""},
		"errors of a run and =":  {runFlags{retry: "01ARZ3NDEK"}, nil, nil, "01ARZ3NDEK", ""},
		"both":                   {runFlags{resume: latest, retry: latest}, []string{"s.yaml", "01ARZ3NDEK"}, []string{"s.yaml"}, "01ARZ3NDEK", ""},
		"the last":               {runFlags{resume: latest}, []string{"last"}, nil, "last", ""},
		"a file of such a name":  {runFlags{resume: latest}, []string{"01AB"}, []string{"01AB"}, latest, ""},
		"no ID has such letters": {runFlags{resume: latest}, []string{"suite"}, []string{"suite"}, latest, ""},
		"two runs":               {runFlags{resume: "01AA", retry: "01BB"}, nil, nil, "", "name two runs"},
		"two suites":             {runFlags{retry: latest}, []string{"a.yaml", "b.yaml"}, nil, "", "found 2 suites"},
	} {
		t.Run(name, func(t *testing.T) {
			paths, err := tc.flags.suites(tc.args)
			if tc.err != "" {
				assert.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.paths, paths)
			assert.Equal(t, tc.resume, tc.flags.resumed())
		})
	}
}

func TestCommandsWorkWhereTheUserIs(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Chdir(dir)
	a := newApp(Config{})
	a.storeDir = defaultStore
	assert.Equal(t, "evalrun score R", a.command("score", "R"))
	a.storeDir, a.allowPath = "../it's mine", true
	assert.Equal(t, `evalrun score R --store '../it'\''s mine' --allow-path`, a.command("score", "R"))
	assert.Equal(t, "a/suite.yaml", shownPath(filepath.Join(dir, "a", "suite.yaml")))
	assert.Equal(t, filepath.Dir(dir), shownPath(filepath.Dir(dir)))
}

func TestRevision(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b.c"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	of := func(path string) string { return startRevisions(t.Context(), []string{path, path})[path]() }
	suite := filepath.Join(dir, "suite.yaml")
	require.NoError(t, os.WriteFile(suite, []byte("name: a"), 0o600))
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	assert.Empty(t, of(suite), "no repository")
	git("init", "-q")
	assert.Empty(t, of(suite), "no commit")
	git("add", ".")
	git("commit", "-q", "-m", "a")
	assert.Equal(t, git("rev-parse", "HEAD"), of(suite))
	require.NoError(t, os.WriteFile(suite, []byte("name: b"), 0o600))
	assert.Equal(t, git("rev-parse", "HEAD")+"+dirty", of(suite))
}

// A run that go test made is read as any other. What needs its suite's file, or its
// app, says who has that.
func TestRunsOfGoTest(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "store"))
	require.NoError(t, err)
	own := evaluator.Func("own", func(context.Context, harness.Trial) (harness.Score, error) { return harness.Passed(), nil })
	app := harness.TextApp(func(context.Context, string) (string, error) { return "", errors.New("not today") })
	cases := harness.Cases{{ID: "a", Input: "x"}}
	make := func(s *suite.Suite, err error, test string) string {
		require.NoError(t, err)
		o, err := runner.Run(t.Context(), s, runner.Options{Store: st, Tags: map[string]string{"go test": test}})
		require.NoError(t, err)
		return o.RunID
	}
	s, err := suite.Of("bot.TestHello", filepath.Join(dir, "x_test.go"), harness.Config{Source: cases, App: app, Evaluators: []harness.Evaluator{own}})
	goRun := make(s, err, "TestHello/of many")
	path := filepath.Join(dir, "suite.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: s\ndataset: {cases: [{id: a, input: x, expected: x}]}\napp: {echo: {}}\nevaluators: [equals]\n"), 0o600))
	s, err = suite.Load(path, suite.Options{})
	require.NoError(t, err)
	fileRun := make(s, s.Use(harness.Config{App: app, Evaluators: []harness.Evaluator{own}}), "TestFile")
	require.NoError(t, st.Close())

	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"run", "--resume=" + goRun}, runner.CodeUsage, "can't be resumed: its app is Go code"},
		{[]string{"run", "--retry-errors=" + fileRun}, runner.CodeUsage, "hint: go test -run '^TestFile$' runs it again"},
		{[]string{"score", goRun}, runner.CodeUsage, `has no suite file: its suite, "bot.TestHello", is Go code`},
		{[]string{"score", fileRun}, runner.CodeUsage, `has scores of "own", which is not in`},
		{[]string{"score", fileRun, "--suite", path}, runner.CodeIncomplete, ""},
		{[]string{"publish", goRun}, runner.CodeUsage, "hint: go test -run '^TestHello$/^of many$' runs it again"},
		{[]string{"publish", fileRun}, runner.CodeUsage, "publishes nothing"},
		{[]string{"show", goRun}, runner.CodePass, "To run it again: go test -run '^TestHello$/^of many$'"},
		{[]string{"report", goRun, "-o", "json"}, runner.CodePass, ""},
		{[]string{"gate", goRun, "--check", "own.pass_rate >= 0"}, runner.CodeIncomplete, "To run it again: go test"},
		{[]string{"compare", goRun, fileRun}, runner.CodeUsage, "and no case is in both"},
		{[]string{"list"}, runner.CodePass, ""},
		{[]string{"selftest", goRun}, runner.CodeUsage, "hint: Trials: 4 in its Config asks each case often enough"},
	} {
		var o, e bytes.Buffer
		code := Run(t.Context(), Config{Args: append(tt.args, "--store", filepath.Join(dir, "store")), Stdout: &o, Stderr: &e})
		assert.Equal(t, tt.code, code, "%v: %s", tt.args, &e)
		assert.Contains(t, e.String(), tt.says, tt.args)
		assert.NotContains(t, e.String(), "--retry-errors=", tt.args)
	}
}
