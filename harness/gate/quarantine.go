package gate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

const nameQuarantine = "quarantine"

// mostQuarantined is the share of a run's cases that may be in quarantine. One case
// always may.
const mostQuarantined = 0.05

// QuarantineOptions are the cases as a suite has them.
type QuarantineOptions struct {
	Case   string `yaml:"case" jsonschema:"required,minLength=1" jsonschema_description:"The case's ID."`
	Until  string `yaml:"until" jsonschema:"required,format=date" jsonschema_description:"The last day of it, such as 2026-12-31, in UTC."`
	Reason string `yaml:"reason" jsonschema:"required,minLength=1" jsonschema_description:"Why, for whoever reads the report."`
}

// QuarantineOf reads a suite's list of cases in quarantine. Errors have their place.
func QuarantineOf(n strict.Node) (Check, error) {
	var items []QuarantineOptions
	if err := n.Decode(&items); err != nil {
		return Check{}, err
	}
	c := Check{Text: nameQuarantine + ": " + n.Flow()}
	first := map[string]strict.Node{}
	var errs []error
	for i, item := range items {
		at := n.Items()[i]
		if !at.Given() {
			errs = append(errs, at.Errorf("expected {case: ID, until: 2026-12-31, reason: TEXT}, found nothing"))
			continue
		}
		for _, field := range []struct{ key, value string }{{"case", item.Case}, {"until", item.Until}, {"reason", item.Reason}} {
			if strings.TrimSpace(field.value) == "" && at.Get(field.key).Given() {
				errs = append(errs, at.Get(field.key).Errorf("%s is empty", field.key))
			}
		}
		until := at.Get("until")
		if _, err := time.Parse(time.DateOnly, item.Until); err != nil && until.Given() {
			errs = append(errs, until.Errorf("expected a day such as 2026-12-31, found %s", strict.Quote(item.Until)))
		}
		id := at.Get("case")
		if was, twice := first[item.Case]; twice {
			errs = append(errs, id.Errorf("case %s is in quarantine twice; the first time at %d:%d", strict.Quote(item.Case), was.Line, was.Column))
		}
		first[item.Case] = id
		c.Quarantine = append(c.Quarantine, harness.Quarantined{Case: item.Case, Until: item.Until, Reason: item.Reason})
	}
	if len(items) == 0 && len(errs) == 0 {
		errs = append(errs, n.Errorf("expected a list of {case: ID, until: 2026-12-31, reason: TEXT}"))
	}
	return c, strict.Join(errs...)
}

// QuarantineLimit is how many of so many cases may be in quarantine.
func QuarantineLimit(cases int64) int64 {
	return max(1, int64(mostQuarantined*float64(cases)+1e-9))
}

// quarantine is what becomes of the cases that a suite has in it.
type quarantine struct {
	active  map[string]harness.Quarantined
	expired []harness.Quarantined
	seen    map[string]bool // those of active that the run has
	cases   int64           // of the run
}

// Quarantined are the IDs of the cases that these checks have in quarantine in a run
// that begins at a time.
func Quarantined(checks []Check, at time.Time) map[string]bool {
	ids := map[string]bool{}
	for id := range newQuarantine(checks, at).active {
		ids[id] = true
	}
	return ids
}

// newQuarantine sorts them by whether they had ended when the run began.
func newQuarantine(checks []Check, at time.Time) *quarantine {
	q := &quarantine{active: map[string]harness.Quarantined{}, seen: map[string]bool{}}
	for _, c := range checks {
		for _, one := range c.Quarantine {
			last, err := time.Parse(time.DateOnly, one.Until)
			if err == nil && !at.Before(last.AddDate(0, 0, 1)) {
				q.expired = append(q.expired, one)
				continue
			}
			q.active[one.Case] = one
		}
	}
	return q
}

func (q *quarantine) add(id string) {
	q.cases++
	if _, ok := q.active[id]; ok {
		q.seen[id] = true
	}
}

// report lists them in the report, and warns of those that do nothing any more.
func (q *quarantine) report(r *harness.Report, partial bool) {
	r.Quarantine = nil
	for _, id := range slices.Sorted(maps.Keys(q.active)) {
		if q.seen[id] {
			r.Quarantine = append(r.Quarantine, q.active[id])
		} else if !partial {
			r.Warnings = addOnce(r.Warnings, fmt.Sprintf("case %q is in quarantine and not in the run", id))
		}
	}
	for _, one := range q.expired {
		r.Warnings = addOnce(r.Warnings, fmt.Sprintf("the quarantine of case %q has ended on %s: it counts again (%s)", one.Case, one.Until, one.Reason))
	}
}

// quarantined decides whether there are too many, and names them. Of a part of the
// suite's cases that can't be said.
func (c Check) quarantined(e *Evidence) harness.CheckResult {
	q := e.quarantine
	var said []string
	for _, id := range slices.Sorted(maps.Keys(q.seen)) {
		one := q.active[id]
		said = append(said, fmt.Sprintf("%s until %s (%s)", strconv.Quote(id), one.Until, one.Reason))
	}
	out := harness.CheckResult{Check: nameQuarantine, Verdict: harness.Pass}
	n, limit := int64(len(said)), QuarantineLimit(q.cases)
	value := float64(n)
	out.Value = &value
	out.Reason = fmt.Sprintf("%s of %s fail nothing by themselves, and count in the means", thousands(n), count(q.cases, "case"))
	if n > limit && !e.sources.Partial {
		out.Verdict = harness.Inconclusive
		out.Reason = fmt.Sprintf("%s of %s are in quarantine, and 5%% may be, which is %s: what is left shows too little",
			thousands(n), count(q.cases, "case"), thousands(limit))
	}
	if n > 0 {
		out.Reason += ": " + some(said)
	}
	return out
}
