package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// retellChildEnv makes the test binary a process that runs, or resumes, the suite of
// the folder that it holds.
const retellChildEnv = "EVALRUN_TEST_RETELL"

// retellChild gives the exit code.
func retellChild(dir string) int {
	ctx := context.Background()
	st, err := store.Open(filepath.Join(dir, "store"))
	must{}.noError(err)
	defer st.Close()
	s, err := suite.Load(filepath.Join(dir, "suite.yaml"), suite.Options{})
	must{}.noError(err)
	o := Options{Store: st}
	runs, err := st.Runs(ctx)
	must{}.noError(err)
	if len(runs) > 0 {
		o.Resume = "latest"
	}
	r := newRunner(s, o)
	address := os.Getenv("RETELL_BASE_URL")
	r.substitute = func(app harness.App) harness.App {
		return quick(must{}, app.(*retell.App), address, func(d time.Duration) {
			resp, err := http.Get(address + "/clock?" + url.Values{"pass": {d.String()}}.Encode())
			must{}.noError(err)
			_ = resp.Body.Close()
		})
	}
	outcome, err := r.do(ctx)
	if err == nil {
		err = outcome.Err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if outcome.Report == nil {
		return CodeOf(err)
	}
	return outcome.Code()
}

// must ends the process, which is no test.
type must struct{}

func (must) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format, args...) }
func (must) FailNow()                          { os.Exit(99) }

func (m must) noError(err error) {
	if err != nil {
		m.Errorf("%v", err)
		m.FailNow()
	}
}

// start runs a child to its end. It is killed at its request of that number, which is
// then carried out all the same, or not; 0 is never.
func (w *callCenter) start(killAt int, carriedOut bool) (code, requests int, stderr string) {
	w.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), retellChildEnv+"="+w.dir, "RETELL_BASE_URL="+w.url, "RETELL_API_KEY=key_of_the_call_center")
	var out lockedBuffer
	child.Stderr = &out
	var mu sync.Mutex
	started, dead := make(chan struct{}), make(chan struct{})
	w.set(retellserver.Faults{Request: func(retellserver.Request) retellserver.Fault {
		mu.Lock()
		requests++
		die := requests == killAt
		mu.Unlock()
		if !die {
			return retellserver.Fault{}
		}
		<-started
		_ = child.Process.Kill()
		<-dead
		return retellserver.Fault{DropBefore: !carriedOut, DropAfter: carriedOut}
	}})
	require.NoError(w.t, child.Start())
	close(started)
	err := child.Wait()
	close(dead)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(w.t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	return child.ProcessState.ExitCode(), requests, out.String()
}

type lockedBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// newKilledCenter is a call center whose runs are in processes of their own.
func newKilledCenter(t *testing.T) *callCenter {
	w := newCallCenter(t, 2)
	w.suite("trials: 2", "  poll: 40s") // writes the file
	return w
}

// TestRetellKills kills a process at each of its requests, those that start a batch
// among them, with the request carried out and without, and starts it again until
// it is done: no test case was played more often than it has trials.
func TestRetellKills(t *testing.T) {
	code, requests, stderr := newKilledCenter(t).start(0, false)
	require.Zero(t, code, stderr)
	require.Greater(t, requests, 8)
	every := 1
	if testing.Short() {
		every = 4
	}
	for at := 1; at <= requests; at += every {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d carried out %v", at, carriedOut), func(t *testing.T) {
				t.Parallel()
				w := newKilledCenter(t)
				code, _, stderr := w.start(at, carriedOut)
				require.NotZero(t, code, "it was killed: %s", stderr)
				for starts := 1; ; starts++ {
					require.Less(t, starts, 5, stderr)
					if code, _, stderr = w.start(0, false); code == 0 {
						break
					}
					require.Equal(t, CodeIncomplete, code, stderr)
					w.pass(retell.Margin) // whoever is told to look again does
				}
				w.playedOnce(2, 2)
				w.finished(4)
			})
		}
	}
}

// finished requires the one run of the store of a child to have so many results.
func (w *callCenter) finished(trials int64) {
	w.t.Helper()
	st, err := store.Open(filepath.Join(w.dir, "store"))
	require.NoError(w.t, err)
	defer st.Close()
	infos, err := st.Runs(w.t.Context())
	require.NoError(w.t, err)
	require.Len(w.t, infos, 1)
	assert.Equal(w.t, string(harness.Complete), infos[0].Status)
	assert.Equal(w.t, trials, infos[0].Completed)
	assert.Zero(w.t, infos[0].Errored)
}
