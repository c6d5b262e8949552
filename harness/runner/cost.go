package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

var errMaxCost = errors.New("the answers have cost as much as the limit on the cost allows")

// capped is an app that ends the run when its answers have cost enough. Calls
// that are under way then still finish: the limit can be passed by as many.
type capped struct {
	harness.App
	limit float64 // US dollars
	stop  context.CancelCauseFunc

	mu    sync.Mutex
	spent float64
}

// withCostLimit starts from what was spent before.
func withCostLimit(app harness.App, limit, spent float64, stop context.CancelCauseFunc) harness.App {
	if limit <= 0 {
		return app
	}
	return &capped{App: app, limit: limit, spent: spent, stop: stop}
}

// Respond asks the app and adds up the cost.
func (c *capped) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	out, err := c.App.Respond(ctx, in)
	if out.CostUSD != nil && c.add(*out.CostUSD) {
		c.stop(fmt.Errorf("%w: $%.4g", errMaxCost, c.limit))
	}
	return out, err
}

func (c *capped) add(cost float64) (enough bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cost > 0 { // not so for a NaN, which the engine makes an error of
		c.spent += cost
	}
	return reached(c.spent, c.limit)
}

// reached forgives what adding up decimal fractions in binary takes away: ten
// times 0.1 are 1.
func reached(spent, limit float64) bool { return spent >= limit*(1-1e-9) }

// spent is what the stored answers of the resumed run have cost, when somebody
// wants to know.
func (r *runner) spent(ctx context.Context) (float64, error) {
	if r.options.MaxCost <= 0 || !r.resumed() {
		return 0, nil
	}
	var sum float64
	for _, pending := range []bool{false, true} {
		for result, err := range r.options.Store.Results(ctx, r.stored.ID(), store.Query{Pending: pending}) {
			if err != nil {
				return 0, err
			}
			if result.Output != nil && result.Output.CostUSD != nil {
				sum += *result.Output.CostUSD
			}
		}
	}
	if reached(sum, r.options.MaxCost) {
		return 0, usage(fmt.Errorf("the stored answers of run %s have cost $%.4g, as much as --max-cost allows", r.stored.ID(), sum),
			"a higher --max-cost lets the run go on")
	}
	return sum, nil
}

// costNote says when a limit on the cost could not be kept.
func costNote(r *harness.Report, limit float64) string {
	switch {
	case limit <= 0 || r.Latency.N == 0:
		return ""
	case r.CostUSD == nil:
		return "the limit on the cost could not be kept: no answer reports its cost"
	case r.CostUnknown > 0:
		return fmt.Sprintf("the limit on the cost could not be kept exactly: %d of %d answers do not report their cost", r.CostUnknown, r.Latency.N)
	}
	return ""
}
