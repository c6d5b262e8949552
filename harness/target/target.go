package target

import (
	"context"
	"errors"
	"fmt"

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
