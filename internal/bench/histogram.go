package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are 1/32 of their value wide, so
// that a percentile is off by 3 % at most, whatever its size.
type histogram [40 * subBuckets]uint32

const subBuckets = 32

func (h *histogram) add(d time.Duration) { h[bucketOf(d)]++ }

func (h *histogram) merge(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// percentile returns the duration that a part p of all durations does not exceed.
func (h *histogram) percentile(p float64) time.Duration {
	all := 0
	for _, n := range h {
		all += int(n)
	}
	left := p * float64(all)
	for i, n := range h {
		if left -= float64(n); n > 0 && left <= 0 {
			return upperBound(i)
		}
	}
	return 0
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 1))
	exponent := max(bits.Len64(v)-6, 0) // below 64 every value has its own bucket
	return min(exponent*subBuckets+int(v>>exponent), len(histogram{})-1)
}

func upperBound(bucket int) time.Duration {
	exponent := max(bucket/subBuckets-1, 0)
	return time.Duration((bucket-exponent*subBuckets+1)<<exponent - 1)
}
