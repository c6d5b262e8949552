package evaltest

import (
	"context"
	"fmt"
	"sync"

	"github.com/evalrun/evalrun/harness"
)

// budgets are what the benchmarks of this process may spend and have spent, by their
// names: go test calls each several times.
var budgets sync.Map

// budget is what is left of a benchmark's MaxCost.
type budget struct {
	most float64 // US dollars; 0: no limit

	mu      sync.Mutex
	spent   float64
	refused bool
}

func (e *eval) budget() *budget {
	b, _ := budgets.LoadOrStore(e.test, &budget{most: e.MaxCost})
	return b.(*budget)
}

// allow tells whether one call more may be made. What adding up decimal fractions in
// binary takes away is forgiven: ten times 0.1 are 1.
func (b *budget) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = b.refused || b.most > 0 && b.spent >= b.most*(1-1e-9)
	return !b.refused
}

func (b *budget) add(cost float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cost > 0 { // not so for a NaN
		b.spent += cost
	}
}

// passed is the error about a call that was not made.
func (b *budget) passed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.refused {
		return nil
	}
	return fmt.Errorf("the answers of all rounds have cost $%.4g, and Params.MaxCost is $%.4g; a smaller -benchtime, such as 20x, asks fewer cases", b.spent, b.most)
}

// budgeted is an app that is not asked when its budget is spent.
type budgeted struct {
	harness.App
	limit *budget
}

// Respond asks the app.
func (a budgeted) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	if !a.limit.allow() {
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Message: "MaxCost is spent", Permanent: true}
	}
	out, err := a.App.Respond(ctx, in)
	if out.CostUSD != nil {
		a.limit.add(*out.CostUSD)
	}
	return out, err
}
