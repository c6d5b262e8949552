package reporter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// digest is what people are shown of the results: a bounded number of examples
// and how many there are.
type digest struct {
	counted bool  // there were results to count
	wrong   int64 // cases with a wrong answer
	errored int64 // cases with trouble
	// failures are the first cases with a wrong answer. Those where the answer is
	// fine and something else is wrong, such as its latency, stand at the end.
	failures []failure
	// examples holds the first trouble of each kind; see troubleKey.
	examples map[string]example
}

// failure is one case with a wrong answer.
type failure struct {
	id     string
	trials string // "trial 2 of 3", "" when there is one only
	rows   []row
}

// row is one labelled text of a failure. Both are untrusted.
type row struct {
	role  role
	label string
	text  string
}

type role int

const (
	asked role = iota
	expected
	got
	reason
	trouble
)

type example struct {
	id      string
	message string
	trials  int64
}

// Limits of what a digest keeps of the data.
const (
	maxExamples = 50    // kinds of trouble
	maxReasons  = 6     // of one failure
	maxKept     = 4_000 // bytes of one text
	maxMessage  = 1_000 // bytes of one error
)

// digestOf reads the results once and keeps the first limit failures.
func digestOf(d Data, limit int) (*digest, error) {
	out := &digest{counted: d.Results != nil, examples: map[string]example{}}
	var beside []failure
	for trials, err := range d.cases() {
		if err != nil {
			return nil, err
		}
		if errored(trials) {
			out.errored++
			out.addTroubles(trials)
		}
		if !wrong(trials) {
			continue
		}
		out.wrong++
		list := &out.failures
		if wrongBeside(trials) {
			list = &beside
		}
		if len(*list) < limit {
			*list = append(*list, failureOf(trials, max(d.Report.TrialsPerCase, len(trials))))
		}
	}
	out.failures = append(out.failures, beside[:min(len(beside), limit-len(out.failures))]...)
	return out, nil
}

// appTrouble and evaluatorTrouble are the keys of digest.examples.
func appTrouble(k harness.ErrorKind) string { return "app\x00" + string(k) }
func evaluatorTrouble(metric string) string { return "metric\x00" + metric }
func clipped(s string) string               { return strings.Clone(clip(s, maxKept)) }

// errorText is what went wrong, with its kind when the place does not say it.
func errorText(e *harness.Error) string {
	if e.Kind == harness.KindEvaluator {
		return e.Message
	}
	return string(e.Kind) + ": " + e.Message
}

func (d *digest) addTroubles(trials []harness.Result) {
	for _, r := range trials {
		if r.Error != nil {
			d.addTrouble(appTrouble(r.Error.Kind), r.Case.ID, r.Error.Message)
		}
		for _, s := range r.Scores {
			if s.Error != nil {
				d.addTrouble(evaluatorTrouble(s.Name), r.Case.ID, errorText(s.Error))
			}
		}
	}
}

func (d *digest) addTrouble(key, id, message string) {
	e, ok := d.examples[key]
	if !ok {
		if len(d.examples) == maxExamples {
			return
		}
		e = example{id: clipped(id), message: strings.Clone(ends(message, maxMessage))}
	}
	e.trials++
	d.examples[key] = e
}

// failureOf shows the first wrong trial of a case that has planned trials.
func failureOf(trials []harness.Result, planned int) failure {
	i := slices.IndexFunc(trials, harness.Result.Failed)
	r := trials[i]
	f := failure{id: clipped(r.Case.ID), trials: whichTrials(trials, planned)}
	f.rows = append(f.rows, row{asked, "asked", clipped(valueText(r.Case.Input))})
	if r.Case.Expected != nil && !besideAnswer(r) {
		f.rows = append(f.rows, row{expected, "expected", clipped(valueText(r.Case.Expected))})
	}
	if r.Output != nil {
		f.rows = append(f.rows, row{got, "got", clipped(valueText(r.Output.Value))})
	}
	reasons := reasonsOf(r.Scores)
	if len(reasons) > maxReasons {
		more := row{reason, "", fmt.Sprintf("and %d more", len(reasons)-maxReasons)}
		reasons = append(reasons[:maxReasons:maxReasons], more)
	}
	f.rows = append(f.rows, reasons...)
	f.bring()
	return f
}

