package target

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// Kind is a way to reach an app.
type Kind struct {
	// Name is the key in a suite: "http".
	Name string
	// Doc is a paragraph for users.
	Doc string
	// Options is the zero value of the options' struct, with yaml, json and
	// jsonschema tags; nil when there are none.
	Options any
	// New builds the app. Errors about the options are strict ones, with their
	// place. An app that is an io.Closer has to be closed. A suite that is checked
	// is built too: no app may be called, and nothing started, before the first
	// Respond.
	New func(n strict.Node, env Env) (harness.App, error)
}

// Registry resolves the kinds of app that suites name. The zero value, and nil,
// know the built-in ones. Fill it before the first Build; Build and Kinds may then
// be called from many goroutines.
type Registry struct {
	byName map[string]Kind // nil: the built-in ones
}

// NewRegistry is a registry with the built-in kinds, to add to.
func NewRegistry() *Registry { return &Registry{} }

func (r *Registry) all() map[string]Kind {
	if r == nil || r.byName == nil {
		all := map[string]Kind{}
		for _, k := range builtins() {
			all[k.Name] = k
		}
		return all
	}
	return r.byName
}

func builtins() []Kind {
	return []Kind{
		{"echo", "Answers with the input: for trying a dataset, evaluators and reports without an app.", echoOptions{}, newEcho},
		{"exec", "A program. By default one process for each case: the input on standard input (JSON when it is an object), the answer on standard output, without its last line break. " +
			"With protocol jsonl, long-lived processes: each request is one line {\"id\", \"input\", \"history\", \"metadata\", \"trial\", \"seed\"}, each reply one line {\"id\", \"output\"} with optional usage, cost_usd, chunks, tool_calls and metadata, or {\"id\", \"error\"}. " +
			"Programs are started in the suite's folder without a shell, with PATH, HOME, TMPDIR, LANG and env.", execOptions{}, newExec},
		{"http", "A server: one request for each case. The texts in body are templates over .Input, .ID, .History and .Metadata. A status other than 2xx is an error.", httpOptions{}, newHTTP},
		{"openai", "A chat model behind an OpenAI-compatible API: POST {base_url}/chat/completions. Without messages, the history and then the input as the user's message.", openaiOptions{}, newOpenAI},
		{"replay", "Answers with the outputs of an earlier run, for the same cases and trials: to score them with other evaluators, or to compare.", replayOptions{}, newReplay},
	}
}

var kindName = regexp.MustCompile(`^[\pL\pN][\pL\pN._/-]{0,63}$`)

// Define adds a kind of app. A name that is taken, or that is not of letters,
// digits and . _ / - only, is an error.
func (r *Registry) Define(k Kind) error {
	if k.New == nil {
		return fmt.Errorf("target: define %q: New is nil", k.Name)
	}
	if !kindName.MatchString(k.Name) {
		return fmt.Errorf("target: define %q: expected letters, digits and . _ / -, at most 64", k.Name)
	}
	all := r.all()
	if _, taken := all[k.Name]; taken {
		return fmt.Errorf("target: define %q: the name is taken", k.Name)
	}
	all[k.Name] = k
	r.byName = all
	return nil
}

// Add makes an app of your own known by a name, so that a suite can say
// `app: shop`. It has no options. It stays yours: what Build gives for it is no
// io.Closer even when it is one.
func (r *Registry) Add(name string, app harness.App) error {
	if app == nil {
		return fmt.Errorf("target: add %q: the app is nil", name)
	}
	return r.Define(Kind{
		Name: name,
		Doc:  "An app of this program, written in Go.",
		New:  func(strict.Node, Env) (harness.App, error) { return owned{app}, nil },
	})
}

// owned is an app that is its owner's to close.
type owned struct{ harness.App }

var _ Limited = owned{}

func (o owned) MaxConcurrency() int {
	if l, ok := o.App.(Limited); ok {
		return l.MaxConcurrency()
	}
	return 0
}

// Kinds gives all kinds, sorted by name. The slice is the caller's.
func (r *Registry) Kinds() []Kind {
	var kinds []Kind
	all := r.all()
	for _, name := range r.Names() {
		kinds = append(kinds, all[name])
	}
	return kinds
}

// Names gives the names of all kinds, sorted.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.all())) }

// Build makes an app of the named kind.
func (r *Registry) Build(kind string, n strict.Node, env Env) (harness.App, error) {
	env.Concurrency = max(env.Concurrency, 1)
	k, known := r.all()[kind]
	if !known {
		e := n.Errorf("unknown kind of app %s%s", strict.Quote(kind), strict.Meant(kind, r.Names()))
		e.Hint = "kinds: " + strings.Join(r.Names(), ", ")
		return nil, e
	}
	if k.Options == nil {
		if err := n.Decode(&struct{}{}); err != nil {
			return nil, err
		}
	}
	app, err := k.New(n, env)
	if err == nil && app == nil {
		err = errors.New(kind + ": New gave no app")
	}
	return app, err
}

// New builds an app of a built-in kind.
func New(kind string, n strict.Node, env Env) (harness.App, error) {
	return (*Registry)(nil).Build(kind, n, env)
}
