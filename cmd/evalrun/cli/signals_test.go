//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/store"
)

// countingApp answers with the input after 15 ms and counts what each case was
// asked.
type countingApp struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func startCountingApp(t *testing.T) *countingApp {
	a := &countingApp{asked: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ID, Input string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		a.mu.Lock()
		a.asked[in.ID]++
		a.mu.Unlock()
		time.Sleep(15 * time.Millisecond)
		_ = json.NewEncoder(w).Encode(map[string]any{"output": in.Input})
	}))
	t.Cleanup(a.Close)
	return a
}

// total is how many calls there were, and the most for one case.
func (a *countingApp) total() (calls, most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.asked {
		calls += n
		most = max(most, n)
	}
	return calls, most
}

const signalCases = 60

func signalSuite(t *testing.T, url string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var cases bytes.Buffer
	for i := range signalCases {
		fmt.Fprintf(&cases, "{\"id\": \"%d\", \"input\": \"%d\", \"expected\": \"%d\"}\n", i, i, i)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cases.jsonl"), cases.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.yaml"), []byte(
		"name: s\ndataset: {file: cases.jsonl}\napp: {http: {url: "+strconv.Quote(url)+"}}\nevaluators: [equals]\nconcurrency: 4\nretries: 0\n"), 0o600))
	return dir
}

// signalled is a run that got a signal, or two, at random instants.
type signalled struct {
	sig    syscall.Signal
	twice  bool
	after  time.Duration
	code   int           // -1: the signal ended it before it was listened to
	said   time.Duration // from the signal to the first message; 0 when there was none
	stderr string
}

func interruptRun(t *testing.T, path, dir string) signalled {
	t.Helper()
	s := signalled{
		sig: []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[rand.IntN(3)], twice: rand.IntN(2) == 0,
		after: time.Duration(rand.Int64N(int64(350 * time.Millisecond))),
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "run", "suite.yaml", "--json")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	time.Sleep(s.after)
	sent := time.Now()
	_ = cmd.Process.Signal(s.sig) // it may have ended
	if s.twice {
		time.AfterFunc(time.Duration(rand.Int64N(int64(20*time.Millisecond))), func() { _ = cmd.Process.Signal(s.sig) })
	}
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if s.said == 0 && bytes.Contains([]byte(line), []byte("stopping")) {
			s.said = time.Since(sent)
		}
		s.stderr += line
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	s.code = codeOf(t, cmd.Wait())
	return s
}

// TestSignalsAtRandomInstants: a run that gets SIGINT, SIGTERM or SIGHUP, once or
// twice, never ends with 0 unless it is complete, says at once that it
// heard, and what was finished is not asked again. By hand:
//
//	EVALRUN_SIGNALS=100 go test -run SignalsAtRandom -v ./cmd/evalrun/cli
func TestSignalsAtRandomInstants(t *testing.T) {
	path := program(t, evalrun)
	times := 20
	if n, err := strconv.Atoi(os.Getenv("EVALRUN_SIGNALS")); err == nil {
		times = n
	}
	codes, said := map[int]int{}, []time.Duration{}
	for range times {
		app := startCountingApp(t)
		dir := signalSuite(t, app.URL)
		s := interruptRun(t, path, dir)
		codes[s.code]++
		if s.said > 0 {
			said = append(said, s.said)
		}
		resumeAfter(t, path, dir, app, s)
		app.Close()
	}
	slices.Sort(said)
	require.NotEmpty(t, said)
	t.Logf("%d signals: exit codes %v (-1: killed while it started), a message after %s, the slowest after %s",
		times, codes, said[len(said)/2], said[len(said)-1])
	assert.Less(t, said[len(said)/2], 100*time.Millisecond, "half of them; a busy machine has slow ones")
}

