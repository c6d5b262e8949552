package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/evalrun/evalrun/harness"
)

// manyForbidden is how many answers with status 403 in a row end a run: a single
// one may be about its case.
const manyForbidden = 5

// circuit is an app that ends the run when the server does not take our
// credentials any more (status 401, or 402: no credit, or 403 again and again).
// Every further call would fail as well, and would have to be run again.
type circuit struct {
	harness.App
	stop      context.CancelCauseFunc
	forbidden atomic.Int32
}

// Respond asks the app and looks at how it fails.
func (c *circuit) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	out, err := c.App.Respond(ctx, in)
	var trouble *harness.Error
	switch {
	case err == nil:
		c.forbidden.Store(0)
	case !errors.As(err, &trouble) || trouble == nil:
	case trouble.Status == http.StatusUnauthorized, trouble.Status == http.StatusPaymentRequired,
		trouble.Status == http.StatusForbidden && c.forbidden.Add(1) >= manyForbidden:
		c.stop(fmt.Errorf("%w (status %d)", errRefused, trouble.Status))
	}
	return out, err
}

var errRefused = errors.New("the app's server refuses the credentials; --retry-errors runs what it refused again")
