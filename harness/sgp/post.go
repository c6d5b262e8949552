package sgp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/evalrun/evalrun/harness"
)

// part is a batch, or what is left of a refused one.
type part struct {
	items []item
	// proof: the platform took nothing of the refused batch that this was the
	// beginning of. When it takes this, it takes batches whole or not at all.
	proof bool
}

// sending is one batch on its way.
type sending struct {
	*posting
	whole []item // the batch as it was at first
	// alone are the items that were refused one by one, none of them named. They
	// stay marked as posting until it is known what became of the others.
	alone []harness.Receipt
}

// post sends one batch and deals with what comes back. A refused batch is taken
// apart; the parts are sent one after the other.
func (r *posting) post(items []item) {
	s := &sending{posting: r, whole: items}
	s.run()
	s.finish()
}

func (r *sending) run() {
	todo := []part{{items: r.whole}}
	for len(todo) > 0 {
		if r.stopped() != nil || r.ctx.Err() != nil {
			for _, p := range todo {
				r.release(keys(p.items))
			}
			return
		}
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if len(next.items) == 0 {
			continue
		}
		out, err := r.send(next.items)
		switch {
		case err == nil:
			r.accepted(next.items, out)
			if next.proof {
				r.learn(whole)
			}
		case Ambiguous(err):
			r.stop(fmt.Errorf("whether %d results arrived is not known; that is looked up before anything is posted again: %w", len(next.items), err))
		default:
			todo = append(todo, r.refused(next.items, err)...)
		}
	}
}

// finish settles the items that were refused alone. When all of the batch were,
// and for the same reason, the reason is none of theirs: they go back, and
// posting stops. They go back too when posting has stopped: it is not known then
// what the others would have met with.
func (r *sending) finish() {
	if len(r.alone) == 0 {
		return
	}
	message := r.alone[0].Message
	same := len(r.whole) > 1 && len(r.alone) == len(r.whole) &&
		!slices.ContainsFunc(r.alone, func(a harness.Receipt) bool { return a.Message != message })
	if same {
		r.stop(fmt.Errorf("the platform refuses each of %d results alike, so nothing is rejected: %s", len(r.whole), message))
	}
	if same || r.stopped() != nil || r.ctx.Err() != nil {
		for i := range r.alone {
			r.alone[i] = harness.Receipt{Key: r.alone[i].Key, State: harness.PostPending}
		}
	}
	r.settle(r.alone)
}

func (r *posting) send(items []item) ([]TestCaseResult, error) {
	data := make([]json.RawMessage, len(items))
	for i, it := range items {
		data[i] = it.data
	}
	return batch[TestCaseResult](r.ctx, r.Client, "create results in evaluation "+r.EvaluationID, data,
		"evaluations", r.EvaluationID, "test-case-results", "batch")
}

// accepted settles a batch that the platform took, by what it gave back.
func (r *posting) accepted(items []item, out []TestCaseResult) {
	ids, err := match(items, out)
	if err != nil {
		r.stop(err)
		return
	}
	receipts := make([]harness.Receipt, len(items))
	for i, it := range items {
		receipts[i] = harness.Receipt{Key: it.key, State: harness.PostPosted, RemoteID: ids[i]}
	}
	r.settle(receipts)
}

// match finds the ID of each item among the results that came back, in whatever
// order: by run key where it is echoed, by test case where it is not.
func match(items []item, out []TestCaseResult) ([]string, error) {
	byCase := map[string][]TestCaseResult{}
	for _, res := range out {
		byCase[res.TestCaseID] = append(byCase[res.TestCaseID], res)
	}
	ids := make([]string, len(items))
	for i, it := range items {
		left := byCase[it.key.Case]
		at := slices.IndexFunc(left, func(res TestCaseResult) bool {
			key, ok := res.TestCaseEvaluationData.RunKey()
			return !ok || key.Run == it.run.Run && key.Trial == it.run.Trial
		})
		if at < 0 {
			return nil, fmt.Errorf("%w: no result for test case %q came back", ErrUnknownFate, it.key.Case)
		}
		ids[i] = left[at].ID
		byCase[it.key.Case] = slices.Delete(left, at, at+1)
	}
	return ids, nil
}

// refused deals with a batch that the platform certainly did not take as it was,
// and gives the parts that are to be sent again, the last of them first.
func (r *sending) refused(items []item, err error) []part {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{}
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
	default: // not about items: nothing was sent, or nobody may post
		r.release(keys(items))
		r.stop(err)
		return nil
	}
	complaints := complaintsOf(e, items)
	left, unknown := r.leftOver(items)
	untouched := len(left) == len(items)
	switch {
	case unknown != nil:
		r.stop(fmt.Errorf("whether %d results arrived is not known: %w", len(items), unknown))
		return nil
	case aboutRequest(e, len(items)):
		r.release(keys(left))
		r.stop(err)
		return nil
	case len(complaints) > 0:
		if _, first := complaints[items[0].key]; !first && untouched {
			r.learn(whole)
		}
		return []part{{items: r.reject(left, complaints)}}
	case len(items) == 1:
		r.alone = append(r.alone, harness.Receipt{Key: items[0].key, State: harness.PostRejected, Message: e.Message})
		return nil
	}
	half := len(left) / 2
	return []part{{items: left[half:]}, {items: left[:half], proof: untouched}}
}

// reject settles the items with a complaint and gives the others.
func (r *posting) reject(items []item, complaints map[harness.Key]string) []item {
	var receipts []harness.Receipt
	var rest []item
	for _, it := range items {
		if message, bad := complaints[it.key]; bad {
			receipts = append(receipts, harness.Receipt{Key: it.key, State: harness.PostRejected, Message: r.Client.http.Clean(message)})
		} else {
			rest = append(rest, it)
		}
	}
	r.settle(receipts)
	return rest
}

// complaintsOf finds the items that a 422 names, with what it says about them;
// none when it names none, or one that is not there.
func complaintsOf(e *Error, items []item) map[harness.Key]string {
	var body HTTPValidationError
	if e.Status != http.StatusUnprocessableEntity || json.Unmarshal(e.Body, &body) != nil {
		return nil
	}
	out := map[harness.Key]string{}
	for _, d := range body.Detail {
		i, ok := d.Item()
		if !ok || i >= len(items) {
			return nil
		}
		message := d.Msg
		for k := len(d.Loc) - 1; k >= 2; k-- {
			message = fmt.Sprint(d.Loc[k]) + ": " + message
		}
		key := items[i].key
		if out[key] != "" {
			message = out[key] + "; " + message
		}
		out[key] = message
	}
	return out
}

// aboutRequest tells whether a 422 complains about the request and not about its
// n items: about the path, a header or the query, or about what all items of a
// run share. Then the configuration is wrong. A complaint about the body as a
// whole may be about its size, so more than one item may do better apart.
func aboutRequest(e *Error, n int) bool {
	var body HTTPValidationError
	if e.Status != http.StatusUnprocessableEntity || json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	return slices.ContainsFunc(body.Detail, func(d ValidationError) bool {
		switch {
		case len(d.Loc) == 0:
			return false // it says nothing
		case len(d.Loc) == 1 && d.Loc[0] == "body":
			return n == 1
		}
		if _, ok := d.Item(); !ok {
			return true
		}
		return len(d.Loc) > 2 && slices.Contains([]any{"application_spec_id", "evaluation_dataset_version_num", "account_id"}, d.Loc[2])
	})
}
