package evaltest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/reporter"
)

// mostText is how many bytes of one text are shown.
const mostText = 4000

// failure tells what is wrong with a trial, for a terminal.
func (d *driver) failure(test string, r harness.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", headline(r))
	section(&b, "input", show(r.Case.Input))
	if r.Output == nil {
		expectation(&b, r.Case.Expected, nil)
	} else {
		expectation(&b, r.Case.Expected, r.Output.Value)
		section(&b, "output", show(r.Output.Value))
	}
	if r.Error != nil {
		section(&b, "error", string(r.Error.Kind)+": "+r.Error.Message)
		section(&b, "stack", r.Error.Stack)
	}
	if len(r.Scores) > 0 {
		section(&b, "scores", strings.Join(scores(r.Scores), "\n"))
	}
	section(&b, "rerun", d.place.rerun(test, d.mode == live || d.mode == recording))
	return strings.TrimRight(d.redact.Text(b.String()), "\n")
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
	return reporter.Terminal(fmt.Sprintf("case %s: %s", name, what))
}

// section adds a text under its name, indented.
func section(b *strings.Builder, name, text string) {
	if text == "" {
		return
	}
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "") + fmt.Sprintf("\n… %d bytes in all", len(text))
	}
	text = reporter.TerminalBlock(strings.TrimRight(text, "\n"))
	if !strings.Contains(text, "\n") {
		fmt.Fprintf(b, "    %-9s %s\n", name+":", text)
		return
	}
	fmt.Fprintf(b, "    %s:\n        %s\n", name, strings.ReplaceAll(text, "\n", "\n        "))
}

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
func expectation(b *strings.Builder, want, output any) {
	if want == nil {
		return
	}
	if text := diff(show(want), show(output)); output != nil && text != "" {
		section(b, "expected and output", text)
		return
	}
	section(b, "expected", show(want))
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
