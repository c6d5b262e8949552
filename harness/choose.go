package harness

import (
	"context"
	"fmt"
	"slices"
)

// Choose reads the Source to its end and gives the cases that a Run with this
// Config would take, in order, by its Filter, Sample and Limit. All of them are in
// memory then.
func Choose(ctx context.Context, c Config) ([]Case, error) {
	c.Journal = nil // so that IDs are looked at here
	e := &engine{Config: c}
	ctx, stop := context.WithCancel(ctx)
	defer stop() // also when the Filter panics
	pages := make(chan Page, 1)
	fetched := make(chan error, 1)
	go func() {
		err := fmt.Errorf("source: %w", errGoexit) // a test's source may call FailNow
		defer func() { fetched <- err }()
		err = e.fetch(ctx, pages)
	}()
	var all [][]Case
	var err error
	for p := range pages {
		var chosen []Case
		if chosen, err = e.choose(p); err != nil {
			break
		}
		all = append(all, chosen)
		if e.planned += int64(len(chosen)); c.Limit > 0 && e.planned >= c.Limit {
			break
		}
	}
	stop()
	for range pages { // lets fetch end
	}
	failed := <-fetched
	switch {
	case err != nil:
		return nil, err
	case failed != nil && !e.enough():
		return nil, failed
	case !e.fetchedAll && !e.enough():
		return nil, fmt.Errorf("source: %w", context.Cause(ctx))
	}
	return slices.Concat(all...), nil
}

// enough tells whether there are as many cases as Limit wants.
func (e *engine) enough() bool { return e.Limit > 0 && e.planned >= e.Limit }
