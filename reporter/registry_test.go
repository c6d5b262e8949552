package reporter_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/reporter"
)

func TestRegistry(t *testing.T) {
	tally := reporter.Func(func(w io.Writer, d reporter.Data) error {
		_, err := io.WriteString(w, d.Report.Suite+" is done\n")
		return err
	})
	r := reporter.NewRegistry()
	require.NoError(t, r.Add("tally", tally))
	for name, err := range map[string]error{
		"taken":          r.Add("tally", tally),
		"built in":       r.Add("junit", tally),
		"nil":            r.Add("none", nil),
		"no name":        r.Add("", tally),
		"a bad name":     r.Add("a:b", tally),
		"a path":         r.Add("a/b", tally),
		"a long name":    r.Add(strings.Repeat("a", 65), tally),
		"a line's break": r.Add("a\nb", tally),
	} {
		assert.ErrorContains(t, err, "reporter: add", name)
	}
	assert.Equal(t, []string{"csv", "json", "jsonl", "junit", "markdown", "table", "tally"}, r.Formats())
	assert.NotContains(t, reporter.Formats(), "tally", "other registries don't know it")

	own, err := r.New("tally")
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, own.Write(&b, reporter.Data{Report: &harness.Report{Suite: "manners"}}))
	assert.Contains(t, b.String(), "manners is done")
	_, err = r.New("taly")
	assert.EqualError(t, err, `no report format "taly": there are csv, json, jsonl, junit, markdown, table, tally; did you mean "tally"?`)
	for _, format := range reporter.Formats() {
		_, err := reporter.New(format)
		assert.NoError(t, err, format)
	}

	var zero reporter.Registry
	assert.Error(t, zero.Add("junit", tally), "the zero value has the built-in ones")
	require.NoError(t, zero.Add("tally", tally))
	assert.Equal(t, r.Formats(), zero.Formats())
}
