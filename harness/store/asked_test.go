package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// childBegin begins trials at three places, finishes some, and waits to be killed.
func childBegin(dir string) error {
	ctx := context.Background()
	s, err := Open(dir)
	if err != nil {
		return err
	}
	run, err := s.Create(ctx, Spec{Trials: 2})
	if err != nil {
		return err
	}
	page := testPage(0, 5)
	if _, err := run.Plan(ctx, page); err != nil {
		return err
	}
	for i, c := range page {
		run.Begin(i%3, c, 1)
	}
	run.Begin(2, page[3], 2)
	run.Begin(maxPlaces, page[0], 1) // not kept
	if err := run.Write(ctx, []harness.Result{testResult(page[4], 1), pendingResult(testResult(page[3], 2))}); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestAskedWhenTheProcessDied(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	cmd := child(t, "begin", s.Dir())
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := make([]byte, len("ready\n"))
	_, err = io.ReadFull(out, said)
	require.NoError(t, err)
	info, err := s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Equal(t, Running, info.Status)
	assert.Empty(t, info.Asked, "it lives")
	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)

	page := testPage(0, 5)
	want := []harness.Key{{Case: page[3].ID, Trial: 1}, {Case: page[3].ID, Trial: 2}}
	info, err = s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Equal(t, Interrupted, info.Status)
	assert.Equal(t, want, info.Asked, "at place 1 is one that has its result; an answer without scores is under way")
	infos, err := s.Runs(ctx)
	require.NoError(t, err)
	assert.Equal(t, want, infos[0].Asked)

	// Taken up again and dropped before anything began, it is the same; what ends
	// in an orderly way leaves nothing behind.
	run, err := s.Resume(ctx, info.ID)
	require.NoError(t, err)
	require.NoError(t, run.Close())
	info, err = s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Equal(t, want, info.Asked)
	run, err = s.Resume(ctx, info.ID)
	require.NoError(t, err)
	run.Begin(0, page[0], 1)
	require.NoError(t, run.Close())
	run.Begin(0, page[0], 1)
	info, err = s.Info(ctx, "latest")
	require.NoError(t, err)
	assert.Empty(t, info.Asked)
	assert.NoFileExists(t, s.askedPath(info.ID))
}

// TestBeginNeverHarms: the file may not be there, or be cut while it is in use.
func TestBeginNeverHarms(t *testing.T) {
	s := openStore(t)
	run := createRun(t, s, Spec{})
	c := testPage(0, 1)[0]
	run.Begin(0, c, 1)
	require.NoError(t, os.Truncate(s.askedPath(run.ID()), 0))
	run.Begin(0, c, 1)
	require.NoError(t, run.Close())
	assert.NoFileExists(t, s.askedPath(run.ID()))

	run = createRun(t, s, Spec{})
	require.NoError(t, os.Mkdir(s.askedPath(run.ID()), 0o700))
	run.Begin(0, c, 1)
	require.NoError(t, run.Close())
}

// BenchmarkBegin measures what it costs a trial.
func BenchmarkBegin(b *testing.B) {
	s := openStore(b)
	run := createRun(b, s, Spec{})
	c := testPage(0, 1)[0]
	for b.Loop() {
		run.Begin(7, c, 1)
	}
	require.NoError(b, run.Close())
}
