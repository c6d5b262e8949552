package evaltest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/reporter"
)

// mostText is how many bytes of one text are shown.
const mostText = 4000

// failure tells what is wrong with a trial, for a terminal.
func (d *driver) failure(test string, r harness.Result) string {
	b := telling{redact: d.redact}
	b.line(headline(r))
	b.section("input", show(r.Case.Input))
	if r.Output == nil {
		b.expectation(r.Case.Expected, nil)
	} else {
		b.expectation(r.Case.Expected, r.Output.Value)
		b.section("output", show(r.Output.Value))
	}
	if r.Error != nil {
		b.section("error", string(r.Error.Kind)+": "+r.Error.Message)
		b.section("stack", r.Error.Stack)
	}
	b.section("scores", strings.Join(scores(r.Scores), "\n"))
	rerun := d.place.rerun(test, d.mode == live || d.mode == recording)
	if !d.failsAlone(r.Case.ID) {
		rerun = strings.Replace(rerun, "go test ", "go test -v ", 1) // or it says nothing
	}
	b.section("rerun", rerun)
	return b.text()
}

// headline says which case it is and what is wrong in a line.
func headline(r harness.Result) string {
	what := "the app gave no answer"
	if r.Error == nil {
		var no, unscored []string
		for _, s := range r.Scores {
			switch {
			case s.Error != nil:
				unscored = append(unscored, s.Name)
			case s.Pass != nil && !*s.Pass:
				no = append(no, s.Name)
			}
		}
		var parts []string
		if len(no) > 0 {
			parts = append(parts, "wrong by "+strings.Join(no, ", "))
		}
		if len(unscored) > 0 {
			parts = append(parts, "no score by "+strings.Join(unscored, ", "))
		}
		what = strings.Join(parts, "; ")
	}
	name := strconv.Quote(r.Case.ID)
	if r.Trial > 1 {
		name += fmt.Sprintf(", trial %d", r.Trial)
	}
	return fmt.Sprintf("case %s: %s", name, what)
}

// telling is what is told of an answer, for a terminal and without secrets.
type telling struct {
	redact *runner.Redactor
	lines  []string
}

func (b *telling) line(text string) {
	b.lines = append(b.lines, reporter.Terminal(b.redact.Text(text)))
}

// section adds a text under its name. It is indented by what is no multiple of four
// spaces: no line of it can then be taken for one of go test's, such as "--- PASS:"
// of a subtest.
func (b *telling) section(name, text string) {
	if text == "" {
		return
	}
	text = b.redact.Text(text)
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "") + fmt.Sprintf("\n… %d bytes in all", len(text))
	}
	text = reporter.TerminalBlock(strings.TrimRight(text, "\n"))
	if !strings.Contains(text, "\n") {
		b.lines = append(b.lines, fmt.Sprintf("  %-9s %s", name+":", text))
		return
	}
	b.lines = append(b.lines, "  "+name+":", "      "+strings.ReplaceAll(text, "\n", "\n      "))
}

func (b *telling) text() string { return strings.Join(b.lines, "\n") }

// show is a value as text, and as JSON when it is none.
func show(v any) string {
	if s, ok := v.(string); ok {
		if s == "" {
			return `""`
		}
		return s
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// expectation adds what is expected: as a difference, line by line, where it or the
// output has several.
func (b *telling) expectation(want, output any) {
	if want == nil {
		return
	}
	if text := diff(show(want), show(output)); output != nil && text != "" {
		b.section("expected and output", text)
		return
	}
	b.section("expected", show(want))
}

func diff(want, got string) string {
	if want == got || !strings.Contains(want, "\n") && !strings.Contains(got, "\n") {
		return ""
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(want), B: difflib.SplitLines(got), FromFile: "expected", ToFile: "output", Context: 3,
	})
	if err != nil {
		return ""
	}
	return text
}

// scores are one line each.
func scores(all []harness.Score) []string {
	var lines []string
	for _, s := range all {
		mark := " "
		switch {
		case s.Error != nil:
			lines = append(lines, fmt.Sprintf("! %s: no score: %s", s.Name, s.Error.Message))
			continue
		case s.Pass != nil && *s.Pass:
			mark = "✓"
		case s.Pass != nil:
			mark = "✗"
		}
		line := fmt.Sprintf("%s %s %s", mark, s.Name, strconv.FormatFloat(s.Value, 'g', 4, 64))
		if s.Reason != "" {
			line += ": " + s.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

// scoreLine is what is said of a trial that is right.
func scoreLine(r harness.Result) string {
	return reporter.Terminal(strings.Join(scores(r.Scores), " · ") + " · " + r.Latency.Round(time.Microsecond).String())
}
