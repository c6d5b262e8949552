package retell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

// Action is what is to be done to a definition.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
)

// Change is what is to be done to one definition.
type Change struct {
	Action Action
	// ID is the definition's; "" when it is to be created.
	ID string
	// Fields are those that an update sends, by their JSON names.
	Fields []string
	// Want is the definition as the file has it.
	Want TestCaseDefinitionInput
	// send is what the request holds: of an update, what differs.
	send TestCaseDefinitionInput
}

// Plan is what has to be done for the platform to have the definitions of a file.
type Plan struct {
	// Changes are in the order of the file.
	Changes []Change
	// Left is how many definitions the engines have that the file does not name;
	// they are left alone.
	Left int
}

// Count tells how many changes are of a kind.
func (p Plan) Count(a Action) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

// PlanPush compares definitions with those that the platform has of the same
// engine and name. Nothing is sent but lists. A name of the file that the platform
// has more than once is an error, with the IDs.
func (c *Client) PlanPush(ctx context.Context, d Definitions) (Plan, error) {
	var p Plan
	var errs []error
	there := map[string]byName{}
	for _, in := range d.Cases {
		engine := *in.ResponseEngine
		key := engine.Type + "\x00" + engine.ID()
		if there[key] == nil {
			all, err := c.definitions(ctx, engine)
			if err != nil {
				return p, err
			}
			there[key] = all
			for _, same := range all {
				p.Left += len(same)
			}
		}
		have, found := there[key][in.Name]
		switch {
		case !found:
			p.Changes = append(p.Changes, Change{Action: Create, Want: in, send: in})
			continue
		case len(have) > 1:
			errs = append(errs, twice(in.Name, engine, have))
		default:
			p.Changes = append(p.Changes, update(in, have[0]))
		}
		p.Left--
	}
	return p, errors.Join(errs...)
}

// byName are the definitions of an engine by their names.
type byName map[string][]TestCaseDefinition

func (c *Client) definitions(ctx context.Context, engine ResponseEngine) (byName, error) {
	list, err := whole(c.AllTestCaseDefinitions(ctx, engine))
	if err != nil {
		return nil, err
	}
	all := byName{}
	for _, d := range list {
		all[d.Name] = append(all[d.Name], d)
	}
	return all, nil
}

func twice(name string, e ResponseEngine, have []TestCaseDefinition) error {
	var ids []string
	for _, d := range have {
		ids = append(ids, d.ID)
	}
	return fmt.Errorf("retell: %w: %d are called %q on %s %s: %s; delete or rename all but one of them",
		ErrSameName, len(have), name, e.Type, e.ID(), strings.Join(ids, ", "))
}

// ErrSameName is the cause of an error about test cases of one engine that can't be
// told apart.
var ErrSameName = errors.New("test cases of the platform have the same name")

// update finds what differs, or can't be read on the platform. What it adds by
// itself, such as a version where the file names none, does not count.
func update(in TestCaseDefinitionInput, have TestCaseDefinition) Change {
	ch := Change{Action: Unchanged, ID: have.ID, Want: in}
	differs := func(field string, does bool, set func()) {
		if does {
			ch.Action, ch.Fields = Update, append(ch.Fields, field)
			set()
		}
	}
	unread := func(field string) bool {
		raw, ok := have.Unknown[field]
		return ok && string(raw) != "null"
	}
	want, got := *in.ResponseEngine, have.ResponseEngine
	differs("response_engine", want.Version != nil && (got.Version == nil || *want.Version != *got.Version),
		func() { ch.send.ResponseEngine = in.ResponseEngine })
	differs("user_prompt", in.UserPrompt != have.UserPrompt, func() { ch.send.UserPrompt = in.UserPrompt })
	differs("metrics", unread("metrics") || !slices.Equal(in.Metrics, have.Metrics), func() { ch.send.Metrics = in.Metrics })
	differs("dynamic_variables", unread("dynamic_variables") || !maps.Equal(in.DynamicVariables, have.DynamicVariables),
		func() { ch.send.DynamicVariables = in.DynamicVariables })
	differs("tool_mocks", unread("tool_mocks") || !slices.EqualFunc(in.ToolMocks, have.ToolMocks, sameMock),
		func() { ch.send.ToolMocks = in.ToolMocks })
	differs("llm_model", in.LLMModel != "" && in.LLMModel != have.LLMModel, func() { ch.send.LLMModel = in.LLMModel })
	return ch
}

func sameMock(a, b ToolMock) bool {
	sameResult := (a.Result == nil) == (b.Result == nil) && (a.Result == nil || *a.Result == *b.Result)
	return a.ToolName == b.ToolName && a.Output == b.Output && sameResult && a.InputMatchRule.same(b.InputMatchRule)
}

func (r MatchRule) same(o MatchRule) bool {
	if r.Type != o.Type || r.Type == MatchAny {
		return r.Type == o.Type
	}
	x, errX := wire.Marshal(r.Args)
	y, errY := wire.Marshal(o.Args)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Apply does what a plan says, in its order, and tells done of each change that was
// made. IDs of what is created are put into the plan. It ends at the first error; what was done
// before stays, and another plan finds it. When it is not known whether the
// platform took a change ([Ambiguous]), that is so too.
func (c *Client) Apply(ctx context.Context, p Plan, done func(Change)) error {
	for i, ch := range p.Changes {
		var d TestCaseDefinition
		var err error
		switch ch.Action {
		case Create:
			d, err = c.CreateTestCaseDefinition(ctx, ch.send)
		case Update:
			d, err = c.UpdateTestCaseDefinition(ctx, ch.ID, ch.send)
		default:
			continue
		}
		if err != nil {
			return err
		}
		p.Changes[i].ID = d.ID
		done(p.Changes[i])
	}
	return nil
}
