package sgp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/evalrun/evalrun/harness"
)

// refusals are what a posting has learnt from refused batches; posting.mu guards
// it.
//
// A refusal that names no item may be about the item or about what all of them
// share: an evaluation that is archived, a version that is not published. The item
// is to blame when the platform takes others. So an item that is refused alone is
// rejected when another of its batch was taken; when none was, it is held until
// the platform takes anything. When it takes nothing while alikeItems of several
// batches are refused for the same reason, the posting ends, and none of them is
// rejected.
type refusals struct {
	batches map[int]verdict // by status, whether a refused batch leaves nothing behind
	took    bool            // it took something in this posting
	held    []harness.Receipt
	heldOf  int // batches
}

const alikeItems = 10

// finish settles the items that were refused alone. They go back when it is not
// known what the others of the batch would have met with.
func (r *sending) finish() {
	if len(r.alone) == 0 {
		return
	}
	other := func(a harness.Receipt) bool { return a.Message != r.alone[0].Message }
	switch {
	case r.unsure || r.stopped() != nil:
		r.release(receiptKeys(r.alone))
	case r.taken || slices.ContainsFunc(r.alone, other):
		r.settle(r.alone)
	default:
		r.hold()
	}
}

// hold keeps a batch of which each item was refused for the same reason, until
// there are several.
func (r *sending) hold() {
	message := r.alone[0].Message
	r.mu.Lock()
	differs := len(r.held) > 0 && r.held[0].Message != message
	r.held = append(r.held, r.alone...)
	r.heldOf++
	n, stop := len(r.held), r.heldOf > 1 && len(r.held) >= alikeItems
	r.mu.Unlock()
	switch {
	case differs: // the reasons are the items' own
		r.settle(r.takeHeld())
	case stop:
		r.stop(refusedAlike(n, message))
	}
}

func refusedAlike(n int, message string) error {
	return fmt.Errorf("the platform refuses each of %d results alike, so nothing is rejected: %s", n, message)
}

func (r *posting) takeHeld() []harness.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := r.held
	r.held, r.heldOf = nil, 0
	return held
}

// convict rejects the held items, since the platform takes others.
func (r *posting) convict() {
	r.mu.Lock()
	r.took = true
	r.mu.Unlock()
	r.settle(r.takeHeld())
}

// closeRefusals decides on what is held when nothing else is to be sent: it is
// rejected if the platform took anything of the run before.
func (r *posting) closeRefusals(ctx context.Context) error {
	held := r.takeHeld()
	if len(held) == 0 {
		return nil
	}
	if !r.took {
		if err := r.lookForAny(ctx); err != nil {
			r.release(receiptKeys(held))
			return fmt.Errorf("find out whether %d results that the platform refuses are to blame: %w", len(held), err)
		}
	}
	if !r.took {
		r.release(receiptKeys(held))
		return refusedAlike(len(held), held[0].Message)
	}
	r.settle(held)
	return nil
}

// lookForAny notes whether the platform has any result of the run.
func (r *posting) lookForAny(ctx context.Context) error {
	return r.readList(ctx, func(results []listedResult) error {
		for _, res := range results {
			r.took = r.took || res.keyed && res.key.Run == r.RunID
		}
		return nil
	})
}

// dropRefusals makes what is held pending again.
func (r *posting) dropRefusals() { r.release(receiptKeys(r.takeHeld())) }

func receiptKeys(receipts []harness.Receipt) []harness.Key {
	out := make([]harness.Key, len(receipts))
	for i, r := range receipts {
		out[i] = r.Key
	}
	return out
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
		r.stop(err) // first, so that nothing claims what is released
		r.release(keys(items))
		return nil
	}
	complaints := complaintsOf(e, items)
	r.answered()
	left, unknown := r.leftOver(items, e.Status)
	untouched := len(left) == len(items)
	switch {
	case unknown != nil:
		r.unsure = true
		r.park(keys(items), unknown)
		return nil
	case aboutRequest(e):
		r.stop(err)
		r.release(keys(left))
		return nil
	case len(complaints) > 0:
		if _, first := complaints[items[0].key]; !first && untouched {
			r.learn(e.Status, whole)
		}
		return []part{{items: r.reject(left, complaints)}}
	case len(items) == 1:
		r.alone = append(r.alone, harness.Receipt{Key: items[0].key, State: harness.PostRejected, Message: reasonOf(e)})
		return nil
	}
	half := len(left) / 2
	proof := 0
	if untouched {
		proof = e.Status
	}
	return []part{{items: left[half:]}, {items: left[:half], proof: proof}}
}

// verdict is what is known of the platform's batches.
type verdict int

const (
	unproved verdict = iota
	whole            // a refused batch leaves nothing behind
	parted           // a refused batch was taken in part
)

// learn notes what a batch refused with a status has shown. That one was taken in
// part stands. Statuses differ: a batch that is too large may never be looked into,
// while one with a bad item is taken up to that.
func (r *posting) learn(status int, v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batches == nil {
		r.batches = map[int]verdict{}
	}
	if r.batches[status] != parted {
		r.batches[status] = v
	}
}

// leftOver gives the items of a refused batch that the platform does not have.
// No document says whether a refused batch leaves a part behind, so it is looked
// up until it is proved that it does not: by a batch of which nothing is there
// though it began with items that are good. Results of the same test cases
// without a run key may be these items, so they leave it unknown.
func (r *sending) leftOver(items []item, status int) ([]item, error) {
	r.mu.Lock()
	known := r.batches[status]
	r.mu.Unlock()
	if known == whole || len(items) == 1 {
		return items, nil
	}
	f, err := r.find(r.ctx, keys(items))
	if err != nil {
		return items, err
	}
	for _, it := range items {
		if f.ids[it.key] == "" && f.keyless[it.key.Case] {
			return items, fmt.Errorf("%w: the evaluation has results of test case %q without the key of a run", ErrUnknownFate, it.key.Case)
		}
	}
	if len(f.ids) == 0 {
		return items, nil
	}
	r.learn(status, parted)
	r.taken = true
	var rest []item
	var receipts []harness.Receipt
	for _, it := range items {
		if id := f.ids[it.key]; id != "" {
			receipts = append(receipts, harness.Receipt{Key: it.key, State: harness.PostPosted, RemoteID: id})
		} else {
			rest = append(rest, it)
		}
	}
	r.settle(receipts)
	return rest, nil
}
