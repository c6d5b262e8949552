package reporter

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// JUnit writes a test suite with a test case for each case, valid against the
// XML Schema of JUnit reports (windyroad/JUnit-Schema).
//
// A case with trouble in any trial is an error, one with a wrong answer in any
// trial a failure, one that nothing judges is skipped, and so is one in quarantine
// that would be one of the others. Each check of the gate is
// a test case of the class "gate": a failure when it fails, an error when it
// can't be decided. A run that is incomplete, or inconclusive without a gate, has
// one more test case, an error that says why, because the other ones may all be
// green.
type JUnit struct{}

var _ Reporter = JUnit{}

// maxJUnitText is how many bytes of one text a test case holds; parsers refuse
// nodes that are too long.
const maxJUnitText = 16 << 10

// Write reads the results twice: the counts come before the test cases.
func (JUnit) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	sum, err := junitCounts(d)
	if err != nil {
		return err
	}
	out := xmlWriter{Writer: bufio.NewWriter(w)}
	out.put(`<?xml version="1.0" encoding="UTF-8"?>`, "\n<testsuites>\n")
	out.suite(d.Report, sum)
	for trials, err := range d.cases() {
		if err != nil {
			return err
		}
		if out.testCase(d.Report, trials); out.err != nil {
			return out.err
		}
	}
	for _, c := range d.Report.Gate {
		out.check(c)
	}
	out.doubt(d.Report)
	out.unposted(d.Report)
	out.put("    <system-out>", xmlContent(junitSummary(d.Report)), "</system-out>\n")
	out.put("    <system-err>", xmlContent(strings.Join(d.Report.Warnings, "\n")), "</system-err>\n")
	out.put("  </testsuite>\n</testsuites>\n")
	if out.err != nil {
		return out.err
	}
	return out.Flush()
}

type junitSum struct{ tests, failures, errors, skipped int64 }

func junitCounts(d Data) (junitSum, error) {
	var sum junitSum
	for trials, err := range d.cases() {
		if err != nil {
			return sum, err
		}
		sum.tests++
		switch {
		case excused(d.Report, trials) != "":
			sum.skipped++
		case errored(trials):
			sum.errors++
		case wrong(trials):
			sum.failures++
		case !judged(trials):
			sum.skipped++
		}
	}
	for _, c := range d.Report.Gate {
		sum.tests++
		switch c.Verdict {
		case harness.Pass:
		case harness.Fail:
			sum.failures++
		default:
			sum.errors++
		}
	}
	for _, wrong := range []bool{doubtful(d.Report), unposted(d.Report)} {
		if wrong {
			sum.tests++
			sum.errors++
		}
	}
	return sum, nil
}

func suiteName(r *harness.Report) string {
	if strings.TrimSpace(suiteTitle(r)) == "" {
		return "suite"
	}
	return suiteTitle(r)
}

// xmlWriter keeps the first error, after which it writes nothing.
type xmlWriter struct {
	*bufio.Writer
	err error
}

func (w *xmlWriter) put(parts ...string) {
	for _, s := range parts {
		if w.err == nil {
			_, w.err = w.WriteString(s)
		}
	}
}

// attributes are names and texts by turns. The texts are escaped here.
func attributes(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(" " + pairs[i] + `="` + xmlText(pairs[i+1]) + `"`)
	}
	return b.String()
}

// tokens is attributes for names: of one line.
func tokens(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(" " + pairs[i] + `="` + xmlToken(clip(pairs[i+1], maxMessage)) + `"`)
	}
	return b.String()
}

func (w *xmlWriter) suite(r *harness.Report, sum junitSum) {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	w.put("  <testsuite", tokens("name", suiteName(r)), attributes(
		"package", "evalrun", "id", "0",
		"timestamp", r.StartedAt.UTC().Format("2006-01-02T15:04:05"), "hostname", "localhost",
		"tests", n(sum.tests), "failures", n(sum.failures), "errors", n(sum.errors), "skipped", n(sum.skipped),
		"time", seconds(r.FinishedAt.Sub(r.StartedAt)),
	), ">\n    <properties>\n")
	for _, p := range properties(r) {
		w.put("      <property", tokens("name", p[0]), attributes("value", p[1]), "/>\n")
	}
	w.put("    </properties>\n")
}

