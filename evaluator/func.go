package evaluator

import (
	"context"

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

// owned is an evaluator of the user's own, maybe under another name. It hides
// Close: who made the evaluator closes it, and it may be built more than once.
// Scores that have a name of their own keep it.
type owned struct {
	e    harness.Evaluator
	name string
}

var _ harness.Evaluator = (*owned)(nil)

func (o *owned) Name() string { return o.name }

func (o *owned) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	scores, err := o.e.Evaluate(ctx, t)
	for i := range scores {
		if scores[i].Name == o.e.Name() {
			scores[i].Name = ""
		}
	}
	return scores, err
}
