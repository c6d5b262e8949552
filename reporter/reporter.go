package reporter

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// Data is what reporters show.
type Data struct {
	// Report is the run's; it must be there.
	Report *harness.Report
	// Results are the run's, ordered by case and trial, so that the trials of a
	// case are adjacent. It may be ranged over more than once. Nil: none. Table
	// and Markdown look only at those that Failed or Errored, JSON at none; the
	// others need all of them.
	Results iter.Seq2[harness.Result, error]
}

// Reporter writes a run in one format.
//
// Write returns the first error of w or of the results. What it has written by
// then is not a whole report.
type Reporter interface {
	Write(w io.Writer, d Data) error
}

// Func makes a Reporter of a function.
type Func func(w io.Writer, d Data) error

// Write calls f.
func (f Func) Write(w io.Writer, d Data) error { return f(w, d) }

// FormatOf tells the built-in format of a file by the end of its name: .junit.xml and
// .xml are junit, .md and .markdown are markdown, .txt is table.
func FormatOf(path string) (format string, ok bool) {
	endings := []struct{ suffix, format string }{
		{".csv", "csv"},
		{".json", "json"},
		{".jsonl", "jsonl"},
		{".ndjson", "jsonl"},
		{".xml", "junit"},
		{".md", "markdown"},
		{".markdown", "markdown"},
		{".txt", "table"},
	}
	lower := strings.ToLower(path)
	for _, e := range endings {
		if strings.HasSuffix(lower, e.suffix) {
			return e.format, true
		}
	}
	return "", false
}

var errNoReport = errors.New("there is no report to write")

// results ranges over d.Results, which may be nil.
func (d Data) results() iter.Seq2[harness.Result, error] {
	if d.Results == nil {
		return func(func(harness.Result, error) bool) {}
	}
	return d.Results
}

// cases groups adjacent results of one case. The slice is reused: it is valid
// until the next one. After an error there are no more.
func (d Data) cases() iter.Seq2[[]harness.Result, error] {
	return func(yield func([]harness.Result, error) bool) {
		var group []harness.Result
		for r, err := range d.results() {
			if err != nil {
				yield(nil, fmt.Errorf("read results: %w", err))
				return
			}
			if len(group) > 0 && group[0].Case.ID != r.Case.ID {
				if !yield(group, nil) {
					return
				}
				clear(group)
				group = group[:0]
			}
			group = append(group, r)
		}
		if len(group) > 0 {
			yield(group, nil)
		}
	}
}

// wrong tells whether some trial of a case got a wrong answer.
func wrong(trials []harness.Result) bool {
	return slices.ContainsFunc(trials, harness.Result.Failed)
}

// errored tells whether there was trouble with some trial of a case.
func errored(trials []harness.Result) bool {
	return slices.ContainsFunc(trials, harness.Result.Errored)
}

// judged tells whether some score of a case says pass or fail.
func judged(trials []harness.Result) bool {
	for _, r := range trials {
		for _, s := range r.Scores {
			if s.Error == nil && s.Pass != nil {
				return true
			}
		}
	}
	return false
}
