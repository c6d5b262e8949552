package tcpfaults

import (
	"flag"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// The runs that have faults at random. What a seed repeats is the faults and the
// times between them; connections meet them as they happen to be.
var (
	first = flag.Int("seed", 0, "the first seed")
	seeds = flag.Int("seeds", 4, "how many seeds")
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	goleak.VerifyTestMain(m,
		// database/sql keeps one goroutine per open database, and ends it a moment
		// after Close returns.
		goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		// What the proxy holds back of a connection that it has cut stays there.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	)
}
