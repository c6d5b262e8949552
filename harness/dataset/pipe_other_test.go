//go:build !unix

package dataset_test

import "testing"

// makePipe can't make a named pipe here.
func makePipe(t *testing.T, _ string) { t.Skip("named pipes are a Unix matter") }
