package retellserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/evalrun/evalrun/harness/retell"
)

// batch is what was asked for: its status and counts follow from its runs. It
// does not change.
type batch struct {
	id      string
	engine  retell.ResponseEngine
	created time.Time
	runs    []*run
}

// at is what there is to say of a batch at a time.
func (b *batch) at(now time.Time) retell.BatchTest {
	out := retell.BatchTest{
		ID: b.id, Status: retell.StatusComplete, ResponseEngine: b.engine,
		TotalCount: len(b.runs), Created: millis(b.created), UserModified: millis(b.created),
	}
	for _, r := range b.runs {
		status, changed := r.at(now)
		out.UserModified = max(out.UserModified, millis(changed))
		switch status {
		case retell.StatusPass:
			out.PassCount++
		case retell.StatusFail:
			out.FailCount++
		case retell.StatusError:
			out.ErrorCount++
		default:
			out.Status = retell.StatusInProgress
		}
	}
	return out
}

// createBatch starts a run for each ID, also where an ID is there twice.
func (s *Server) createBatch(r Request, body []byte) (int, any, error) {
	if err := validate("batch", body); err != nil {
		return 0, nil, err
	}
	var given struct {
		IDs    []string              `json:"test_case_definition_ids"`
		Engine retell.ResponseEngine `json:"response_engine"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		return 0, nil, badRequest(err.Error())
	}
	b, err := s.startBatch(given.IDs, given.Engine)
	if err != nil {
		return 0, nil, err
	}
	said, err := one(s.Faults.Batches, r, b.at(b.created))
	return http.StatusCreated, said, err
}

func (s *Server) startBatch(ids []string, engine retell.ResponseEngine) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	definitions := make([]*retell.TestCaseDefinition, len(ids))
	for i, id := range ids {
		d, ok := s.definitions.get(id)
		if !ok {
			return nil, badRequest(fmt.Sprintf("/test_case_definition_ids/%d: there is no test case definition %q.", i, id))
		}
		definitions[i] = d
	}
	now := s.Now()
	b := &batch{id: s.sim.id("test_case_batch_", now), engine: engine, created: now}
	for _, d := range definitions {
		run := s.sim.start(d, engine, now)
		b.runs = append(b.runs, run)
		s.runs[run.id] = run
	}
	s.batches.set(b.id, b)
	return b, nil
}

func (s *Server) getBatch(r Request, _ []byte) (int, any, error) {
	s.mu.Lock()
	b, ok := s.batches.get(r.ID)
	s.mu.Unlock()
	if !ok {
		return 0, nil, notFound()
	}
	said, err := one(s.Faults.Batches, r, b.at(s.Now()))
	return http.StatusOK, said, err
}

// listBatches lists the batches of an engine, newest first: those of the version
// that is asked for, or of the latest.
func (s *Server) listBatches(r Request, _ []byte) (int, any, error) {
	e, err := engine(r)
	if err != nil {
		return 0, nil, err
	}
	if text := r.Query.Get("version"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, nil, badRequest("version must be a whole number.")
		}
		e.Version = &n
	}
	var all []retell.BatchTest
	s.mu.Lock()
	now := s.Now()
	latest := s.latest(e)
	for _, entry := range slices.Backward(s.batches.entries) {
		b := entry.value
		if same(b.engine, e) && wanted(b.engine.Version, e.Version, latest) {
			all = append(all, b.at(now))
		}
	}
	s.mu.Unlock()
	if s.Faults.Batches != nil {
		all = s.Faults.Batches(r, all)
	}
	return answer(r, all, func(b retell.BatchTest) string { return b.ID })
}

// latest is the highest version of an engine that a batch named; 0 if none did.
func (s *Server) latest(e retell.ResponseEngine) int {
	latest := 0
	for _, entry := range s.batches.entries {
		if v := entry.value.engine.Version; v != nil && same(entry.value.engine, e) {
			latest = max(latest, *v)
		}
	}
	return latest
}

// wanted tells whether a list that asks for a version has a batch of another: no
// version is the latest, on either side.
func wanted(batch, asked *int, latest int) bool {
	if batch == nil {
		batch = &latest
	}
	if asked == nil {
		asked = &latest
	}
	return *batch == *asked
}
