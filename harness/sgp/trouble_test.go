package sgp_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/sgp"
)

// A host that was given up is not asked again: posting ends at once, and what was
// in doubt stays so.
func TestHostThatWasGivenUp(t *testing.T) {
	for name, whenPosted := range map[string]bool{"with a batch in doubt": false, "before the audit": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.unchecked = true
				p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
					if r.Method == "GET" || !whenPosted {
						return respond(r, 503, "maintenance"), nil
					}
					return serve(), nil
				}
				o := newOutbox(many(10)...)
				pub := p.publisher(o)
				client, err := sgp.New(sgp.Config{
					APIKey: key, HTTPClient: &http.Client{Transport: p}, Hosts: pace.NewHosts(pace.Config{MaxElapsed: 3 * time.Minute}),
				})
				require.NoError(t, err)
				pub.Client = client
				start := time.Now()
				err = pub.Run(t.Context(), nil)
				var gaveUp *pace.GaveUp
				require.ErrorAs(t, err, &gaveUp)
				assert.LessOrEqual(t, time.Since(start), 4*time.Minute)
				if whenPosted {
					assert.Len(t, o.in(harness.PostPosted), 10)
				} else {
					assert.Len(t, o.in(harness.PostPosting), 10)
				}
				assert.Empty(t, o.audits)
			})
		})
	}
}

// A look that failed is made again soon, not after the quiet time.
func TestLookThatFailedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		lost := once(5, after(fails(connectionReset())))
		start := time.Now()
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "GET" && time.Since(start) < time.Second {
				return respond(r, 502, ""), nil
			}
			return lost(r, body, serve)
		}
		o := newOutbox(many(50)...)
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 10, 1
		require.NoError(t, pub.Run(t.Context(), nil))
		clean(t, p, o, 50)
		assert.Equal(t, 5, p.posts())
		assert.Less(t, time.Since(start), 10*time.Second)
	})
}

// Once the platform takes batches again, what waited for that is posted, though
// the run goes on and has no news.
func TestGoesOnAfterTroubleWithoutNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		lost := during(1, 4, fails(connectionReset()))
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			time.Sleep(time.Second)
			return lost(r, body, serve)
		}
		o := newOutbox(many(40)...)
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 10, 4
		more, done := make(chan struct{}, 1), make(chan error, 1)
		more <- struct{}{}
		go func() { done <- pub.Run(t.Context(), more) }()
		time.Sleep(time.Hour)
		assert.Len(t, o.in(harness.PostPosted), 40)
		close(more)
		require.NoError(t, <-done)
		clean(t, p, o, 40)
	})
}
