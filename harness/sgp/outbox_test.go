package sgp_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// outbox is an Outbox in memory that can be looked into.
type outbox struct {
	mu      sync.Mutex
	results []harness.Result
	state   map[harness.Key]harness.Receipt
	err     error // of Settle
	audits  []harness.Audit
}

func newOutbox(results ...harness.Result) *outbox {
	o := &outbox{state: map[harness.Key]harness.Receipt{}}
	o.add(results...)
	return o
}

func (o *outbox) add(results ...harness.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range results {
		o.results = append(o.results, r)
		o.state[r.Key()] = harness.Receipt{Key: r.Key(), State: harness.PostPending}
	}
}

func (o *outbox) Claim(_ context.Context, n int) ([]harness.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []harness.Result
	for _, r := range o.results {
		if len(out) < n && o.state[r.Key()].State == harness.PostPending {
			o.state[r.Key()] = harness.Receipt{Key: r.Key(), State: harness.PostPosting}
			out = append(out, r)
		}
	}
	return out, nil
}

func (o *outbox) Settle(_ context.Context, receipts []harness.Receipt) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	for _, r := range receipts {
		if was := o.state[r.Key].State; was != harness.PostPosting {
			return fmt.Errorf("%v is %s", r.Key, was)
		}
		o.state[r.Key] = r
	}
	return nil
}

func (o *outbox) Unsettled(context.Context) ([]harness.Key, error) {
	return o.in(harness.PostPosting), nil
}

// Audit counts like the store does, by going through the whole list for each
// result.
func (o *outbox) Audit(_ context.Context, list iter.Seq2[[]harness.Listed, error]) (harness.Audit, error) {
	var all []harness.Listed
	for listed, err := range list {
		if err != nil {
			return harness.Audit{}, err
		}
		all = append(all, listed...)
	}
	slices.SortFunc(all, func(a, b harness.Listed) int {
		return cmp.Or(cmp.Compare(a.RemoteID, b.RemoteID), cmp.Compare(a.Key.Case, b.Key.Case), cmp.Compare(a.Key.Trial, b.Key.Trial))
	})
	all = slices.Compact(all)
	a := harness.Audit{At: time.Now()}
	ours := 0
	for _, k := range o.in(harness.PostPosted) {
		n := 0
		for _, l := range all {
			if l.Key == k {
				n++
				ours++
			} else if l == (harness.Listed{RemoteID: o.state[k].RemoteID}) {
				n++
			}
		}
		a.Found += int64(min(n, 1))
		a.Lost += int64(1 - min(n, 1))
		a.Duplicated += int64(max(n-1, 0))
	}
	for _, l := range all {
		if l.Key != (harness.Key{}) {
			a.Unexpected++
		}
	}
	a.Unexpected -= int64(ours)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.audits = append(o.audits, a)
	return a, nil
}

// in lists the results in a state, in order.
func (o *outbox) in(s harness.PostState) []harness.Key {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []harness.Key
	for _, r := range o.results {
		if o.state[r.Key()].State == s {
			out = append(out, r.Key())
		}
	}
	return out
}

func (o *outbox) counts() map[harness.PostState]int {
	out := map[harness.PostState]int{}
	for _, s := range []harness.PostState{harness.PostPending, harness.PostPosting, harness.PostPosted, harness.PostRejected} {
		if n := len(o.in(s)); n > 0 {
			out[s] = n
		}
	}
	return out
}

func answered(id string, trial int, text string) harness.Result {
	return harness.Result{
		Case: harness.Case{ID: id, Input: "q"}, Trial: trial, Output: &harness.Output{Value: text},
		Scores: []harness.Score{{Name: "equals", Value: 1}},
	}
}

func many(n int) []harness.Result {
	out := make([]harness.Result, n)
	for i := range out {
		out[i] = answered("tc_"+strconv.Itoa(i), 1, "a"+strconv.Itoa(i))
	}
	return out
}

func (p *platform) publisher(o harness.Outbox) *sgp.Publisher {
	return &sgp.Publisher{
		Client: p.client(), Outbox: o, RunID: "RUN", EvaluationID: "ev_1", ApplicationSpecID: "as_1", DatasetVersion: "3",
	}
}

// audit compares the platform with the outbox: what is posted is there once, and
// what is not is not there, but for what is in doubt.
func audit(t require.TestingT, p *platform, o *outbox) {
	there := map[harness.Key][]string{}
	for _, r := range p.results {
		k, ok := r.TestCaseEvaluationData.RunKey()
		require.True(t, ok)
		key := harness.Key{Case: k.Case, Trial: k.Trial}
		there[key] = append(there[key], r.ID)
	}
	for key, receipt := range o.state {
		switch receipt.State {
		case harness.PostPosted:
			assert.Equal(t, []string{receipt.RemoteID}, there[key], "%v", key)
		case harness.PostPosting:
			assert.LessOrEqual(t, len(there[key]), 1, "%v", key)
		default:
			assert.Empty(t, there[key], "%v is %s", key, receipt.State)
		}
	}
}
