package cli_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// retellPlatform serves the stand-in for Retell, which wants the key "secret-key".
// The file names what goes wrong: "OP N STATUS", the Nth request for OP since the
// file was put there, with 0 for one that is carried out and gets no answer. Each
// definition has a field that nobody knows while there is a file named strange, and
// the same metric twice while there is one named doubled.
func retellPlatform(addr, file string) {
	var count atomic.Int64
	faults := retellserver.Faults{
		Request: func(r retellserver.Request) retellserver.Fault {
			data, err := os.ReadFile(file)
			op, n, status := "", int64(0), 0
			if _, bad := fmt.Sscan(string(data), &op, &n, &status); err != nil || bad != nil || op != r.Op || count.Add(1) != n {
				return retellserver.Fault{}
			}
			count.Store(0)
			_ = os.Remove(file)
			return retellserver.Fault{Status: status, DropAfter: status == 0}
		},
		Definitions: func(_ retellserver.Request, all []retell.TestCaseDefinition) []retell.TestCaseDefinition {
			if _, err := os.Stat("doubled"); err == nil {
				for i := range all {
					all[i].Metrics = []string{"m", "m"}
				}
			}
			if _, err := os.Stat("strange"); err == nil {
				for i := range all {
					all[i].Unknown = retell.Unknown{"mood": []byte(`"bad"`)}
				}
			}
			return all
		},
	}
	err := retellserver.Serve(context.Background(), addr, retellserver.Config{APIKey: "secret-key", Faults: faults}, nil)
	fmt.Fprintln(os.Stderr, err)
}