// TestSignalsWhileNobodyReadsTheMessages: as with 2>&1 | less, where the pipe is full.
func TestSignalsWhileNobodyReadsTheMessages(t *testing.T) {
	asked := make(chan struct{}, signalCases)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not noticed
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer app.Close()
	unread, stderr, err := os.Pipe()
	require.NoError(t, err)
	defer unread.Close()
	require.NoError(t, stderr.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = stderr.Write(make([]byte, 1<<22))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it is full")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, evalrun), "run", "suite.yaml")
	cmd.Dir, cmd.Stderr = signalSuite(t, app.URL), stderr
	require.NoError(t, cmd.Start())
	require.NoError(t, stderr.Close())
	<-asked
	begin := time.Now()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	assert.Equal(t, 130, codeOf(t, cmd.Wait()))
	assert.Less(t, time.Since(begin), 15*time.Second)
}

// resumeAfter checks what the store has, resumes the run and counts the calls.
func resumeAfter(t *testing.T, path, dir string, app *countingApp, s signalled) {
	t.Helper()
	var info store.Info
	if _, err := os.Stat(filepath.Join(dir, ".evalrun")); err == nil {
		st, err := store.Open(filepath.Join(dir, ".evalrun"))
		require.NoError(t, err)
		if info, err = st.Info(t.Context(), "latest"); err != nil {
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		if info.ID != "" {
			for _, err := range st.Results(t.Context(), info.ID, store.Query{}) {
				require.NoError(t, err)
			}
		}
		require.NoError(t, st.Close())
	}
	want := 130
	if s.sig != syscall.SIGINT {
		want = 143
	}
	switch {
	case s.code == 0:
		require.Equal(t, "complete", info.Status, "%+v", s)
	case s.code == -1:
		require.Zero(t, info.Completed, "%+v", s)
	default:
		require.Equal(t, want, s.code, "%+v", s)
	}
	before, _ := app.total()
	args := []string{"run", "suite.yaml", "-q"}
	if info.ID != "" {
		args = append(args, "--resume")
	}
	resume := exec.Command(path, args...)
	resume.Dir = dir
	out, err := resume.CombinedOutput()
	require.NoError(t, err, "%s\nafter %+v", out, s)
	after, most := app.total()
	require.Equal(t, signalCases-int(info.Completed), after-before, "what is stored is not asked again: %+v", s)
	if !s.twice && s.code != -1 {
		require.Equal(t, 1, most, "what runs may finish, so nothing is asked twice: %+v", s)
	}
}

// TestClosedPipe: a reader that goes away is no bug, keeps nothing from being
// stored or from being written elsewhere, and is no success of a report.
func TestClosedPipe(t *testing.T) {
	path := program(t, evalrun)
	app := startCountingApp(t)
	dir := signalSuite(t, app.URL)
	for _, test := range []struct {
		args           []string
		stdout, stderr bool // closed
		want           int
	}{
		{[]string{"run", "suite.yaml", "--json", "-o", "out.junit.xml"}, true, false, 4},
		{[]string{"run", "suite.yaml"}, true, true, 4},
		{[]string{"run", "suite.yaml"}, false, true, 0},
		{[]string{"show"}, true, false, 141},
		{[]string{"report", "-o", "jsonl"}, true, false, 141},
		{[]string{"list"}, true, false, 141},
		{[]string{"schema"}, true, false, 141},
	} {
		t.Run(fmt.Sprint(test.args, test.stdout, test.stderr), func(t *testing.T) {
			cmd := exec.Command(path, test.args...)
			cmd.Dir = dir
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if test.stdout {
				cmd.Stdout = closedPipe(t)
			}
			if test.stderr {
				cmd.Stderr = closedPipe(t)
			}
			assert.Equal(t, test.want, codeOf(t, cmd.Run()), "%s", &stderr)
			assert.NotContains(t, stderr.String(), "panic")
			assert.NotContains(t, stderr.String(), "bug")
			if test.want == 141 {
				assert.NotContains(t, stderr.String(), "pipe")
			}
		})
	}
	assert.FileExists(t, filepath.Join(dir, "out.junit.xml"))
	calls, most := app.total()
	assert.Equal(t, 3*signalCases, calls)
	assert.Equal(t, 3, most)
	st, err := store.Open(filepath.Join(dir, ".evalrun"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, st.Close()) }()
	infos, err := st.Runs(t.Context())
	require.NoError(t, err)
	require.Len(t, infos, 3)
	for _, info := range infos {
		assert.Equal(t, "complete", info.Status)
		assert.Equal(t, int64(signalCases), info.Completed)
	}
}

// closedPipe is the writing end of a pipe that nobody reads.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	t.Cleanup(func() { _ = w.Close() })
	return w
}
