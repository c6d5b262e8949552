package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/store"
)

// StoredSide is a stored run as one side of a comparison.
type StoredSide struct {
	store *store.Store
	info  store.Info
}

var _ compare.Side = StoredSide{}

// NewSide makes a side of a stored run.
func NewSide(st *store.Store, info store.Info) StoredSide { return StoredSide{st, info} }

// About says what the run is made of.
func (s StoredSide) About() compare.About {
	spec := s.info.Spec
	digests := maps.Clone(spec.Digests)
	if digests == nil {
		digests = map[string]string{}
	}
	if spec.DatasetDigest != "" {
		digests["dataset"] = spec.DatasetDigest
	}
	r, err := reduce.Parse(spec.Reduce)
	if err != nil {
		r = reduce.Reducer{}
	}
	return compare.About{
		Name: s.info.ID, Run: s.info.ID, Incomplete: s.info.Status != string(harness.Complete), Suite: spec.Suite, App: spec.App, Trials: max(spec.Trials, 1),
		Reduce: r.String(), Metrics: spec.Evaluators, Digests: digests,
	}
}

// Cases ranges over the cases with results, in the order of the dataset.
func (s StoredSide) Cases(ctx context.Context) iter.Seq2[compare.Case, error] {
	return func(yield func(compare.Case, error) bool) {
		var trials []harness.Result
		for r, err := range s.store.Results(ctx, s.info.ID, store.Query{}) {
			if err != nil {
				yield(compare.Case{}, err)
				return
			}
			if len(trials) > 0 && trials[0].Case.ID != r.Case.ID {
				if !yield(compare.FromResults(trials), nil) {
					return
				}
				trials = trials[:0]
			}
			trials = append(trials, r)
		}
		if len(trials) > 0 {
			yield(compare.FromResults(trials), nil)
		}
	}
}

// Case finds one by ID.
func (s StoredSide) Case(ctx context.Context, id string) (compare.Case, bool, error) {
	trials, err := s.Results(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return compare.Case{}, false, nil
	}
	return compare.FromResults(trials), len(trials) > 0, err
}

// Results are those of one case, with its answers.
func (s StoredSide) Results(ctx context.Context, id string) ([]harness.Result, error) {
	var trials []harness.Result
	for r, err := range s.store.Results(ctx, s.info.ID, store.Query{Case: id}) {
		if err != nil {
			return nil, err
		}
		trials = append(trials, r)
	}
	return trials, nil
}

// reducer is how the trials of a stored run are reduced; nil for the mean.
func reducer(spec store.Spec) (func([]float64) float64, error) {
	if spec.Reduce == "" {
		return nil, nil
	}
	r, err := reduce.Parse(spec.Reduce)
	if err != nil {
		return nil, fmt.Errorf("this program does not know how the run's trials are reduced: %w", err)
	}
	return r.Reduce, nil
}
