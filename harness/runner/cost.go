package runner

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/evalrun/evalrun/harness"
)

var errMaxCost = errors.New("the answers have cost as much as --max-cost allows")

// capped is an app that ends the run when its answers have cost enough. Calls
// that are under way then still finish: the limit can be passed by as many.
type capped struct {
	harness.App
	micro atomic.Int64 // spent, in millionths of a US dollar
	limit int64
	stop  context.CancelCauseFunc
}

func withCostLimit(app harness.App, limit float64, stop context.CancelCauseFunc) harness.App {
	if limit <= 0 {
		return app
	}
	return &capped{App: app, limit: int64(limit * 1e6), stop: stop}
}

// Respond asks the app and adds up the cost.
func (c *capped) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	out, err := c.App.Respond(ctx, in)
	if out.CostUSD != nil && c.micro.Add(int64(*out.CostUSD*1e6)) >= c.limit {
		c.stop(errMaxCost)
	}
	return out, err
}
