package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
)

// childVariable makes a test binary do one of childJobs instead of testing.
const childVariable = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		if err := childJob(job, os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func childJob(job string, args []string) error {
	switch job {
	case "write":
		return childWrite(args[0], args[1])
	case "resume":
		return childResume(args[0], args[1])
	case "fill":
		return childFill(args[0], args[1])
	case "begin":
		return childBegin(args[0])
	case "create":
		s, err := Open(args[0])
		if err != nil {
			return err
		}
		_, err = s.Create(context.Background(), Spec{})
		return errors.Join(err, s.Close())
	}
	return fmt.Errorf("no job %q", job)
}

// childFill makes a run of n results in a new folder, reads them all, and says
// how much memory the process had at most, in bytes.
func childFill(dir, number string) error {
	ctx := context.Background()
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return err
	}
	s, err := Open(dir)
	if err != nil {
		return err
	}
	run, err := s.Create(ctx, Spec{})
	if err != nil {
		return err
	}
	for seq := int64(0); seq < n; seq += 100 {
		page := testPage(seq, 100)
		if _, err := run.Plan(ctx, page); err != nil {
			return err
		}
		if err := run.Write(ctx, testResults(page)); err != nil {
			return err
		}
	}
	for _, err := range s.Results(ctx, run.ID(), Query{}) {
		if err != nil {
			return err
		}
		n--
	}
	if n != 0 {
		return fmt.Errorf("%d results are missing", n)
	}
	fmt.Println(peakMemory())
	return errors.Join(run.Close(), s.Close())
}

// child gives a command that does a job in a process of its own.
func child(t testing.TB, job string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+job)
	cmd.Stderr = os.Stderr
	return cmd
}

// childWrite takes up a run and writes results until it is killed, some of them
// ahead as pending ones. It says "ask ID" when the app is asked, and, after Write
// has returned, "ahead ID LATENCY" or "ok ID LATENCY"; no two latencies are alike.
func childWrite(dir, id string) error {
	ctx := context.Background()
	s, err := Open(dir)
	if err != nil {
		return err
	}
	run, err := s.Resume(ctx, id)
	if err != nil {
		return err
	}
	var seq int64
	for {
		page := testPage(seq, 1+rand.IntN(20))
		there, err := run.Plan(ctx, page)
		if err != nil {
			return err
		}
		whole, ahead, err := childAnswer(page, there)
		if err != nil {
			return err
		}
		if err := childStore(ctx, run, "ahead", ahead); err != nil {
			return err
		}
		if err := childStore(ctx, run, "ok", whole); err != nil {
			return err
		}
		seq += int64(len(page))
	}
}

// childAnswer gives the results of the trials of a page that are still to come,
// and those of them to write ahead. Some are left for later.
func childAnswer(page []harness.Case, there harness.Planned) (whole, ahead []harness.Result, err error) {
	finished, answered := map[string]bool{}, map[string]harness.Result{}
	for _, key := range there.Finished {
		finished[key.Case] = true
	}
	for _, r := range there.Answered {
		answered[r.Case.ID] = r
	}
	for _, c := range page {
		if finished[c.ID] {
			continue
		}
		r := testResult(c, 1)
		if before, ok := answered[c.ID]; ok {
			before.Pending, before.Scores = false, r.Scores
			r = before
		} else {
			if _, err := fmt.Println("ask", c.ID); err != nil {
				return nil, nil, err
			}
			r.Latency = time.Duration(rand.Int64())
			if rand.IntN(2) == 0 {
				ahead = append(ahead, pendingResult(r))
			}
		}
		if rand.IntN(4) > 0 || len(ahead) == 0 || ahead[len(ahead)-1].Case.ID != c.ID {
			whole = append(whole, r)
		}
	}
	return whole, ahead, nil
}

func childStore(ctx context.Context, run *Run, what string, batch []harness.Result) error {
	if err := run.Write(ctx, batch); err != nil {
		return err
	}
	var said strings.Builder
	for _, r := range batch {
		fmt.Fprintln(&said, what, r.Case.ID, int64(r.Latency))
	}
	_, err := os.Stdout.WriteString(said.String())
	return err
}

