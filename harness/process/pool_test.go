package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func request(id, input string) []byte {
	data, _ := json.Marshal(map[string]any{"id": id, "input": input})
	return data
}

type reply struct {
	ID, Output string
	N, PID     int
}

func call(t *testing.T, p *process.Pool, id, input string) (reply, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	data, err := p.Call(ctx, request(id, input))
	var r reply
	if err == nil {
		require.NoError(t, json.Unmarshal(data, &r))
	}
	return r, err
}

func TestPoolKeepsItsWorker(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	var pid int
	for i := range 100 {
		id, input := fmt.Sprint(i), strings.Repeat("é\n\u2028\x00", i*100)
		r, err := call(t, p, id, input)
		require.NoError(t, err)
		assert.Equal(t, id, r.ID)
		assert.Equal(t, input, r.Output)
		assert.Equal(t, i+1, r.N)
		if i > 0 {
			assert.Equal(t, pid, r.PID)
		}
		pid = r.PID
	}
}

func TestPoolReplacesWorkers(t *testing.T) {
	name := os.Args[0]
	tests := []struct {
		input, want string
		is          error
	}{
		{"die", name + ": ended before it replied: exit status 3: Traceback: out of memory\nstandard error: worker ready", nil},
		{"leave", name + ": ended before it replied: exit status 0: worker ready", nil},
		{"close", name + ": closed its standard output before it replied: worker ready", nil},
		{"garbage", name + `: wrote a line that is not JSON (only replies may go to standard output): "Loading model… \x1b[31m42%": worker ready`, process.ErrReply},
		{"html", name + `: wrote a line that is not JSON (only replies may go to standard output): "<html>": worker ready`, process.ErrReply},
		{"half", name + `: wrote a line that is not JSON (only replies may go to standard output): "{\"id\": \"": worker ready`, process.ErrReply},
		{"wrong id", name + `: reply with id "other" to the request with id "a": worker ready`, process.ErrReply},
		{"no id", name + `: reply without the request's id "a": "{\"output\": \"x\"}": worker ready`, process.ErrReply},
		{"flood", name + ": wrote a line of more than 10485760 bytes: worker ready", process.ErrOutput},
	}
	for _, tt := range tests {
		t.Run(tt.input, func(t *testing.T) {
			p := process.NewPool(self("worker"), 1)
			defer p.Close()
			before, err := call(t, p, "before", "hi")
			require.NoError(t, err)
			_, err = call(t, p, "a", tt.input)
			require.EqualError(t, err, tt.want)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			after, err := call(t, p, "after", "hi")
			require.NoError(t, err)
			assert.NotEqual(t, before.PID, after.PID)
			assert.Equal(t, 1, after.N)
		})
	}
}

func TestPoolTimeout(t *testing.T) {
	for _, input := range []string{"hang", "stubborn"} {
		t.Run(input, func(t *testing.T) {
			p := process.NewPool(self("worker"), 1)
			defer p.Close()
			before, err := call(t, p, "1", "hi")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err = p.Call(ctx, request("2", input))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			after, err := call(t, p, "3", "hi") // waits until the other one is gone
			require.NoError(t, err)
			assert.NotEqual(t, before.PID, after.PID)
		})
	}
}

// A worker that never writes is mostly one that does not flush, or that reads to
// the end of its input: the error says so, but not of one that has written.
func TestPoolTimeoutOfASilentWorker(t *testing.T) {
	for input, silent := range map[string]bool{"hang": true, "half and hang": false} {
		p := process.NewPool(self("worker"), 1)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err := p.Call(ctx, request("1", input))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, silent, strings.Contains(err.Error(), "it has written nothing yet: each line in wants one line out, flushed at once"), err)
		cancel()
		require.NoError(t, p.Close())
	}
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := p.Call(ctx, request("1", "hang"))
	require.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), "nothing yet", "nobody waited for it")
}

