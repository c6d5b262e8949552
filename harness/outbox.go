package harness

import (
	"context"
	"iter"
	"time"
)

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
	// Audit compares what a platform lists with what was posted, and keeps what it
	// finds until a result is claimed again. The list comes in pieces, in any
	// order; the same result may come more than once. An error of the list is its
	// error. One Audit at a time.
	Audit(ctx context.Context, list iter.Seq2[[]Listed, error]) (Audit, error)
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

// Listed is a result that a platform lists, of the run or without a run's name.
type Listed struct {
	// RemoteID is the platform's ID of it.
	RemoteID string
	// Key is what the result says that it is; zero when it does not say.
	Key Key
}

// Audit is what a platform holds of a run when nothing is on its way any more.
// Lost, Duplicated and Unexpected are 0 when all is well.
type Audit struct {
	// Found counts the posted results that are there.
	Found int64 `json:"found"`
	// Lost counts those that are not.
	Lost int64 `json:"lost"`
	// Duplicated counts the copies of posted results beyond the first of each.
	Duplicated int64 `json:"duplicated"`
	// Unexpected counts results of the run that were not posted: unknown, rejected.
	Unexpected int64 `json:"unexpected"`
	// At is when the platform was asked.
	At time.Time `json:"at"`
}

// Clean tells whether the platform holds what was posted, once and nothing else.
func (a Audit) Clean() bool { return a.Lost == 0 && a.Duplicated == 0 && a.Unexpected == 0 }
