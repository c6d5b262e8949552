package main

import (
	"bytes"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/examples/internal/build"
	"github.com/evalrun/evalrun/examples/internal/command"
)

// TestTwoVersions runs the suite as the README says, against two versions of the
// agent, and compares them.
func TestTwoVersions(t *testing.T) {
	build.Need(t, "go")
	store := filepath.Join(t.TempDir(), "store")
	pass := map[string]float64{}
	for _, version := range []string{"3", "4"} {
		t.Setenv("VERSION", version)
		var o command.Outcome
		for range 5 { // another program may take the port before the stand-in does
			t.Setenv("PORT", freePort(t))
			if o = command.Run(t, cli.Config{}, "suite.yaml", "--store", store); o.Code != 2 || !strings.Contains(o.Stderr, "address already in use") {
				break
			}
		}
		require.Zero(t, o.Code, "%s%s", o.Stdout, o.Stderr)
		r := o.Reports["retell"]
		assert.Equal(t, 6, r.Cases.Completed)
		require.NotNil(t, r.Evaluators["retell"].Mean)
		pass[version] = *r.Evaluators["retell"].Mean
	}
	assert.Greater(t, pass["4"], pass["3"], "version 4 is the better one")
	assert.Less(t, pass["3"], 1.0)

	ids := regexp.MustCompile(`(?m)^\{"id":"(\w+)"`).FindAllStringSubmatch(evalrun(t, "list", "--store", store, "--json"), -1)
	require.Len(t, ids, 2, "the newest first")
	compared := evalrun(t, "compare", ids[1][1], ids[0][1], "--store", store)
	assert.Contains(t, compared, "6 cases in both")
	assert.Contains(t, compared, "Ask for a refund.", "a case that flipped, with what was asked")
}

func evalrun(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Config{Args: args, Stdout: &stdout, Stderr: &stderr})
	require.Zero(t, code, "%s%s", &stdout, &stderr)
	return stdout.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return port
}