func TestPoolWaitsForAFreeWorker(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = p.Call(ctx, request("1", "hang")) })
	wg.Go(func() { _, _ = p.Call(ctx, request("2", "hang")) })
	wg.Wait()
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err := p.Call(ctx, request("3", "hi"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestPoolToleratesBlankLinesAndOneShotWorkers(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	r, err := call(t, p, "1", "blank")
	require.NoError(t, err)
	assert.Equal(t, "after blank lines", r.Output)
	r, err = call(t, p, "2", "answer and leave")
	require.NoError(t, err)
	assert.Equal(t, "bye", r.Output)
	collected(t, r.PID)
	r, err = call(t, p, "3", "hi")
	require.NoError(t, err)
	assert.Equal(t, 1, r.N)
}

func TestPoolFindsAStaleReply(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	_, err := call(t, p, "1", "twice")
	require.NoError(t, err)
	_, err = call(t, p, "2", "hi")
	require.ErrorIs(t, err, process.ErrReply, "the second reply to 1 must not pass for one to 2")
	r, err := call(t, p, "3", "hi")
	require.NoError(t, err)
	assert.Equal(t, "hi", r.Output)
}

// Trials of a case have the same id: a second line for one must not be the answer
// to the next.
func TestPoolFindsASecondLine(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	inputs := []string{"twice at once"}
	if runtime.GOOS != "windows" { // where only what came with the reply is seen
		inputs = append(inputs, "twice, then make "+made)
	}
	for _, input := range inputs {
		p := process.NewPool(self("worker"), 1)
		r, err := call(t, p, "a", input)
		require.NoError(t, err)
		assert.Equal(t, "x", r.Output)
		if strings.HasSuffix(input, made) {
			require.Eventually(t, func() bool { _, err := os.Stat(made); return err == nil }, 20*time.Second, time.Millisecond)
		}
		r, err = call(t, p, "a", "hi")
		require.ErrorIs(t, err, process.ErrReply, "%s gave %v", input, r)
		require.ErrorContains(t, err, `wrote more than one line for its last request: "{`)
		r, err = call(t, p, "a", "hi")
		require.NoError(t, err)
		assert.Equal(t, "hi", r.Output)
		require.NoError(t, p.Close())
	}
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	_, err := call(t, p, "a", "blank after")
	require.NoError(t, err)
	r, err := call(t, p, "a", "hi")
	require.NoError(t, err)
	assert.Equal(t, 2, r.N, "blank lines are no second answer")
}

func TestPoolComparesTrials(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	_, err := p.Call(t.Context(), []byte(`{"id": "a", "trial": 1, "input": "trial 1"}`))
	require.NoError(t, err)
	_, err = p.Call(t.Context(), []byte(`{"id": "a", "input": "trial 1"}`))
	require.NoError(t, err, "a request without a trial takes any")
	_, err = p.Call(t.Context(), []byte(`{"id": "a", "trial": 2, "input": "trial 1"}`))
	require.ErrorIs(t, err, process.ErrReply)
	require.ErrorContains(t, err, `reply with trial 1 to trial 2 of the request with id "a"`)
}

func TestPoolRefusesBadRequests(t *testing.T) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	for _, bad := range []string{"", "{", "{\n}", `{"id": [1]}`, `{"id":"a"} {"id":"b"}`} {
		_, err := p.Call(t.Context(), []byte(bad))
		require.ErrorContains(t, err, "request: ", "%q", bad)
	}
}

func TestPoolProgramThatIsNotThere(t *testing.T) {
	p := process.NewPool(process.Command{Argv: []string{"no-such-program"}}, 2)
	for range 5 {
		_, err := p.Call(t.Context(), request("1", "hi"))
		require.EqualError(t, err, "no-such-program: cannot start: executable file not found in $PATH")
	}
	require.NoError(t, p.Close())
}

func TestPoolManyCallers(t *testing.T) {
	p := process.NewPool(self("worker"), 3)
	pids := sync.Map{}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			input := id
			if i%10 == 9 {
				input = "die"
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			data, err := p.Call(ctx, request(id, input))
			if i%10 == 9 {
				assert.Error(t, err)
				return
			}
			var r reply
			if assert.NoError(t, err) && assert.NoError(t, json.Unmarshal(data, &r)) {
				assert.Equal(t, id, r.Output)
				pids.Store(r.PID, true)
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close())
	n := 0
	pids.Range(func(any, any) bool { n++; return true })
	assert.LessOrEqual(t, n, 3+6)
	noChildren(t)
}

func TestPoolClose(t *testing.T) {
	p := process.NewPool(self("worker"), 4)
	_, err := call(t, p, "1", "hi")
	require.NoError(t, err)
	failed := make(chan error)
	for _, input := range []string{"hang", "stubborn"} {
		go func() {
			_, err := p.Call(t.Context(), request("2", input))
			failed <- err
		}()
	}
	time.Sleep(200 * time.Millisecond) // so that the calls are under way
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	require.Error(t, <-failed)
	require.Error(t, <-failed)
	_, err = p.Call(t.Context(), request("3", "hi"))
	require.ErrorIs(t, err, process.ErrClosed)
	noChildren(t)
}

func TestPoolUnusedCloses(t *testing.T) {
	require.NoError(t, process.NewPool(self("worker"), 0).Close())
}

func BenchmarkPool(b *testing.B) {
	p := process.NewPool(self("worker"), 1)
	defer p.Close()
	for b.Loop() {
		if _, err := p.Call(b.Context(), request("1", "hi")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		if _, err := process.Run(b.Context(), process.Command{Argv: []string{"/bin/true"}}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
