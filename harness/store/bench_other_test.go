//go:build !unix

package store

import (
	"testing"
	"time"
)

// processorTime is not known here.
func processorTime(testing.TB) time.Duration { return 0 }
