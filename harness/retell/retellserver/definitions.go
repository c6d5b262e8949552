package retellserver

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/evalrun/evalrun/harness/retell"
)

// What a definition has that its creator did not say. The platform's own model is
// not documented.
const (
	simulation   = "simulation"
	defaultModel = "gpt-4.1"
)

// inputs are the fields of a definition that requests set. Others are dropped.
var inputs = [...]string{"name", "response_engine", "user_prompt", "metrics", "dynamic_variables", "tool_mocks", "llm_model"}

// seed adds a definition of the Config.
func (s *Server) seed(d retell.TestCaseDefinition) {
	now := millis(s.Now())
	d.ID = cmp.Or(d.ID, s.sim.definitionID(d.Name))
	d.Created, d.UserModified = cmp.Or(d.Created, now), cmp.Or(d.UserModified, now)
	s.definitions.set(d.ID, complete(d))
}

// complete adds what every answer has.
func complete(d retell.TestCaseDefinition) *retell.TestCaseDefinition {
	d.Type, d.LLMModel = cmp.Or(d.Type, simulation), cmp.Or(d.LLMModel, defaultModel)
	if d.Metrics == nil {
		d.Metrics = []string{}
	}
	if d.DynamicVariables == nil {
		d.DynamicVariables = map[string]string{}
	}
	if d.ToolMocks == nil {
		d.ToolMocks = []retell.ToolMock{}
	}
	return &d
}

func (s *Server) createDefinition(r Request, body []byte) (int, any, error) {
	if err := validate("create", body); err != nil {
		return 0, nil, err
	}
	d, err := overlay(retell.TestCaseDefinition{}, body)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	d.ID, d.Created = s.sim.definitionID(d.Name), millis(s.Now())
	d.UserModified = d.Created
	s.definitions.set(d.ID, complete(d))
	s.mu.Unlock()
	return s.sayDefinition(r, http.StatusCreated, d.ID)
}

func (s *Server) getDefinition(r Request, _ []byte) (int, any, error) {
	return s.sayDefinition(r, http.StatusOK, r.ID)
}

// updateDefinition changes the fields that are given. Batches that exist keep the
// definition as it was.
func (s *Server) updateDefinition(r Request, body []byte) (int, any, error) {
	if err := validate("update", body); err != nil {
		return 0, nil, err
	}
	if err := s.change(r.ID, body); err != nil {
		return 0, nil, err
	}
	return s.sayDefinition(r, http.StatusOK, r.ID)
}

func (s *Server) change(id string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.definitions.get(id)
	if !ok {
		return notFound()
	}
	d, err := overlay(*old, body)
	if err != nil {
		return err
	}
	d.UserModified = millis(s.Now())
	s.definitions.set(id, complete(d))
	return nil
}

func (s *Server) deleteDefinition(r Request, _ []byte) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.definitions.delete(r.ID) {
		return 0, nil, notFound()
	}
	return http.StatusNoContent, nil, nil
}

// listDefinitions lists those that were made for an engine, of whatever version,
// newest first.
func (s *Server) listDefinitions(r Request, _ []byte) (int, any, error) {
	e, err := engine(r)
	if err != nil {
		return 0, nil, err
	}
	var all []retell.TestCaseDefinition
	s.mu.Lock()
	for _, entry := range slices.Backward(s.definitions.entries) {
		if same(entry.value.ResponseEngine, e) {
			all = append(all, *entry.value)
		}
	}
	s.mu.Unlock()
	if s.Faults.Definitions != nil {
		all = s.Faults.Definitions(r, all)
	}
	return answer(r, all, func(d retell.TestCaseDefinition) string { return d.ID })
}

func (s *Server) sayDefinition(r Request, status int, id string) (int, any, error) {
	s.mu.Lock()
	d, ok := s.definitions.get(id)
	s.mu.Unlock()
	if !ok {
		return 0, nil, notFound()
	}
	said, err := one(s.Faults.Definitions, r, *d)
	return status, said, err
}

// overlay puts the fields of a valid body over those of a definition.
func overlay(d retell.TestCaseDefinition, body []byte) (retell.TestCaseDefinition, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return d, err
	}
	old, err := json.Marshal(d)
	if err != nil {
		return d, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(old, &fields); err != nil {
		return d, err
	}
	for _, name := range inputs {
		if raw, ok := given[name]; ok {
			fields[name] = raw
		}
	}
	merged, err := json.Marshal(fields)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(merged, &d); err != nil {
		return d, err
	}
	if err := checkOdds(d.DynamicVariables); err != nil {
		return d, badRequest("/dynamic_variables" + err.Error())
	}
	return d, nil
}
