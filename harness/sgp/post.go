package sgp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// part is a batch, or what is left of a refused one.
type part struct {
	items []item
	// proof: the platform took nothing of the refused batch that this was the
	// beginning of. When it takes this, it takes batches whole or not at all.
	proof int // the status that it was refused with; 0: no proof
}

// sending is one batch on its way.
type sending struct {
	*posting
	whole  []item // the batch as it was at first
	taken  bool   // the platform has some of it
	unsure bool   // it is not known what it has of the rest, or some was not sent
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
		if r.unsure || r.stopped() != nil || r.ctx.Err() != nil {
			r.unsure = true
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
		if err == nil {
			err = r.accepted(next.items, out)
		}
		switch {
		case err == nil:
			if next.proof != 0 {
				r.learn(next.proof, whole)
			}
		case Ambiguous(err):
			r.unsure = true
			r.park(keys(next.items), err)
		default:
			todo = append(todo, r.refused(next.items, err)...)
		}
	}
}

// send makes the request, while no look is under way.
func (r *posting) send(items []item) ([]TestCaseResult, error) {
	if err := r.sends.Acquire(r.ctx, 1); err != nil {
		return nil, context.Cause(r.ctx)
	}
	defer r.sends.Release(1)
	defer r.sentAgain(items)
	data := make([]json.RawMessage, len(items))
	for i, it := range items {
		data[i] = it.data
	}
	return batch[TestCaseResult](r.ctx, r.Client, "create results in evaluation "+r.EvaluationID, data,
		"evaluations", r.EvaluationID, "test-case-results", "batch")
}

// sentAgain notes when something was sent that had been in doubt.
func (r *posting) sentAgain(items []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range items {
		if _, again := r.again[it.key]; again {
			r.resent = time.Now()
			return
		}
	}
}

// accepted settles a batch that the platform took, by what it gave back. After an
// error it is not known what it took.
func (r *sending) accepted(items []item, out []TestCaseResult) error {
	ids, err := match(items, out)
	if err != nil {
		return err
	}
	r.taken = true
	receipts := make([]harness.Receipt, len(items))
	for i, it := range items {
		receipts[i] = harness.Receipt{Key: it.key, State: harness.PostPosted, RemoteID: ids[i]}
	}
	r.mu.Lock()
	r.progress()
	for _, it := range items {
		delete(r.again, it.key)
	}
	r.mu.Unlock()
	r.settle(receipts)
	r.convict()
	return nil
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
