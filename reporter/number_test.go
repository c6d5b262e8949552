package reporter

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -12: "-12"} {
		assert.Equal(t, want, count(n))
	}
	for v, want := range map[float64]string{
		0: "0.000", 0.5: "0.500", -1.25: "-1.250", 0.0001234: "0.000123", 1234.56: "1235", 1e9: "1e+09", math.Inf(1): none,
	} {
		assert.Equal(t, want, score(v))
	}
	assert.Equal(t, none, score(math.NaN()))
	for v, want := range map[float64]string{
		0: "0%", 1: "100%", 0.9999: ">99.9%", 0.0001: "<0.1%", 0.875: "87.5%", 0.5: "50%", 1e9: none, math.Inf(-1): none,
	} {
		assert.Equal(t, want, percent(v))
	}
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 41 * time.Microsecond: "41.0µs", 37_140 * time.Nanosecond: "37.1µs", 41: "41ns",
		999_999: "1.00ms", 999_600 * time.Microsecond: "1.00s", 59_960 * time.Millisecond: "1m00s", 3_599_700 * time.Millisecond: "1h00m",
		10_255_304 * time.Microsecond: "10.3s", 12_345 * time.Microsecond: "12.3ms", 412 * time.Millisecond: "412ms", 1310 * time.Millisecond: "1.31s",
		12400 * time.Millisecond: "12.4s", 83 * time.Second: "1m23s", 3*time.Hour + 7*time.Minute + 40*time.Second: "3h08m",
	} {
		assert.Equal(t, want, duration(d))
	}
	for v, want := range map[float64]string{0: "$0.00", 12.345: "$12.35", 0.0123: "$0.0123", 0.00875: "$0.00875", 2e9: "$2e+09", math.Inf(1): none} {
		assert.Equal(t, want, dollars(v))
	}
	assert.Equal(t, "2.5/min", rateText(2.5/60))
	assert.Equal(t, "1,235/s", rateText(1234.5))
}
