package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// replayer gives apps that answer with the stored outputs of a run.
func replayer(st *store.Store) func(ctx context.Context, run string) (harness.App, error) {
	return func(ctx context.Context, run string) (harness.App, error) {
		info, err := st.Info(ctx, run)
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		return &replay{st, info.ID}, nil
	}
}

// replay is an app that answers as another one did in a stored run.
type replay struct {
	store *store.Store
	run   string
}

// Respond gives the stored output of the same case and trial. A run with fewer
// trials gives its last one.
func (p *replay) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	var found *harness.Result
	for r, err := range p.store.Results(ctx, p.run, store.Query{Case: in.ID}) {
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return harness.Output{}, fmt.Errorf("replay %s: %w", p.run, err)
		}
		if found == nil || r.Trial <= in.Trial {
			found = &r
		}
	}
	switch {
	case found == nil:
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Permanent: true,
			Message: fmt.Sprintf("replay: run %s has no result of case %q", p.run, in.ID)}
	case found.Output == nil:
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Permanent: true,
			Message: fmt.Sprintf("replay: case %q had an error in run %s: %s", in.ID, p.run, found.Error.Message)}
	}
	return *found.Output, nil
}
