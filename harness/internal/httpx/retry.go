package httpx

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/evalrun/evalrun/harness/internal/pace"
)

// The pauses between attempts, as the platforms' own clients make them.
const (
	firstPause    = 500 * time.Millisecond
	longestPause  = 8 * time.Second
	longestObeyed = 60 * time.Second // of what a server asks for
)

// retry tells whether a failed attempt is worth and safe to be made again.
func (c *call) retry(e *Error) bool {
	if !c.read {
		return e.Fate == NotSent && e.again() || e.Status == http.StatusTooManyRequests && e.should != "false"
	}
	switch {
	case e.should == "true" && e.Status >= 300:
		return true
	case e.should == "false":
		return false
	}
	return e.mayPass()
}

// Passes tells whether the trouble of a read may be gone later: the connection
// failed, or the server is not well. A refusal (429, 503, 529) has been waited for
// already, as long as Config.Hosts allows.
func (e *Error) Passes() bool {
	return e.Attempts > 0 && e.should != "false" && !pace.IsRefusal(e.Status) && e.mayPass()
}

func (e *Error) mayPass() bool {
	if e.Status == 0 || e.broken {
		return e.again()
	}
	return retriable(e.Status)
}

func retriable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// again tells whether trouble with the connection may pass by itself: a bad
// certificate, an unknown host name and a proxy that refuses do not.
func (e *Error) again() bool {
	var dns *net.DNSError
	var proxy *proxyError
	return !CertificateTrouble(e.Err) && !errors.As(e.Err, &proxy) && (!errors.As(e.Err, &dns) || !dns.IsNotFound)
}

// pause is how long to wait before retry n, from 0: what the server asked for,
// or min(0.5 s · 2^n, 8 s) less up to a quarter, at random.
func pause(n int, asked time.Duration) time.Duration {
	if asked > 0 && asked <= longestObeyed {
		return asked
	}
	d := longestPause
	if n < 4 { // 0.5 s · 2^4 = 8 s
		d = firstPause << max(n, 0)
	}
	return d - time.Duration(rand.Float64()/4*float64(d))
}
