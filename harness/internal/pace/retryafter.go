package pace

import (
	"net/http"
	"strconv"
	"time"
)

// longestAsked is what a longer Retry-After comes to: no one waits for that.
const longestAsked = 100 * 365 * 24 * time.Hour

// RetryAfter is how long a server asks to wait: retry-after-ms (a number of
// milliseconds), else Retry-After (a number of seconds, or a date). 0 means that
// there is none that makes sense, or that the time is over.
func RetryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return seconds(ms / 1000)
	}
	value := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(value, 64); err == nil {
		return seconds(s)
	}
	if t, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(t), 0), longestAsked)
	}
	return 0
}

func seconds(s float64) time.Duration {
	if !(s > 0) { // not a number, too
		return 0
	}
	return time.Duration(min(s, longestAsked.Seconds()) * float64(time.Second))
}

// IsRefusal tells whether a status says that the server did not even try: too
// many requests, or overloaded.
func IsRefusal(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == 529
}
