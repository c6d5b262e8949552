package evaluator

import (
	"context"
	"io"

	"github.com/evalrun/evalrun/harness"
)

// Func makes an evaluator of a function that gives one score. The function is
// called from many goroutines at once; an error of it means that there is no
// score. The score's Name may stay empty: it is the evaluator's then.
func Func(name string, f func(ctx context.Context, t harness.Trial) (harness.Score, error)) harness.Evaluator {
	return &function{name, f}
}

type scoreFunc func(ctx context.Context, t harness.Trial) (harness.Score, error)

// short is the function with its score's reason cut to what a report can bear.
func (f scoreFunc) short(ctx context.Context, t harness.Trial) (harness.Score, error) {
	s, err := f(ctx, t)
	s.Reason = shorten(s.Reason)
	return s, err
}

type function struct {
	name string
	f    scoreFunc
}

var _ harness.Evaluator = (*function)(nil)

func (e *function) Name() string { return e.name }

func (e *function) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	s, err := e.f(ctx, t)
	if err != nil {
		return nil, err
	}
	return []harness.Score{s}, nil
}

// renamed is the evaluator under another name. Scores that have a name of their
// own keep it.
func renamed(e harness.Evaluator, name string) harness.Evaluator {
	if name == e.Name() {
		return e
	}
	return &alias{e, name}
}

type alias struct {
	harness.Evaluator
	name string
}

func (a *alias) Name() string { return a.name }

func (a *alias) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	scores, err := a.Evaluator.Evaluate(ctx, t)
	for i := range scores {
		if scores[i].Name == a.Evaluator.Name() {
			scores[i].Name = ""
		}
	}
	return scores, err
}

// Close closes the evaluator when it can be closed.
func (a *alias) Close() error {
	if c, ok := a.Evaluator.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
