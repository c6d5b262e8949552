package sgp

import (
	"context"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
)

// found is what the platform has of some results of this run.
type found struct {
	ids map[harness.Key][]string
	// keyless counts the results without a run key, by test case: made by others,
	// or given back without it.
	keyless map[string]int
}

// find looks for results of this run on the platform. The listing is made again
// when it changes under our eyes.
func (r *posting) find(ctx context.Context, wanted []harness.Key) (found, error) {
	const tries = 3
	want := make(map[harness.Key]bool, len(wanted))
	cases := make(map[string]bool, len(wanted))
	for _, k := range wanted {
		want[k], cases[k.Case] = true, true
	}
	for try := 1; ; try++ {
		f := found{ids: map[harness.Key][]string{}, keyless: map[string]int{}}
		var failed error
		for res, err := range r.Client.AllResults(ctx, r.EvaluationID) {
			if err != nil {
				failed = err
				break
			}
			key, ok := res.TestCaseEvaluationData.RunKey()
			k := harness.Key{Case: key.Case, Trial: key.Trial}
			switch {
			case !ok && cases[res.TestCaseID]:
				f.keyless[res.TestCaseID]++
			case ok && key.Run == r.RunID && want[k]:
				f.ids[k] = append(f.ids[k], res.ID)
			}
		}
		if failed == nil || try == tries || !errors.Is(failed, ErrChanged) {
			return f, failed
		}
	}
}

// reconcile finds out what became of results that were claimed and never
// settled. What the platform has is posted, the rest is pending again. It gives
// how many are there more than once.
func (r *posting) reconcile(ctx context.Context) (duplicates int, err error) {
	unsettled, err := r.Outbox.Unsettled(ctx)
	if err != nil {
		return 0, fmt.Errorf("read what is not settled: %w", err)
	}
	if len(unsettled) == 0 {
		return 0, nil
	}
	f, err := r.find(ctx, unsettled)
	if err != nil {
		return 0, fmt.Errorf("look up what became of %d results: %w", len(unsettled), err)
	}
	var receipts []harness.Receipt
	unknown := 0
	for _, k := range unsettled {
		ids := f.ids[k]
		switch {
		case len(ids) > 0:
			receipts = append(receipts, harness.Receipt{Key: k, State: harness.PostPosted, RemoteID: ids[0]})
		case f.keyless[k.Case] > 0:
			unknown++
			continue
		default:
			receipts = append(receipts, harness.Receipt{Key: k, State: harness.PostPending})
		}
		if len(ids) > 1 {
			duplicates++
		}
	}
	if len(receipts) > 0 {
		if err := r.Outbox.Settle(ctx, receipts); err != nil {
			return 0, fmt.Errorf("record what became of %d results: %w", len(receipts), err)
		}
	}
	if unknown > 0 {
		return duplicates, fmt.Errorf("%w: the evaluation has results of the same test cases without the key of a run, for %d that are in doubt; nothing is posted",
			ErrUnknownFate, unknown)
	}
	return duplicates, nil
}

// verdict is what is known of the platform's batches.
type verdict int

const (
	unproved verdict = iota
	whole            // a refused batch leaves nothing behind
	parted           // a refused batch was taken in part
)

// learn notes what a batch has shown. That one was taken in part stands.
func (r *posting) learn(v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batches != parted {
		r.batches = v
	}
}

// leftOver gives the items of a refused batch that the platform does not have.
// No document says whether a refused batch leaves a part behind, so it is looked
// up until it is proved that it does not: by a batch of which nothing is there
// though it began with items that are good. Results of the same test cases
// without a run key may be these items, so they leave it unknown. On an error the
// items stay marked as posting.
func (r *posting) leftOver(items []item) ([]item, error) {
	r.mu.Lock()
	known := r.batches
	r.mu.Unlock()
	if known == whole || len(items) == 1 {
		return items, nil
	}
	f, err := r.find(r.ctx, keys(items))
	if err != nil {
		return items, err
	}
	for _, it := range items {
		if len(f.ids[it.key]) == 0 && f.keyless[it.key.Case] > 0 {
			return items, fmt.Errorf("%w: the evaluation has results of test case %q without the key of a run", ErrUnknownFate, it.key.Case)
		}
	}
	if len(f.ids) == 0 {
		return items, nil
	}
	r.learn(parted)
	var rest []item
	var receipts []harness.Receipt
	for _, it := range items {
		if ids := f.ids[it.key]; len(ids) > 0 {
			receipts = append(receipts, harness.Receipt{Key: it.key, State: harness.PostPosted, RemoteID: ids[0]})
		} else {
			rest = append(rest, it)
		}
	}
	r.settle(receipts)
	return rest, nil
}