// wrongBeside tells whether every wrong trial of a case is wrong beside its
// answer.
func wrongBeside(trials []harness.Result) bool {
	return !slices.ContainsFunc(trials, func(r harness.Result) bool { return r.Failed() && !besideAnswer(r) })
}

// besideAnswer tells whether what is wrong with a trial has nothing to do with
// the expected answer: that one was given, or only latency and cost failed.
func besideAnswer(r harness.Result) bool {
	if r.Output != nil && r.Case.Expected != nil && valueText(r.Output.Value) == valueText(r.Case.Expected) {
		return true
	}
	for _, s := range r.Scores {
		if s.Error == nil && s.Pass != nil && !*s.Pass && s.Name != "latency" && s.Name != "cost" {
			return false
		}
	}
	return true
}

// bring moves two long texts that begin alike to the place where they part.
func (f *failure) bring() {
	e := slices.IndexFunc(f.rows, func(r row) bool { return r.role == expected })
	g := slices.IndexFunc(f.rows, func(r row) bool { return r.role == got })
	if e >= 0 && g >= 0 {
		f.rows[e].text, f.rows[g].text = difference(Terminal(f.rows[e].text), Terminal(f.rows[g].text), 120)
	}
}

// reasonsOf are the scores that say wrong, then those with trouble.
func reasonsOf(scores []harness.Score) []row {
	var out, errs []row
	for _, s := range scores {
		switch {
		case s.Error != nil:
			errs = append(errs, row{trouble, clipped(s.Name), strings.Clone(ends(errorText(s.Error), maxKept))})
		case s.Pass != nil && !*s.Pass:
			text := s.Reason
			if text == "" {
				text = "no reason given"
			}
			if s.Value != 0 {
				text = "(" + score(s.Value) + ") " + text
			}
			out = append(out, row{reason, clipped(s.Name), clipped(text)})
		}
	}
	return append(out, errs...)
}

// whichTrials tells in which of its trials a case is wrong.
func whichTrials(trials []harness.Result, planned int) string {
	wrong, first := 0, 0
	for _, r := range trials {
		if r.Failed() {
			if wrong++; wrong == 1 {
				first = r.Trial
			}
		}
	}
	switch {
	case planned < 2:
		return ""
	case wrong == planned && planned == 2:
		return "wrong in both trials"
	case wrong == planned:
		return fmt.Sprintf("wrong in all %d trials", planned)
	case wrong == 1:
		return fmt.Sprintf("wrong in trial %d of %d", first, planned)
	}
	return fmt.Sprintf("wrong in %d of %d trials, first in %d", wrong, planned, first)
}

// lines lays the rows out in a column of labels and one of texts, of width
// columns in all. A text takes two lines at most. Each line is safe to print
// after some mark of ours.
func (f failure) lines(width int) [][]line {
	labels := 0
	for _, r := range f.rows {
		labels = max(labels, columns(safe(r.label, width/4)))
	}
	room := width - labels - 2
	var out [][]line
	for _, r := range f.rows {
		var block []line
		label := safe(r.label, width/4)
		for _, text := range r.wrapped(room) {
			if r.text == "" {
				text = "(empty)"
			}
			block = append(block, line{r.role, label, text})
			label = ""
		}
		out = append(out, block)
	}
	return out
}

// wrapped is the text on two lines at most.
func (r row) wrapped(width int) []string {
	if r.role == trouble {
		return wrapEnds(message(r.text), width, 2)
	}
	return wrap(Terminal(clip(r.text, 32*width+64)), width, 2)
}

// line is one laid out line of a failure.
type line struct {
	role        role
	label, text string
}

// labelColumns is how wide the labels of laid out lines are.
func labelColumns(blocks [][]line) int {
	widest := 0
	for _, block := range blocks {
		for _, l := range block {
			widest = max(widest, columns(l.label))
		}
	}
	return widest
}
