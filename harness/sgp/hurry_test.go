package sgp_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// Without time everything is posted that can be, what is in doubt stays so, and
// Run returns when the last batch is answered.
func TestHurry(t *testing.T) {
	for name, tt := range map[string]struct {
		after   time.Duration // from the start of Run until there is no time
		posted  int
		posting int
	}{
		"from the start":         {0, 40, 10},
		"in the quiet time":      {time.Minute, 40, 10},
		"waiting for the audit":  {quiet + time.Minute, 50, 0},
		"when all was done long": {3 * quiet, 50, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.unchecked = true
				lost := once(2, fails(connectionReset()))
				p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
					time.Sleep(time.Second)
					return lost(r, body, serve)
				}
				o := newOutbox(many(50)...)
				pub := p.publisher(o)
				pub.BatchItems, pub.InFlight = 10, 1
				hurry := make(chan struct{})
				pub.Hurry = hurry
				time.AfterFunc(tt.after, func() { close(hurry) })
				start := time.Now()
				err := pub.Run(t.Context(), nil)
				if tt.after < 3*quiet {
					require.ErrorIs(t, err, sgp.ErrHurried)
					assert.Empty(t, o.audits)
					assert.Less(t, time.Since(start)-tt.after, 20*time.Second, "the time of the platform's answers")
				} else {
					require.NoError(t, err)
					clean(t, p, o, 50)
				}
				assert.Equal(t, tt.posted, o.counts()[harness.PostPosted])
				assert.Equal(t, tt.posting, o.counts()[harness.PostPosting])
				time.Sleep(3 * quiet) // hurry closes
			})
		})
	}
}
