package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// musts is what became of the cases that must pass.
type musts struct {
	MustPass
	seen, passed    int64
	verdicts        int64    // scores that pass
	failed, unknown []string // IDs, the first few
	missing         map[string]bool
	quarantine      map[string]harness.Quarantined
	excused         []string // IDs that are in it
}

// someCases is how many IDs a reason names.
const someCases = 5

func newMusts(m MustPass, quarantine map[string]harness.Quarantined) *musts {
	out := &musts{MustPass: m, missing: map[string]bool{}, quarantine: quarantine}
	for _, id := range m.Cases {
		out.missing[id] = true
	}
	return out
}

func (m *musts) add(c compare.Case) {
	named := m.All || slices.Contains(m.Cases, c.ID)
	if !named && (m.Slice == (Slice{}) || !m.Slice.has(c.Metadata)) {
		return
	}
	delete(m.missing, c.ID)
	if _, ok := m.quarantine[c.ID]; ok {
		m.excused = append(m.excused, strconv.Quote(c.ID))
		return
	}
	m.seen++
	verdict := harness.Pass
	for _, t := range c.Trials {
		if v := m.trial(t); rank(v) > rank(verdict) {
			verdict = v
		}
	}
	switch verdict {
	case harness.Pass:
		m.passed++
	case harness.Fail:
		m.failed = append(m.failed, strconv.Quote(c.ID))
	default:
		m.unknown = append(m.unknown, strconv.Quote(c.ID))
	}
}

// trial judges one trial. One without any verdict proves nothing, except where all
// cases are looked at: then some other one has to have a verdict.
func (m *musts) trial(t compare.Trial) harness.Verdict {
	if t.Error != "" {
		return harness.Fail
	}
	verdicts, missing := 0, false
	for name, s := range t.Scores {
		if len(m.Metrics) > 0 && !slices.Contains(m.Metrics, name) {
			continue
		}
		switch {
		case s.Missing:
			missing = true
		case s.Pass == nil:
		case !*s.Pass:
			return harness.Fail
		default:
			verdicts++
		}
	}
	m.verdicts += int64(verdicts)
	if missing || verdicts == 0 && !m.All || verdicts < len(m.Metrics) {
		return harness.Inconclusive
	}
	return harness.Pass
}

// mustPass decides the check.
func (c Check) mustPass(m *musts) harness.CheckResult {
	out := harness.CheckResult{Check: c.Text, Verdict: harness.Pass}
	var said []string
	say := func(ids []string, what string) {
		if len(ids) > 0 {
			said = append(said, fmt.Sprintf("%s %s: %s", count(int64(len(ids)), "case"), what, some(ids)))
		}
	}
	missing := make([]string, 0, len(m.missing))
	for id := range m.missing {
		missing = append(missing, strconv.Quote(id))
	}
	slices.Sort(missing)
	say(m.failed, "failed")
	say(m.unknown, "could not be judged")
	say(missing, "not in the run")
	if len(said) == 0 && m.seen > 0 && m.verdicts == 0 {
		return c.unknown("no evaluator says whether an answer is right")
	}
	switch {
	case len(m.failed) > 0:
		out.Verdict = harness.Fail
	case len(said) > 0 || m.seen == 0 && !(m.All && len(m.excused) > 0):
		out.Verdict = harness.Inconclusive
	}
	if len(said) == 0 {
		said = []string{fmt.Sprintf("%s of %s passed in every trial", thousands(m.passed), count(m.seen, "case"))}
	}
	say(m.excused, "in quarantine and left out")
	out.Reason = strings.Join(said, "; ")
	return out
}

// some names the first of a list.
func some(ids []string) string { return someOf(ids, int64(len(ids))) }

// someOf names the first of so many, of which the list need not have all.
func someOf(ids []string, all int64) string {
	shown := ids[:min(len(ids), someCases)]
	text := strings.Join(shown, ", ")
	if more := all - int64(len(shown)); more > 0 {
		text += fmt.Sprintf(" and %s more", thousands(more))
	}
	return text
}
