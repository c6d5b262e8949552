package reporter

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestCSVHostile(t *testing.T) {
	forHostile(t, CSV{}, func(t *testing.T, _, out string) {
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 5)
		for _, row := range rows {
			for _, c := range row {
				assert.False(t, dangerous(c), "%q", c)
			}
		}
	})
	forHostile(t, CSV{Raw: true}, func(t *testing.T, s, out string) {
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		// Reading turns CRLF into LF (encoding/csv); all else comes back.
		assert.Equal(t, strings.ReplaceAll(s, "\r\n", "\n"), rows[1][8])
	})
}

// dangerous tells whether a spreadsheet might run the cell, by a rule of its
// own: what is left without blanks of any kind begins with a trigger, and the
// whole is no number.
func dangerous(cell string) bool {
	if _, err := strconv.ParseFloat(cell, 64); (err == nil || errors.Is(err, strconv.ErrRange)) && strings.Trim(cell, "+-.0123456789eE") == "" {
		return false
	}
	if cell != "" && strings.ContainsAny(cell[:1], "\t\r\n") {
		return true
	}
	rest := strings.TrimLeftFunc(cell, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
	for _, trigger := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(rest, trigger) {
			return true
		}
	}
	return false
}

func TestCSVCells(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "abc": "abc", "a\nb": "a\nb", "1,5": "1,5", "'=1": "'=1",
		"-1": "-1", "+1.5e-3": "+1.5e-3", "-1+1": "'-1+1", "--1": "'--1", "- item": "'- item",
		"=1": "'=1", " =1": "' =1", "\u200b=1": "'\u200b=1", "＝1": "'＝1",
		"\tx": "'\tx", "\r\nx": "'\nx", "\rx": `\rx`, "a\x00b": `a\x00b`, "\xff": `\xff`,
	} {
		assert.Equal(t, want, csvCell(s), "%q", s)
	}
}

// TestCSVScores checks that no score is left out in silence.
func TestCSVScores(t *testing.T) {
	yes, no := true, false
	r := harness.Result{Case: harness.Case{ID: "x"}, Trial: 1, Output: &harness.Output{}, Scores: []harness.Score{
		{Name: "m", Value: 0.25, Pass: &no, Reason: "a"}, {Name: "m", Value: 1, Pass: &yes},
	}}
	report := &harness.Report{Metrics: []harness.Metric{{Name: "m"}}}
	rows, err := csv.NewReader(strings.NewReader(write(t, CSV{}, Data{Report: report, Results: each([]harness.Result{r})}))).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{"0.25\n1", "false\ntrue", "a"}, rows[1][17:])
	err = CSV{}.Write(io.Discard, Data{Report: &harness.Report{}, Results: each([]harness.Result{r})})
	assert.EqualError(t, err, `case "x" has a score "m" that the report does not know`)
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range []string{"", "=1", " +1", "\t-1", "\u200b@x", "-1", "＝"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := csvCell(s)
		assert.False(t, dangerous(got), "%q", got)
		assert.True(t, utf8.ValidString(got))
		var b strings.Builder
		w := csv.NewWriter(&b)
		require.NoError(t, w.Write([]string{got, "x"}))
		w.Flush()
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		require.NoError(t, err)
		assert.Equal(t, [][]string{{got, "x"}}, rows)
	})
}
