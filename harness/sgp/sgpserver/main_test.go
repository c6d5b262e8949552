package sgpserver_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// database/sql keeps one goroutine per open database, and ends it a moment
		// after Close returns.
		goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
	)
}
