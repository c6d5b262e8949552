package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	assert.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}), 0)
}

func TestReport(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	first := []usage{{ms(120), ms(50), 30}, {ms(100), ms(50), 40}, {ms(400), ms(50), 50}}
	second := []usage{{ms(100), ms(50), 40}, {ms(100), ms(50), 40}, {ms(100), ms(50), 40}}
	var out bytes.Buffer
	require.NoError(t, config{most: 1.2, memory: 1, megabytes: 40, milliseconds: 120}.report(first, second, &out))
	assert.Contains(t, out.String(), "wall ms         120.0        100.0   ratio 1.200")
	for _, c := range []config{{most: 1.19}, {memory: 0.9}, {megabytes: 39}, {milliseconds: 119}} {
		assert.ErrorContains(t, c.report(first, second, io.Discard), "at most")
	}
}

// TestRun measures this test's own program, which only lists its tests then.
func TestRun(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	clean := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.Mkdir(clean, 0o700))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-pairs", "2", "-clean", clean, "--", self, "-test.list", "x", "--", self, "-test.list", "x"}, &out, io.Discard))
	assert.Contains(t, out.String(), "medians of 2 pairs")
	assert.NoDirExists(t, clean)

	assert.Error(t, run(t.Context(), []string{"--", self, "-no-such-flag", "--", self}, io.Discard, io.Discard))
	for _, args := range [][]string{nil, {"--", "a"}, {"--", "a", "--"}, {"-pairs", "0", "--", "a", "--", "b"}, {"-wrong"}} {
		assert.Error(t, run(t.Context(), args, io.Discard, io.Discard), "%v", args)
	}
}
