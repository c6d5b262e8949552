package harness

import "context"

// Outbox is where stored results wait to be posted to a platform: harness/store
// has one. Its methods may be called from several goroutines.
type Outbox interface {
	// Claim marks up to n pending results as posting, in the order in which they
	// were stored, and returns them; none when nothing is pending.
	Claim(ctx context.Context, n int) ([]Result, error)
	// Settle records what became of claimed results.
	Settle(ctx context.Context, receipts []Receipt) error
	// Unsettled lists the results that were claimed and never settled: whether
	// the platform has them is not known.
	Unsettled(ctx context.Context) ([]Key, error)
}

// PostState is how far a result has come on its way to a platform.
type PostState string

// The states. A result that was claimed and not settled stays PostPosting.
const (
	PostPending  PostState = "pending"
	PostPosting  PostState = "posting"
	PostPosted   PostState = "posted"
	PostRejected PostState = "rejected"
)

// Receipt says what became of one claimed result.
type Receipt struct {
	Key   Key
	State PostState
	// RemoteID is the platform's ID of a posted result.
	RemoteID string
	// Message is the server's, of a rejected one.
	Message string
}
