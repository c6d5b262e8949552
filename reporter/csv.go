package reporter

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/evalrun/evalrun/harness"
)

// CSV writes one row for each trial (RFC 4180, UTF-8, lines ended by LF), after
// a row of column names: the trial, then "score.NAME", "pass.NAME" and
// "reason.NAME" for each metric of the report.
//
// A spreadsheet runs a cell that begins with =, +, - or @ as a formula, and so
// may hand the data of a stranger to a program. Such text gets a ' in front,
// which spreadsheets take for "this is text"; numbers stay numbers. Control
// characters other than line ends and tabs, and bytes that are not UTF-8,
// become visible escapes. An app that answers over HTTP or as a program with text
// that is not UTF-8 has U+FFFD there already, as it was scored; JSONL has its bytes
// (output.metadata.raw_base64).
type CSV struct {
	// Raw leaves the texts as they are, for programs that read CSV. Do not open
	// such a file in a spreadsheet.
	Raw bool
}

var _ Reporter = CSV{}

// Write writes the rows.
func (c CSV) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	columns := []string{
		"run_id", "suite", "app", "case_id", "trial", "outcome", "input", "expected", "output",
		"error_kind", "error", "latency_ms", "attempts", "input_tokens", "output_tokens", "cost_usd", "metadata",
	}
	metrics := map[string]int{} // name → its first column
	for _, m := range d.Report.Metrics {
		metrics[m.Name] = len(columns)
		columns = append(columns, "score."+m.Name, "pass."+m.Name, "reason."+m.Name)
	}
	out := csv.NewWriter(w)
	if err := out.Write(c.cells(columns)); err != nil {
		return err
	}
	row := make([]string, len(columns))
	for r, err := range d.results() {
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		clear(row)
		copy(row, trialCells(d.Report, r))
		for _, s := range r.Scores {
			at, ok := metrics[s.Name]
			if !ok {
				return fmt.Errorf("case %q has a score %q that the report does not know", r.Case.ID, s.Name)
			}
			addScore(row[at:at+3], s)
		}
		if err := out.Write(c.cells(row)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func trialCells(report *harness.Report, r harness.Result) []string {
	cells := []string{
		report.RunID, report.Suite, report.App, r.Case.ID, strconv.Itoa(r.Trial), outcome(r),
		valueText(r.Case.Input), valueText(r.Case.Expected), "", "", "",
		decimal(milliseconds(r.Latency)), strconv.Itoa(r.Attempts), "", "", "", "",
	}
	if r.Error != nil {
		cells[9], cells[10] = string(r.Error.Kind), r.Error.Message
		if r.Error.Stack != "" {
			cells[10] += "\n" + r.Error.Stack
		}
	}
	if o := r.Output; o != nil {
		cells[8] = o.Text()
		if o.Usage != nil {
			cells[13], cells[14] = strconv.FormatInt(o.Usage.InputTokens, 10), strconv.FormatInt(o.Usage.OutputTokens, 10)
		}
		if o.CostUSD != nil {
			cells[15] = number(*o.CostUSD)
		}
	}
	if len(r.Case.Metadata) > 0 {
		cells[16] = valueText(r.Case.Metadata)
	}
	return cells
}

// outcome is one word for a trial: error when there is no answer or no score,
// fail or pass when a score says so, else none.
func outcome(r harness.Result) string {
	switch {
	case r.Errored():
		return "error"
	case r.Failed():
		return "fail"
	case judged([]harness.Result{r}):
		return "pass"
	}
	return "none"
}

// addScore fills the cells of one metric. An evaluator that gives several scores
// of one name has them all there, one a line.
func addScore(cells []string, s harness.Score) {
	add := func(i int, text string) {
		if cells[i] != "" {
			text = cells[i] + "\n" + text
		}
		cells[i] = text
	}
	if s.Error != nil {
		add(2, errorText(s.Error))
		return
	}
	add(0, number(s.Value))
	if s.Pass != nil {
		add(1, strconv.FormatBool(*s.Pass))
	}
	if s.Reason != "" {
		add(2, s.Reason)
	}
}

// number writes a float64 so that it reads back the same; "" when it is none.
func number(v float64) string {
	if finite(v) == nil {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func (c CSV) cells(row []string) []string {
	if c.Raw {
		return row
	}
	for i, s := range row {
		row[i] = csvCell(s)
	}
	return row
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// csvCell makes a text safe for a spreadsheet.
func csvCell(s string) string {
	s = replaceRunes(strings.ReplaceAll(s, "\r\n", "\n"), func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.IsControl(r)
	})
	if s == "" || plainNumber.MatchString(s) {
		return s
	}
	// A tab or a line end may be skipped before the cell is looked at, as may
	// spaces and characters that can't be seen.
	if s[0] == '\t' || s[0] == '\n' {
		return "'" + s
	}
	rest := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || hidden(r) || !unicode.IsGraphic(r) })
	if strings.IndexAny(rest, "=+-@＝＋－＠﹦﹢﹣﹫−") == 0 {
		return "'" + s
	}
	return s
}