// properties are what a reader of the suite may want to know, in a fixed order.
func properties(r *harness.Report) [][2]string {
	out := [][2]string{
		{"run_id", r.RunID},
		{"status", string(r.Status)},
		{"verdict", string(r.Verdict)},
		{"trials", strconv.Itoa(r.TrialsPerCase)},
	}
	if r.Reduce != "" {
		out = append(out, [2]string{"reduce", r.Reduce})
	}
	if r.App != "" {
		out = append(out, [2]string{"app", r.App})
	}
	for i, c := range r.Gate {
		text := string(c.Verdict) + ": " + c.Check
		if c.Reason != "" {
			text += " (" + c.Reason + ")"
		}
		out = append(out, [2]string{fmt.Sprintf("gate.%d", i+1), text})
	}
	for _, m := range r.Metrics {
		if m.PassRate != nil {
			out = append(out, [2]string{m.Name + ".pass_rate", number(*m.PassRate)})
		}
		if m.N > 0 {
			out = append(out, [2]string{m.Name + ".mean", number(m.Mean)})
		}
	}
	if r.Publish != nil {
		out = append(out, publishFacts(r.Publish)...)
	}
	return out
}

// excused is why a case with a wrong answer or trouble does not count as one: it is
// in quarantine. "" for others.
func excused(r *harness.Report, trials []harness.Result) string {
	if !errored(trials) && !wrong(trials) {
		return ""
	}
	for _, q := range r.Quarantine {
		if q.Case == trials[0].Case.ID {
			return fmt.Sprintf("in quarantine until %s: %s", q.Until, q.Reason)
		}
	}
	return ""
}

func (w *xmlWriter) testCase(r *harness.Report, trials []harness.Result) {
	var spent time.Duration
	for _, t := range trials {
		spent += t.Latency
	}
	w.put("    <testcase", tokens("name", trials[0].Case.ID, "classname", suiteName(r)), attributes("time", seconds(spent)))
	why := excused(r, trials)
	switch {
	case why != "":
		w.put("><skipped", attributes("message", ends(why, maxMessage)), "/></testcase>\n")
	case errored(trials):
		kind, message := firstTrouble(trials)
		w.outcome("error", kind, message, junitText(trials))
	case wrong(trials):
		kind, message := firstReason(trials)
		w.outcome("failure", kind, message, junitText(trials))
	case !judged(trials):
		w.put(`><skipped message="no evaluator says pass or fail"/></testcase>`, "\n")
	default:
		w.put("/>\n")
	}
}

func (w *xmlWriter) outcome(element, kind, message, text string) {
	w.put(">\n      <", element, attributes("message", ends(message, maxMessage), "type", clip(kind, maxMessage)), ">",
		xmlContent(text), "</", element, ">\n    </testcase>\n")
}

// check is the test case of one check of the gate.
func (w *xmlWriter) check(c harness.CheckResult) {
	w.put("    <testcase", tokens("name", c.Check, "classname", "gate"), attributes("time", "0"))
	switch c.Verdict {
	case harness.Pass:
		w.put("/>\n")
	case harness.Fail:
		w.outcome("failure", string(c.Verdict), c.Reason, checkLines(c))
	default:
		w.outcome("error", string(c.Verdict), c.Reason, checkLines(c))
	}
}

// checkLines are a check with its reason and the numbers of its comparisons.
func checkLines(c harness.CheckResult) string {
	lines := []string{c.Check, c.Reason}
	for _, x := range deciding(c) {
		lines = append(lines, string(x.Verdict)+": "+numbers(x))
	}
	return strings.Join(lines, "\n")
}

// doubtful tells whether a run is no success though all its test cases may be.
func doubtful(r *harness.Report) bool {
	return r.Status == harness.Incomplete || r.Verdict == harness.Inconclusive && len(r.Gate) == 0
}

