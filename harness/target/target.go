package target

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// Env is what apps need to know of the run.
type Env struct {
	// Dir is the folder of the suite; programs start there.
	Dir string
	// Concurrency is how many trials run at once, default 1.
	Concurrency int
	// Replay opens an earlier run, whose stored outputs are the answers. Nil: there
	// is no store.
	Replay func(ctx context.Context, run string) (harness.App, error)
}

// Limited is an app that answers only so many inputs at once. More would wait for
// each other within the time limit of their calls, and their waiting would count
// as the app's latency: a run should make no more calls than that at a time.
type Limited interface {
	// MaxConcurrency is the most calls at once; 0 means any number.
	MaxConcurrency() int
}

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
	// place. An app that is an io.Closer has to be closed.
	New func(n strict.Node, env Env) (harness.App, error)
}

// Kinds gives all kinds, sorted by name. The slice is the caller's.
func Kinds() []Kind {
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

// New builds an app of the named kind.
func New(kind string, n strict.Node, env Env) (harness.App, error) {
	env.Concurrency = max(env.Concurrency, 1)
	var names []string
	for _, k := range Kinds() {
		if k.Name == kind {
			return k.New(n, env)
		}
		names = append(names, k.Name)
	}
	e := n.Errorf("unknown kind of app %q; there are %s", kind, strings.Join(names, ", "))
	if near := strict.Nearest(kind, names); near != "" {
		e.Hint = "did you mean " + near + "?"
	}
	return nil, e
}

type echoOptions struct{}

func newEcho(n strict.Node, _ Env) (harness.App, error) {
	var o echoOptions
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	return harness.AppFunc(func(_ context.Context, in harness.Input) (harness.Output, error) {
		return harness.Output{Value: in.Value}, nil
	}), nil
}

type replayOptions struct {
	Run string `yaml:"run" json:"run" jsonschema:"required" jsonschema_description:"The run whose outputs are the answers: its ID, the beginning of it, or \"latest\"."`
}

func newReplay(n strict.Node, env Env) (harness.App, error) {
	var o replayOptions
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	if o.Run == "" {
		return nil, n.Errorf("replay: run is missing")
	}
	if env.Replay == nil {
		return nil, n.Errorf("replay: there is no store of earlier runs")
	}
	app, err := env.Replay(context.Background(), o.Run)
	if err != nil {
		return nil, fmt.Errorf("open run %s: %w", o.Run, err)
	}
	if app == nil {
		return nil, errors.New("replay: run " + o.Run + " was not opened")
	}
	return app, nil
}
