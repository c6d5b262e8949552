package retellserver

import (
	"net/http"
	"time"

	"github.com/evalrun/evalrun/harness/retell"
)

// run is one run of a batch. All of it is known when the batch is created and
// does not change; what is said of it depends on the time.
type run struct {
	id                  string
	definition          *retell.TestCaseDefinition // as it was then
	engine              retell.ResponseEngine
	seed                [32]byte // of its conversation
	created, start, end time.Time
	verdict             string // at the end
}

// at is the status at a time, and since when.
func (r *run) at(now time.Time) (status string, since time.Time) {
	switch {
	case now.Before(r.start):
		return retell.StatusPending, r.created
	case now.Before(r.end):
		return retell.StatusInProgress, r.start
	}
	return r.verdict, r.end
}

// said is what there is to say of a run at a time.
func (r *run) said(now time.Time) retell.TestRun {
	status, since := r.at(now)
	out := retell.TestRun{
		ID: r.id, Status: status, DefinitionID: r.definition.ID, Definition: *r.definition,
		Created: millis(r.created), UserModified: millis(since),
	}
	if out.Finished() {
		explanation := r.explain()
		out.Explanation, out.Transcript = &explanation, r.transcript()
	} else {
		out.Transcript = []byte("null")
		out.Unknown = retell.Unknown{"result_explanation": []byte("null")}
	}
	return out
}

func (s *Server) getRun(r Request, _ []byte) (int, any, error) {
	s.mu.Lock()
	run, ok := s.runs[r.ID]
	s.mu.Unlock()
	if !ok {
		return 0, nil, notFound()
	}
	said, err := one(s.Faults.Runs, r, run.said(s.Now()))
	return http.StatusOK, said, err
}

// listRuns lists the runs of a batch in the order in which it named them.
func (s *Server) listRuns(r Request, _ []byte) (int, any, error) {
	s.mu.Lock()
	b, ok := s.batches.get(r.ID)
	s.mu.Unlock()
	if !ok {
		return 0, nil, notFound()
	}
	all := b.said(s.Now())
	if s.Faults.Runs != nil {
		all = s.Faults.Runs(r, all)
	}
	return answer(r, all, func(r retell.TestRun) string { return r.ID })
}

// said is what there is to say of all runs at a time.
func (b *batch) said(now time.Time) []retell.TestRun {
	all := make([]retell.TestRun, len(b.runs))
	for i, run := range b.runs {
		all[i] = run.said(now)
	}
	return all
}
