package retell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
)

// Choice says which test case definitions are played: one of its fields is set.
type Choice struct {
	// IDs are of definitions of any engine.
	IDs []string
	// All takes every definition of the engine.
	All bool
	// Names are patterns of the names of the engine's definitions, in which * is any
	// text. Each has to fit one.
	Names []string
	// Definitions are those of a file. The platform has to have each as it is in the
	// file, under the same name: a run changes none.
	Definitions *Definitions
}

// Source gives test case definitions as cases: the ID is the definition's name, so
// that reports and baselines can be read, with the definition's ID behind it where
// several have that name; the input is its user_prompt, and the definition's ID is in
// the metadata. What else of it decides what is played and how it is judged is in
// Extra.
//
// The definitions are read once, all of them, when Open is called or the first
// page is asked for. Nothing is started.
type Source struct {
	Client *Client
	// Engine is the one that is tested.
	Engine ResponseEngine
	Choice Choice

	mu    sync.Mutex
	cases []harness.Case
}

var _ harness.Source = (*Source)(nil)

// Open reads the definitions. None, and an ID or a name that is not there, is an
// error.
func (s *Source) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cases != nil {
		return nil
	}
	chosen, err := s.choose(ctx)
	if err != nil {
		return err
	}
	named := map[string]int{}
	for _, d := range chosen {
		named[d.Name]++
	}
	cases := make([]harness.Case, 0, len(chosen))
	for i, d := range chosen {
		c, err := d.testCase()
		if err != nil {
			return fmt.Errorf("retell: test case %s: %w", d.ID, err)
		}
		if c.Seq = int64(i); d.Name == "" || named[d.Name] > 1 {
			c.ID = strings.TrimSpace(fmt.Sprintf("%s (%s)", d.Name, d.ID))
		}
		cases = append(cases, c)
	}
	s.cases = cases
	return nil
}

// Page gives all cases at once, so that batches are as large as they can be.
func (s *Source) Page(ctx context.Context, _ string) (harness.Page, error) {
	if err := s.Open(ctx); err != nil {
		return harness.Page{}, err
	}
	return harness.Page{Cases: s.cases, Total: int64(len(s.cases))}, nil
}

// Close closes idle connections.
func (s *Source) Close() error { return s.Client.Close() }

func (s *Source) choose(ctx context.Context) ([]TestCaseDefinition, error) {
	ids := s.Choice.IDs
	if s.Choice.Definitions != nil {
		var err error
		if ids, err = s.pushed(ctx, *s.Choice.Definitions); err != nil {
			return nil, err
		}
	}
	all, err := whole(s.Client.AllTestCaseDefinitions(ctx, s.Engine))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b TestCaseDefinition) int { // the platform's order is not known
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	switch c := s.Choice; {
	case len(ids) > 0:
		return s.byID(ctx, all, ids)
	case len(c.Names) > 0:
		return s.byName(all)
	case len(all) == 0:
		return nil, fmt.Errorf("retell: %s %s has no test cases", s.Engine.Type, s.Engine.ID())
	}
	return all, nil
}

// pushed finds the definitions of a file.
func (s *Source) pushed(ctx context.Context, d Definitions) ([]string, error) {
	plan, err := s.Client.PlanPush(ctx, d)
	if err != nil {
		return nil, err
	}
	var ids, other []string
	for _, c := range plan.Changes {
		ids = append(ids, c.ID)
		switch c.Action {
		case Create:
			other = append(other, strconv.Quote(c.Want.Name)+" is not there")
		case Update:
			other = append(other, fmt.Sprintf("%q is there with another %s", c.Want.Name, strings.Join(c.Fields, ", ")))
		}
	}
	if len(other) > 0 {
		return nil, fmt.Errorf("retell: the platform does not have the test cases as the file has them: %s; evalrun retell push sends them", some(other))
	}
	return ids, nil
}

// byID takes definitions in the order of their IDs. Those that are of another
// engine are asked for one by one.
func (s *Source) byID(ctx context.Context, all []TestCaseDefinition, ids []string) ([]TestCaseDefinition, error) {
	there := map[string]TestCaseDefinition{}
	for _, d := range all {
		there[d.ID] = d
	}
	var chosen []TestCaseDefinition
	var missing []string
	taken := map[string]bool{}
	for _, id := range ids {
		if taken[id] {
			return nil, fmt.Errorf("retell: test case %q is named twice; trials say how often each is played", id)
		}
		taken[id] = true
		d, ok := there[id]
		if !ok && len(missing) < 10 {
			var err error
			var e *Error
			d, err = s.Client.GetTestCaseDefinition(ctx, id)
			switch {
			case errors.As(err, &e) && (e.Status == 404 || e.Status == 422 || e.Status == 400):
				missing = append(missing, fmt.Sprintf("%q", id))
				continue
			case err != nil:
				return nil, err
			case d.ID != id:
				return nil, fmt.Errorf("retell: asked for test case %q, the platform gives %q", id, d.ID)
			}
		}
		chosen = append(chosen, d)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("retell: there is no test case %s: was it deleted, or is it of another account?", strings.Join(missing, ", "))
	}
	return chosen, nil
}

func (s *Source) byName(all []TestCaseDefinition) ([]TestCaseDefinition, error) {
	chosen := map[int]bool{}
	for _, pattern := range s.Choice.Names {
		fits, found := wildcard(pattern), false
		for i, d := range all {
			if fits.MatchString(d.Name) {
				chosen[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("retell: no test case of %s %s has a name like %q; there are %d test cases", s.Engine.Type, s.Engine.ID(), pattern, len(all))
		}
	}
	var out []TestCaseDefinition
	for _, i := range slices.Sorted(maps.Keys(chosen)) {
		out = append(out, all[i])
	}
	return out, nil
}

// wildcard makes a pattern of one in which * is any text.
func wildcard(pattern string) *regexp.Regexp {
	parts := strings.Split(pattern, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$")
}

// testCase makes a case of a definition. What does not change how it is played,
// such as its engine, its name and times, is not part of the case's hash.
func (d TestCaseDefinition) testCase() (harness.Case, error) {
	data, err := json.Marshal(TestCaseDefinitionInput{
		Metrics: d.Metrics, DynamicVariables: d.DynamicVariables, ToolMocks: d.ToolMocks, LLMModel: d.LLMModel,
	})
	if err != nil {
		return harness.Case{}, err
	}
	extra, err := wire.DecodeValue(data)
	return harness.Case{
		ID: d.Name, Input: d.UserPrompt, Extra: extra, Metadata: map[string]any{keyDefinitionID: d.ID}, Origin: "test case " + d.ID,
	}, err
}

// keyDefinitionID is where the metadata of a case has the ID of its definition.
const keyDefinitionID = "test_case_definition_id"

// definitionID is the ID of the definition of a case that the Source gave.
func definitionID(in harness.Input) string {
	id, _ := in.Metadata[keyDefinitionID].(string)
	return id
}
