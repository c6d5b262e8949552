//go:build !unix

package store

import (
	"testing"
	"time"
)

// processorTime is not known here.
func processorTime(testing.TB) time.Duration { return 0 }

// peakMemory is not known here.
func peakMemory() int64 { return 0 }
