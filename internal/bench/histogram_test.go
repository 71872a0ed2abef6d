package main

import (
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for _, want := range []struct {
		p   float64
		out time.Duration
	}{{0.5, 500 * time.Microsecond}, {0.99, 990 * time.Microsecond}, {1, time.Millisecond}} {
		got := h.percentile(want.p)
		if off := float64(got-want.out) / float64(want.out); off < 0 || off > 0.04 {
			t.Errorf("the percentile %g is %v, not about %v", want.p, got, want.out)
		}
	}
}

// Every duration lies within its bucket, and the buckets join.
func TestHistogramBuckets(t *testing.T) {
	for d := time.Duration(1); d < time.Hour; d += max(d/50, 1) {
		b := bucketOf(d)
		if upperBound(b) < d || upperBound(b-1) >= d {
			t.Fatalf("%d lies in bucket %d, which goes from %d to %d", d, b, upperBound(b-1)+1, upperBound(b))
		}
	}
}
