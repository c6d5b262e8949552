package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
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
	case e.Status == 0 || e.broken:
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
	return !certificateTrouble(e.Err) && !errors.As(e.Err, &proxy) && (!errors.As(e.Err, &dns) || !dns.IsNotFound)
}

func certificateTrouble(err error) bool {
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	return errors.As(err, &cert) || errors.As(err, &host) || errors.As(err, &record)
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

// retryAfter reads retry-after-ms (a number of milliseconds), else Retry-After
// (a number of seconds, or a date). 0 means that there is none that counts.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return duration(ms / 1000)
	}
	value := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(value, 64); err == nil {
		return duration(s)
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}

func duration(seconds float64) time.Duration {
	if math.IsNaN(seconds) || seconds <= 0 || seconds > longestObeyed.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