// TestKill kills a writing process at random instants and resumes its run each
// time: what it said is stored is there, once, nothing is done twice, and the app
// is never asked again for an answer that was written ahead.
func TestKill(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{Publish: &Publish{Platform: "sgp"}})
	require.NoError(t, run.Close())
	whole, answers := map[string]int{}, map[string]string{} // the latency names the answer
	kills := 25
	if testing.Short() {
		kills = 5
	}
	for range kills {
		cmd := child(t, "write", s.Dir(), run.ID())
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		timer := time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			said := strings.Fields(lines.Text())
			require.GreaterOrEqual(t, len(said), 2, "the child says %q", lines.Text())
			id := said[1]
			if said[0] == "ask" {
				require.Empty(t, answers[id], "the app is asked again for %s", id)
				continue
			}
			require.Len(t, said, 3, "the child says %q", lines.Text())
			if answers[id] != "" {
				require.Equal(t, answers[id], said[2], "%s has another answer", id)
			}
			answers[id] = said[2]
			if said[0] == "ok" {
				whole[id]++
			}
		}
		require.ErrorContains(t, cmd.Wait(), "killed")
		timer.Stop()
	}
	for id, n := range whole {
		assert.Equal(t, 1, n, "%s was run again", id)
	}
	info, err := s.Info(ctx, run.ID())
	require.NoError(t, err)
	assert.Equal(t, Interrupted, info.Status)
	stored := map[string]bool{} // whole or not
	for _, pending := range []bool{false, true} {
		for r, err := range s.Results(ctx, run.ID(), Query{Pending: pending}) {
			require.NoError(t, err)
			id := r.Case.ID
			require.NotContains(t, stored, id, "%s is there twice", id)
			stored[id] = !pending
			if answers[id] != "" {
				require.Equal(t, answers[id], fmt.Sprint(int64(r.Latency)), "%s has another answer", id)
			}
			want := testResult(r.Case, 1)
			if pending {
				want = pendingResult(want)
			}
			want.Latency = r.Latency
			require.Equal(t, want, r)
		}
	}
	n := int64(0)
	for _, whole := range stored {
		if whole {
			n++
		}
	}
	for id := range answers {
		require.Contains(t, stored, id, "%s was stored and is lost", id)
		assert.True(t, stored[id] || whole[id] == 0, "%s was whole and is pending", id)
	}
	assert.Equal(t, n, info.Completed)
	assert.Equal(t, n, info.Posts.Pending)
	t.Logf("%d answers said to be stored, %d whole; %d stored, %d whole", len(answers), len(whole), len(stored), n)
}

// childResume tries to take up a run once it is told to, says whether it could,
// and keeps it until its input ends.
func childResume(dir, id string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	run, err := s.Resume(context.Background(), id)
	if err != nil {
		fmt.Println("lost:", err)
	} else {
		fmt.Println("won", os.Getpid())
	}
	_, err = io.Copy(io.Discard, in)
	if run != nil {
		err = run.Close()
	}
	return err
}

// TestLockRace has many processes race for one run: one wins, and the others
// learn which.
func TestLockRace(t *testing.T) {
	const racers = 8
	s := openStore(t)
	run := createRun(t, s, Spec{})
	require.NoError(t, run.Close())
	var says [racers]string
	var ready, done sync.WaitGroup
	ready.Add(racers)
	gun, end := make(chan struct{}), make(chan struct{})
	decided := make(chan int, racers)
	for i := range racers {
		cmd := child(t, "resume", s.Dir(), run.ID())
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		done.Go(func() {
			lines := bufio.NewScanner(out)
			lines.Scan() // ready
			ready.Done()
			<-gun
			_, _ = io.WriteString(in, "go\n")
			lines.Scan()
			says[i] = lines.Text()
			decided <- i
			<-end
			_ = in.Close()
			assert.NoError(t, cmd.Wait())
		})
	}
	ready.Wait()
	close(gun)
	var winner string
	var losers []string
	for range racers {
		i := <-decided
		// Whoever looks must not make a racer lose.
		info, err := s.Info(t.Context(), run.ID())
		assert.NoError(t, err)
		if pid, ok := strings.CutPrefix(says[i], "won "); ok {
			assert.Equal(t, Running, info.Status)
			assert.Empty(t, winner, "two processes have the run")
			winner = pid
		} else {
			losers = append(losers, says[i])
		}
	}
	_, err := s.Resume(t.Context(), run.ID())
	require.ErrorIs(t, err, ErrLocked)
	assert.NotEmpty(t, winner)
	for _, loser := range losers {
		assert.Equal(t, fmt.Sprintf("lost: store: resume: run %s: run is being written elsewhere by process %s", run.ID(), winner), loser)
	}
	close(end)
	done.Wait()
	again, err := s.Resume(t.Context(), run.ID())
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

// TestLookingDoesNotLock resumes a run while others look at it all the time.
func TestLookingDoesNotLock(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	run := createRun(t, s, Spec{})
	id := run.ID()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := s.Info(ctx, id)
					assert.NoError(t, err)
				}
			}
		})
	}
	for range 50 {
		require.NoError(t, run.Close())
		again, err := s.Resume(ctx, id)
		if !assert.NoError(t, err) {
			break
		}
		run = again
	}
	close(stop)
	wg.Wait()
	require.NoError(t, run.Close())
}
