package retellserver

import (
	"cmp"
	"context"

	"github.com/evalrun/evalrun/harness/internal/localhttp"
)

// DefaultAddr is where Serve listens when it is told nothing.
const DefaultAddr = "127.0.0.1:8401"

// ErrNeedsKey is wrapped by Serve's error about an address that others can reach
// while Config.APIKey is empty.
var ErrNeedsKey = localhttp.ErrNeedsKey

// Serve answers requests on addr ("" is DefaultAddr) until ctx ends; then it lets
// running requests finish for up to five seconds and returns nil. When it can be
// reached it calls ready, which may be nil, with the address; with port 0 that
// holds the port that the system chose. An address that is not loopback needs an
// API key.
func Serve(ctx context.Context, addr string, c Config, ready func(addr string)) error {
	return localhttp.Serve(ctx, cmp.Or(addr, DefaultAddr), New(c), c.APIKey != "", ready)
}
