// Package reporter shows what a run came to: as a table on a terminal, as JSON,
// JSON lines, CSV, JUnit XML or Markdown.
//
//	func write(w io.Writer, report *harness.Report, results []harness.Result) error {
//		r, err := reporter.New("junit") // Formats has the names
//		if err != nil {
//			return err
//		}
//		return r.Write(w, reporter.Data{Report: report, Results: func(yield func(harness.Result, error) bool) {
//			for _, result := range results { // ordered by case and trial
//				if !yield(result, nil) {
//					return
//				}
//			}
//		}})
//	}
//
// The report is that of harness.Run, the results are what its Sinks got, or what
// runner.Results reads from the store.
//
// Every [Reporter] writes a [Data]: the report of a run and its results. They
// range over the results, once or twice, and keep nothing that grows with their
// number. The same data gives the same bytes.
//
// All text in a report may come from strangers: the case from a dataset, the
// answer from a model, the reason from a judge. Each reporter makes it safe for
// its medium. Nothing is dropped in silence: what can't be shown becomes a
// visible escape such as \x1b or \u202e. [Terminal] does that for whoever else
// prints such text.
//
// [StartProgress] shows a run while it goes on.
package reporter