// doubt is the test case of a doubtful run.
func (w *xmlWriter) doubt(r *harness.Report) {
	if !doubtful(r) {
		return
	}
	name, kind, why := "the run is incomplete", harness.VerdictIncomplete, r.Reasons
	message := fmt.Sprintf("%s of %s have all their results", count(r.Cases.Completed), Plural(r.Cases.Planned, "case", "cases"))
	if r.Status != harness.Incomplete {
		name, kind, why = "the run is inconclusive", harness.Inconclusive, r.Warnings
		message = "there is nothing to judge"
		if len(why) > 0 {
			message = strings.Join(why, "; ")
		}
	}
	w.put("    <testcase", tokens("name", name, "classname", suiteName(r)), attributes("time", "0"))
	w.outcome("error", string(kind), message, strings.Join(why, "\n"))
}

func firstTrouble(trials []harness.Result) (kind, message string) {
	for _, r := range trials {
		if r.Error != nil {
			return string(r.Error.Kind), r.Error.Message
		}
		for _, s := range r.Scores {
			if s.Error != nil {
				return string(s.Error.Kind), s.Name + ": " + s.Error.Message
			}
		}
	}
	return "", ""
}

func firstReason(trials []harness.Result) (name, text string) {
	for _, r := range trials {
		for _, s := range r.Scores {
			if s.Error == nil && s.Pass != nil && !*s.Pass {
				return s.Name, s.Name + ": " + s.Reason
			}
		}
	}
	return "", ""
}

// junitText is what a person needs to understand one case.
func junitText(trials []harness.Result) string {
	var b strings.Builder
	part := func(label, text string) {
		short := clip(text, maxJUnitText)
		if len(short) < len(text) {
			short += fmt.Sprintf("… (the first %s of %s bytes)", count(int64(len(short))), count(int64(len(text))))
		}
		if strings.Contains(short, "\n") {
			short = "\n" + short
		} else {
			short = " " + short
		}
		b.WriteString(label + ":" + short + "\n")
	}
	c := trials[0].Case
	part("asked", valueText(c.Input))
	if c.Expected != nil {
		part("expected", valueText(c.Expected))
	}
	for _, r := range trials {
		if len(trials) > 1 {
			fmt.Fprintf(&b, "\ntrial %d of %d\n", r.Trial, len(trials))
		}
		if r.Output != nil {
			part("got", r.Output.Text())
		}
		if r.Error != nil {
			part("error", ends(errorText(r.Error), maxJUnitText))
			if r.Error.Stack != "" {
				part("stack", r.Error.Stack)
			}
		}
		for _, s := range r.Scores {
			part(s.Name, scoreLine(s))
			if s.Error != nil && s.Error.Stack != "" {
				part("stack", s.Error.Stack)
			}
		}
	}
	return b.String()
}

// scoreLine is a score in a few words.
func scoreLine(s harness.Score) string {
	if s.Error != nil {
		return "no score: " + errorText(s.Error)
	}
	text := score(s.Value)
	if s.Pass != nil {
		text = map[bool]string{true: "pass", false: "fail"}[*s.Pass] + " (" + text + ")"
	}
	if s.Reason != "" {
		text += " " + s.Reason
	}
	return text
}

// junitSummary is the report in a few lines.
func junitSummary(r *harness.Report) string {
	lines := []string{headline(r) + ": " + gateSummary(r), tally(r, nil)}
	for _, c := range r.Gate {
		lines = append(lines, mark(c.Verdict)+" "+c.Check+"  "+c.Reason)
	}
	for _, f := range facts(r) {
		lines = append(lines, f[0]+": "+f[1])
	}
	lines = append(lines, r.Reasons...)
	lines = append(lines, postingTroubles(r)...)
	return strings.Join(lines, "\n")
}

// seconds for an xs:decimal, never negative.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(max(d.Seconds(), 0), 'f', 3, 64)
}
