package sgp

import (
	"errors"
	"fmt"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// judge settles what was in doubt when a look began: what was found is posted;
// what a look at all of the list has not found, and can't come any more, is pending
// again.
func (r *posting) judge(began time.Time, open []*doubt, f found, all bool) {
	var receipts []harness.Receipt
	waiting, wait := 0, time.Duration(0)
	r.mu.Lock()
	for _, d := range open {
		late := all && began.Sub(d.since) >= r.quiet
		var rest []harness.Key
		for _, k := range d.keys {
			switch id := f.ids[k]; {
			case id != "":
				receipts = append(receipts, harness.Receipt{Key: k, State: harness.PostPosted, RemoteID: id})
				delete(r.again, k)
				r.progress()
			case !late:
				rest = append(rest, k)
			case f.keyless[k.Case]:
				r.unknown = append(r.unknown, k)
			case r.again[k] >= maxSends:
				r.absent = append(r.absent, k)
			default:
				receipts = append(receipts, harness.Receipt{Key: k, State: harness.PostPending})
			}
		}
		d.keys = rest
		if all { // else putOff says when
			d.due = d.since.Add(r.quiet)
		}
		waiting += len(rest)
		if len(rest) > 0 {
			wait = max(wait, time.Until(d.due))
		}
	}
	r.forgetSettled()
	if all {
		r.failed, r.probe = 0, r.row >= inTrouble
	}
	r.mu.Unlock()
	if all && waiting > 0 {
		r.notice("whether %d results arrived is not known: those that the platform does not have in %s are posted again", waiting, wait.Round(time.Second))
	}
	r.settle(receipts)
}

// forgetSettled drops the doubts that have nothing left; r.mu is held.
func (r *posting) forgetSettled() {
	var left []*doubt
	for _, d := range r.open {
		if len(d.keys) > 0 {
			left = append(left, d)
		}
	}
	r.open = left
}

// closeDoubts ends a posting that did all it could: what was not taken goes back
// to pending. An error tells what is left.
func (r *posting) closeDoubts() error {
	r.mu.Lock()
	absent, unknown, cause := r.absent, r.unknown, r.cause
	r.absent = nil
	r.mu.Unlock()
	r.release(absent)
	var errs []error
	if len(absent) > 0 {
		errs = append(errs, fmt.Errorf("%d results were sent %d times and did not arrive; they are pending again: %v", len(absent), maxSends, cause))
	}
	if len(unknown) > 0 {
		errs = append(errs, fmt.Errorf("%w: the evaluation has results of the same test cases without the key of a run, for %d that are in doubt; these are not posted again",
			ErrUnknownFate, len(unknown)))
	}
	return errors.Join(errs...)
}

func (r *posting) notice(format string, args ...any) {
	if r.Notice != nil {
		r.Notice(fmt.Sprintf(format, args...))
	}
}
