package oracle

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness/stat"
)

//go:embed questions.py
var script string

// scipy is a Python that answers questions.
type scipy struct {
	in  io.Writer
	out *bufio.Reader
}

// startScipy skips the test where no Python has scipy, and fails it in CI.
func startScipy(t *testing.T) *scipy {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import scipy.stats").Run() != nil {
			continue
		}
		cmd := exec.Command(python, "-W", "ignore", "-c", script)
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			assert.NoError(t, in.Close())
			assert.NoError(t, cmd.Wait())
		})
		return &scipy{in, bufio.NewReader(out)}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no python3 has scipy: apt-get install python3-scipy")
	}
	t.Skip("no python3 has scipy: apt-get install python3-scipy")
	return nil
}

func (s *scipy) ask(t require.TestingT, question ...any) (answer []float64) {
	line, err := json.Marshal(question)
	require.NoError(t, err)
	_, err = s.in.Write(append(line, '\n'))
	require.NoError(t, err)
	line, err = s.out.ReadBytes('\n')
	require.NoError(t, err, "%v", question)
	require.NoError(t, json.Unmarshal(line, &answer))
	return answer
}

func TestLikeScipy(t *testing.T) {
	s := startScipy(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 3000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		level := rapid.Float64Range(0.5, 0.999).Draw(t, "level")
		want := s.ask(t, "binomial", k, n, p)
		near(t, want[0], stat.BinomialAtMost(k, n, p), "P(X <= %d)", k)
		near(t, want[1], stat.BinomialAtLeast(k, n, p), "P(X >= %d)", k)
		low, high := stat.ClopperPearson(k, n, level)
		want = s.ask(t, "exact", k, n, level)
		near(t, want[0], low, "Clopper and Pearson")
		near(t, want[1], high, "Clopper and Pearson")
		low, high = stat.Wilson(k, n, level)
		want = s.ask(t, "wilson", k, n, level)
		near(t, want[0], low, "Wilson")
		near(t, want[1], high, "Wilson")

		exact, _ := stat.McNemar(k, n-k)
		near(t, s.ask(t, "binomial", k, n, 0.5)[1], exact, "McNemar")
		a, b := rapid.Float64Range(0.5, 500).Draw(t, "a"), rapid.Float64Range(0.5, 500).Draw(t, "b")
		near(t, s.ask(t, "betacdf", p, a, b)[0], stat.RegularizedBeta(p, a, b), "I_%g(%g, %g)", p, a, b)
		near(t, p, stat.RegularizedBeta(s.ask(t, "beta", p, a, b)[0], a, b), "its inverse")

		x, df := rapid.Float64Range(-20, 20).Draw(t, "x"), rapid.Float64Range(1, 5000).Draw(t, "df")
		want = s.ask(t, "t", x, p, df)
		near(t, want[0], stat.StudentCDF(x, df), "P(T <= %g), %g degrees", x, df)
		q := stat.StudentQuantile(p, df) // scipy's own has seven digits
		assert.InDelta(t, want[1], q, 1e-6*max(1, math.Abs(q)), "Student's %g-quantile, %g degrees", p, df)
		near(t, p, s.ask(t, "t", q, p, df)[0], "back from the quantile, %g degrees", df)
		want = s.ask(t, "normal", x/4, p)
		near(t, want[0], stat.NormalCDF(x/4), "P(Z <= %g)", x/4)
		near(t, want[1], stat.NormalQuantile(p), "the normal %g-quantile", p)
	})
}

func TestPairsLikeScipy(t *testing.T) {
	s := startScipy(t)
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.SliceOfN(rapid.Int64Range(-6, 6), 3, 11).Draw(t, "differences")
		whole = append(whole, 7, -5) // not all the same
		differences := make([]float64, len(whole))
		for i, x := range whole {
			differences[i] = float64(x)
		}
		e := stat.Mean(differences)
		want := s.ask(t, "mean", differences)
		near(t, want[0], e.Below(0), "paired t, less")
		near(t, want[1], e.Above(0), "paired t, greater")
		exact, _, ok := stat.SignFlip(whole)
		require.True(t, ok)
		near(t, s.ask(t, "flip", differences)[0], exact, "sign flips of %v", whole)
	})
}
