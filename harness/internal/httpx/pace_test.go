package httpx

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/pace"
)

// paced is a client that shares its pace, and a server that answers with a status
// until a time.
func paced(t *testing.T, status int, until time.Duration, header ...string) (*Client, *int, *pace.Hosts) {
	t.Helper()
	begin, calls := time.Now(), 0
	hosts := pace.NewHosts(pace.Config{})
	c := stub(t, Config{Hosts: hosts}, func(r *http.Request) (*http.Response, error) {
		if calls++; time.Since(begin) < until {
			return reply(r, status, "application/json", `{}`, header...), nil
		}
		return reply(r, 200, "application/json", `{}`), nil
	})
	return c, &calls, hosts
}

// What a platform refuses is asked again for as long as it takes, and a change is
// only when it certainly was not made.
func TestARefusedCallWaitsForItsTurn(t *testing.T) {
	for name, tc := range map[string]struct {
		method string
		status int
		again  bool
	}{
		"read, 429": {"GET", 429, true}, "read, 503": {"GET", 503, true}, "read, 529": {"GET", 529, true},
		"change, 429": {"POST", 429, true}, "change, 503 may have been made": {"POST", 503, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				c, calls, hosts := paced(t, tc.status, 2*time.Minute)
				err := c.Do(t.Context(), Request{Method: tc.method, Path: "/x"}, nil)
				if !tc.again {
					assert.True(t, asError(t, err).Ambiguous())
					assert.Equal(t, 1, *calls)
					assert.Equal(t, int64(1), hosts.All()[0].Stats().Refused, "others wait all the same")
					return
				}
				require.NoError(t, err)
				assert.LessOrEqual(t, *calls, 15)
				assert.Less(t, time.Since(begin), 2*time.Minute+31*time.Second)
			})
		})
	}
}

// Refused for ever, or for longer than anybody waits: the call fails, and says so.
func TestAPlatformThatRefusesForEverIsGivenUp(t *testing.T) {
	for after, want := range map[string]time.Duration{"": 5 * time.Minute, "1e9": 0, "Fri, 31 Dec 9999 23:59:59 GMT": 0, "-5": 5 * time.Minute, "soon": 5 * time.Minute} {
		t.Run(after, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				c, calls, _ := paced(t, 429, 1000*time.Hour, "Retry-After", after)
				err := asError(t, c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil))
				assert.Equal(t, want, time.Since(begin))
				assert.LessOrEqual(t, *calls, 20)
				assert.Equal(t, 429, err.Status)
				assert.Equal(t, Refused, err.Fate, "the change was not made")
				var gaveUp *pace.GaveUp
				require.ErrorAs(t, err, &gaveUp)

				made := *calls
				err = asError(t, c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil))
				assert.Equal(t, NotSent, err.Fate)
				assert.Equal(t, made, *calls, "nobody asks it any more")
			})
		})
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, calls, _ := paced(t, 429, time.Hour, "Retry-After", "100")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := c.Do(ctx, Request{Method: "GET", Path: "/x"}, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin))
		assert.Equal(t, 1, *calls)
	})
}
