package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/examples/internal/build"
	"github.com/evalrun/evalrun/examples/internal/command"
)

// TestSuite runs the suite as the README says.
func TestSuite(t *testing.T) {
	build.Need(t, "go")
	var o command.Outcome
	for range 5 { // another program may take the port before the service does
		t.Setenv("PORT", freePort(t))
		if o = command.Run(t, cli.Config{}, "suite.yaml"); o.Code != 2 || !strings.Contains(o.Stderr, "address already in use") {
			break
		}
	}
	require.Zero(t, o.Code, "%s%s", o.Stdout, o.Stderr)
	r := o.Reports["http"]
	assert.Equal(t, 8, r.Cases.Completed)
	require.NotNil(t, r.Evaluators["numeric"].PassRate)
	assert.InDelta(t, 7.0/8, *r.Evaluators["numeric"].PassRate, 1e-9, "it is wrong where the number is a word")
}

func TestAnswer(t *testing.T) {
	for question, want := range map[string]string{
		"How many kilometres are 5 miles?": "5 miles are about 8.047.",
		"How many inches in a foot?":       "1 foot are about 12.",
		"How many grams are 2 miles?":      "A mile can't be measured in grams.",
		"How many parsecs are 2 miles?":    "I don't know these units.",
		"Hello":                            "I don't understand the question.",
	} {
		assert.Equal(t, want, answer(question), question)
	}
}

func TestBadRequest(t *testing.T) {
	w := httptest.NewRecorder()
	handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/answer", strings.NewReader("hello")))
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "expected {")
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
