package harness

import (
	"maps"
	"math"
	"math/bits"
	"slices"
	"time"
)

// histogram counts durations in buckets of one part in 1,024, so that quantiles
// need no memory that grows with the number of values and do not depend on
// their order.
type histogram struct {
	counts map[uint32]int64
	n      int64
	sum    int64 // nanoseconds; 292 years in all
	max    int64
}

const mantissa = 10 // bits of a value that its bucket keeps

func (h *histogram) add(d time.Duration) {
	v := max(int64(d), 0)
	if h.counts == nil {
		h.counts = map[uint32]int64{}
	}
	h.counts[bucket(v)]++
	h.n++
	h.sum += v
	h.max = max(h.max, v)
}

func (h *histogram) mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / h.n)
}

// quantile is the value of rank ceil(q*n), rounded up within its bucket.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(q*float64(h.n))), 1)
	for _, b := range slices.Sorted(maps.Keys(h.counts)) {
		if rank -= h.counts[b]; rank <= 0 {
			return time.Duration(min(bucketTop(b), h.max))
		}
	}
	return time.Duration(h.max)
}

// bucket keeps the position of the leading bit and the ten bits after it.
func bucket(v int64) uint32 {
	shift := max(bits.Len64(uint64(v))-mantissa-1, 0)
	return uint32(shift)<<(mantissa+1) | uint32(v>>shift)
}

// bucketTop is the largest value in the bucket.
func bucketTop(b uint32) int64 {
	shift := b >> (mantissa + 1)
	return (int64(b&(1<<(mantissa+1)-1))+1)<<shift - 1
}
