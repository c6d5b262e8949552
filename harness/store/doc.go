// Package store keeps runs in an embedded SQL database, one file in one folder:
// their specs, cases and results, what of them is posted to a platform, and the
// datasets and evaluations of the local platform.
//
//	s, err := store.Open(".evalrun")
//	run, err := s.Create(ctx, store.Spec{Suite: "faq"})
//	report, err := harness.Run(ctx, harness.Config{Journal: run, ...})
//	for result, err := range s.Results(ctx, run.ID(), store.Query{}) { ... }
//
// # Promises
//
// A result is synced to disk when [Run.Write] returns (SQLite in WAL mode with
// synchronous=FULL). Whatever ends the process after that, the result is there
// when the run is resumed, and [Run.Plan] lists its trial as finished. A result
// is kept once: writing it again changes nothing.
//
// A pending result, an answer without its scores, is kept as safely, and Plan
// gives it back, so that the app is not asked again. It counts for nothing else
// until the whole result of its trial replaces it, which it never does itself.
//
// A run has one writer. [Store.Create] and [Store.Resume] take a lock that the
// operating system takes away when the process ends; a second writer gets
// [ErrLocked]. Anyone may read meanwhile.
//
// A result is claimed for posting once: [Run.Claim] records it as posting before
// it returns, and a result that is posting stays so, over crashes, until
// [Run.Settle] says what became of it. What [Run.Audit] found on the platform is
// forgotten as soon as a result is claimed.
//
// Text is kept byte for byte, valid UTF-8 or not. Numbers are kept as JSON does,
// integers with all their digits, and NaN and infinities inside of values too.
// Of a [harness.Error] the cause and RetryAfter are not kept.
//
// Each case and each result has a checksum. Damage gives [ErrDamaged], never a
// wrong result; results that vanished from a finished run are noticed when all
// are read.
//
// # Writing in groups
//
// All writes of a process go through one connection. Writes that come while
// another is being synced are put into one next transaction with one sync: so
// 64 goroutines wait for little more than one. When a member of such a group
// fails, each of the others runs again alone. Plan alone is not synced: SQLite
// syncs its write-ahead log as a whole, so that the page is on disk as soon as a
// result of any of its cases is.
//
// # Schema
//
// user_version counts the migrations that were applied; a database with more of
// them than this package knows is refused with [ErrNewer]. The tables of runs:
//
//	runs     no, id (ULID), spec (JSON), publish (JSON), status, reasons (JSON),
//	         started, finished (Unix nanoseconds), planned (cases), audit (JSON)
//	counts   per run: cases, completed and errored results, results ever queued
//	         for posting, and how many are in each state
//	cases    key, run, id, origin, sum, data (JSON of the case without its ID)
//	results  key, flags (1 the app failed, 2 an evaluator failed, 4 a score says
//	         no, 8 pending), sum, answer (JSON of all but the scores), scores (JSON)
//	outbox   key, run, no (order of storing), state (0 pending, 1 posting, 2
//	         posted, 3 rejected), remote ID, message
//	listed   run, key, remote ID: what a platform lists, while an audit runs; key
//	         is -1 when the result does not say what it is, 0 when that is unknown
//
// A key is one integer: run number << 40 | position of the case << 12 | trial,
// trial 0 being the case itself. Results so lie in the order in which they are
// read, and a new one goes to the end. A store holds up to 8,388,607 runs, a run
// 268,435,456 cases, a case 4,095 trials. sum is the CRC-32C of the row.
//
// The tables of the local platform are described in platform.go.
package store
