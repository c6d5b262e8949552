package retell

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// outcome is what became of one test case of a batch: a run that passed or failed,
// or why there is none.
type outcome struct {
	run TestRun
	err error
}

// listed is what the runs of a batch come to.
type listed struct {
	// outcomes by definition; those that are open have none.
	outcomes map[string]outcome
	// open is how many runs have not ended.
	open int
	// doubtful: something does not fit together.
	doubtful bool
	warnings []string
	// tally says how many runs there are of each status.
	tally string
}

// examine sets the runs of a batch against what was asked for and what the batch
// counts.
func examine(r *record, b BatchTest, runs []TestRun) listed {
	l := listed{outcomes: map[string]outcome{}}
	asked, statuses, byCase := r.Intent.counts(), map[string]int{}, map[string][]TestRun{}
	var strange []string
	for _, run := range runs {
		statuses[run.Status]++
		if asked[run.DefinitionID] == 0 {
			strange = append(strange, run.ID+" of test case "+run.DefinitionID)
			continue
		}
		byCase[run.DefinitionID] = append(byCase[run.DefinitionID], run)
	}
	l.tally = tally(statuses)
	for id := range asked {
		l.outcomes[id] = judge(b.ID, byCase[id])
		if errors.Is(l.outcomes[id].err, errOpen) {
			l.open++
			delete(l.outcomes, id)
		}
		l.doubtful = l.doubtful || len(byCase[id]) != 1
	}
	if !b.Finished() {
		for id := range asked { // it may still come
			if len(byCase[id]) == 0 {
				l.open++
				delete(l.outcomes, id)
			}
		}
	}
	if len(strange) > 0 {
		l.warn("batch %s has %d runs of test cases that it was not asked for: %s", b.ID, len(strange), some(strange))
	}
	l.count(b, len(asked), statuses)
	return l
}

// count sets what the batch counts against its runs.
func (l *listed) count(b BatchTest, asked int, statuses map[string]int) {
	counts := fmt.Sprintf("batch %s counts %d passed, %d failed and %d errors of %d", b.ID, b.PassCount, b.FailCount, b.ErrorCount, b.TotalCount)
	if b.TotalCount != asked {
		l.warn("%s, and has %d test cases", counts, asked)
	}
	if l.open > 0 || !b.Finished() {
		return // the counts are from before the runs were listed
	}
	if b.PassCount+b.FailCount+b.ErrorCount != b.TotalCount {
		l.warn("%s, which do not add up", counts)
	}
	if b.PassCount != statuses[StatusPass] || b.FailCount != statuses[StatusFail] || b.ErrorCount != statuses[StatusError] {
		l.warn("%s, and its runs are %s", counts, l.tally)
	}
	if b.PassCount >= statuses[StatusPass] {
		return
	}
	for id, o := range l.outcomes { // which of them are none is not known
		if o.err == nil && o.run.Status == StatusPass {
			l.outcomes[id] = outcome{err: fmt.Errorf("retell: test run %s passed, but %s, and its runs are %s: no pass of it counts", o.run.ID, counts, l.tally)}
		}
	}
}

func (l *listed) warn(format string, args ...any) {
	l.doubtful = true
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

// errOpen: the run has no result yet.
var errOpen = errors.New("the run has not ended")

// judge makes an outcome of the runs of one test case, of which there should be one.
func judge(batch string, runs []TestRun) outcome {
	switch {
	case len(runs) == 0:
		return outcome{err: fmt.Errorf("retell: batch %s is complete, and has no run of this test case", batch)}
	case len(runs) > 1:
		var names []string
		for _, r := range runs {
			names = append(names, r.ID+" ("+quoted(r.Status)+")")
		}
		return outcome{err: fmt.Errorf("retell: batch %s has %d runs of this test case in the place of one: %s", batch, len(runs), some(names))}
	}
	r := runs[0]
	switch {
	case !r.Finished():
		return outcome{err: errOpen}
	case r.Status != StatusError:
		return outcome{run: r}
	case r.Explanation != nil && *r.Explanation != "":
		return outcome{err: fmt.Errorf("retell: test run %s ended as an error: %s", r.ID, *r.Explanation)}
	}
	return outcome{err: fmt.Errorf("retell: test run %s ended as an error, without an explanation", r.ID)}
}

// tally is such as "3 pass, 1 fail".
func tally(statuses map[string]int) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(statuses)) {
		parts = append(parts, strconv.Itoa(statuses[s])+" "+quoted(s))
	}
	if len(parts) == 0 {
		return "it lists no runs"
	}
	return strings.Join(parts, ", ")
}

// quoted shows a status; one that is not known in quotes.
func quoted(status string) string {
	switch status {
	case StatusPending, StatusInProgress, StatusPass, StatusFail, StatusError, StatusComplete:
		return status
	}
	return strconv.Quote(status)
}
