package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// smallHeap is up to where memory matters less than time: with answers of usual
// size the heap is a few megabytes, which are collected seldom. With answers of
// megabytes that would be hundreds.
const smallHeap = 16 << 20

// collectBySize has the garbage collected less often while the heap is small.
// Whoever sets GOGC has chosen otherwise.
func collectBySize() {
	if os.Getenv("GOGC") == "" {
		(&collector{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}).afterEach()
	}
}

// collector becomes garbage with each collection, and then looks what that left.
type collector struct {
	live    []metrics.Sample
	percent int
}

func (c *collector) afterEach() {
	metrics.Read(c.live)
	percent := 300
	if v := c.live[0].Value; v.Kind() == metrics.KindUint64 && v.Uint64() > smallHeap {
		percent = 60
	}
	if percent != c.percent {
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(&collector{c.live, percent}, (*collector).afterEach)
}
