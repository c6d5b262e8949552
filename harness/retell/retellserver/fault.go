package retellserver

import (
	"net/http"
	"net/url"

	"github.com/evalrun/evalrun/harness/retell"
)

// The values of Request.Op: the names of the endpoints. A list has the same one
// with and without /v2.
const (
	OpCreateDefinition = "create-test-case-definition"
	OpGetDefinition    = "get-test-case-definition"
	OpUpdateDefinition = "update-test-case-definition"
	OpDeleteDefinition = "delete-test-case-definition"
	OpListDefinitions  = "list-test-case-definitions"
	OpCreateBatch      = "create-batch-test"
	OpGetBatch         = "get-batch-test"
	OpListBatches      = "list-batch-tests"
	OpGetRun           = "get-test-run"
	OpListRuns         = "list-test-runs"
)

// Request is what a fault is decided by.
type Request struct {
	Op string
	// N counts the requests with this Op, from 1, those of retries included.
	N int
	// ID is the one in the path; "" when there is none.
	ID    string
	Path  string
	Query url.Values
	// Header is the request's own: don't change it.
	Header http.Header
}

// Fault is what goes wrong with one request; its zero value is nothing. A request
// without the right key gets its 401 before any fault.
type Fault struct {
	// Status, when not 0, is answered in place of carrying out the request.
	Status int
	// Message goes with Status; the platform's own for it when empty.
	Message string
	// Header is added to the answer: Retry-After, x-should-retry.
	Header http.Header

	// DropBefore breaks the connection before the request is carried out. Mind that
	// net/http itself sends a GET again, once, when a connection breaks on which it
	// had an answer before; Server.Transport does not.
	DropBefore bool
	// DropAfter carries the request out and breaks the connection in place of an
	// answer. With Status, the request is carried out and Status answered.
	DropAfter bool
}

// Faults are functions that make a server misbehave; nil ones do nothing. They
// may be called from many goroutines at once, and may block, which makes an
// answer late. Those that change answers get copies: what the server knows stays
// right, and a batch still counts as it is.
type Faults struct {
	// Request is asked about each request that has the key.
	Request func(r Request) Fault
	// Definitions, Batches and Runs change what is said, in answers to
	// creating and getting one, where the list has that one, and in whole lists
	// before they are cut into pages. One that is taken away is a 404 when it was
	// asked for.
	Definitions func(r Request, all []retell.TestCaseDefinition) []retell.TestCaseDefinition
	Batches     func(r Request, all []retell.BatchTest) []retell.BatchTest
	Runs        func(r Request, all []retell.TestRun) []retell.TestRun
}

// Requests tells how many requests there have been with this Op, refused ones
// included.
func (s *Server) Requests(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[op]
}

// Batches are all batches as they are now, oldest first, whatever Faults say.
func (s *Server) Batches() []retell.BatchTest {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	out := []retell.BatchTest{}
	for _, e := range s.batches.entries {
		out = append(out, e.value.at(now))
	}
	return out
}

// Runs are all runs of a batch as they are now, whatever Faults say.
func (s *Server) Runs(batchID string) []retell.TestRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := s.batches.get(batchID)
	if b == nil {
		return nil
	}
	return b.said(s.Now())
}

// one lets a fault change one entity in an answer.
func one[T any](change func(Request, []T) []T, r Request, v T) (T, error) {
	all := []T{v}
	if change != nil {
		all = change(r, all)
	}
	if len(all) == 0 {
		return v, notFound()
	}
	return all[0], nil
}
