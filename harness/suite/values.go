package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// Of is a suite of Go values: no file has it. The path is that of the Go file which
// it stands in; relative paths, such as those of baselines, start in its folder.
// Use says what the Config is for.
func Of(name, path string, c harness.Config) (*Suite, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("suite %s: find its folder: %w", name, err)
	}
	if missing := missing(c); len(missing) > 0 {
		return nil, fmt.Errorf("suite %s: the Config has no %s", name, strings.Join(missing, ", "))
	}
	s := &Suite{
		Name: name, Path: path, Dir: dir, folder: folder{dir, true},
		Trials: 1, Concurrency: 16, Timeout: time.Minute, MaxRetryElapsed: 5 * time.Minute, Sample: 1, Seed: 42,
		Apps: []App{{Name: "go", Kind: "go"}}, digests: map[string]string{},
	}
	return s, s.Use(c)
}

// missing are the fields of a Config that a suite of Go values can't do without.
func missing(c harness.Config) (fields []string) {
	if c.Source == nil {
		fields = append(fields, "Source")
	}
	if c.App == nil {
		fields = append(fields, "App")
	}
	if len(c.Evaluators) == 0 {
		fields = append(fields, "Evaluators")
	}
	return fields
}

// Use puts the Go values of a Config in the place of what the suite says: its
// Source for the dataset, its App for the only app. Its Evaluators come beside the
// suite's own. Every other field counts where it is not zero. Reduce, Journal,
// Progress and Demand are not the suite's: a Config that has one is refused.
//
// The values stay the caller's: they are used by every run of the suite and closed
// by none.
func (s *Suite) Use(c harness.Config) error {
	switch {
	case c.Reduce != nil:
		return errors.New("a suite reduces trials by a reducer that has a name (Suite.Reduce), so that its stored runs can be reduced too")
	case c.Journal != nil || c.Progress != nil || c.Demand != nil:
		return errors.New("a suite has no Journal, Progress or Demand: they belong to whoever runs the suite")
	case s.Retell != nil && (c.App != nil || c.Source != nil):
		return errors.New("test cases of Retell have no other App or Source")
	case c.App != nil && len(s.Apps) > 1:
		return fmt.Errorf("an App stands for one, and the suite has %d", len(s.Apps))
	case c.Limit < 0 || c.Sample < 0 || c.Sample > 1 || c.Trials < 0 || c.Concurrency < 0:
		return errors.New("need a Limit, Trials and Concurrency of 0 or more, and a Sample of 0 to 1")
	}
	for _, e := range c.Evaluators {
		if e == nil {
			return errors.New("an Evaluator is nil")
		}
		if slices.Contains(s.Metrics, e.Name()) {
			return fmt.Errorf("two evaluators give the metric %s", strict.Quote(e.Name()))
		}
		s.Metrics = append(s.Metrics, e.Name())
	}
	if c.App != nil {
		s.Apps = []App{{Name: "go", Kind: "go"}}
		delete(s.digests, "app")
		s.Start = nil
	}
	if c.Source != nil {
		s.Dataset = Dataset{Source: c.Source}
	}
	replace(&s.Trials, c.Trials)
	replace(&s.Concurrency, c.Concurrency)
	replace(&s.Timeout, c.Timeout)
	replace(&s.Retries, c.Retry.Max)
	replace(&s.Sample, c.Sample)
	replace(&s.Seed, c.Seed)
	s.values = c
	return nil
}

// Values are what Use was given.
func (s *Suite) Values() harness.Config { return s.values }

// Settings says what the app is made of, such as its model and its prompt: a digest
// of it is kept with each run, and baselines and recordings are of the same.
func (s *Suite) Settings(digest string) {
	if digest != "" {
		s.digests["app"] = digest
	}
}

// AddChecks adds checks to the gate, written as in a suite file; each has to name
// metrics that there are. An evaluator of Go may give others than that of its name,
// so that with one of those any name will do.
func (s *Suite) AddChecks(texts ...string) error {
	var errs []error
	for _, text := range texts {
		c, err := gate.Parse(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range c.Evaluators() {
			if len(s.values.Evaluators) == 0 && !slices.Contains(s.Metrics, name) {
				errs = append(errs, fmt.Errorf("check %s: no evaluator gives the metric %s%s", strict.Quote(text), strict.Quote(name), strict.Meant(name, s.Metrics)))
			}
		}
		s.Gate = append(s.Gate, c)
	}
	return errors.Join(errs...)
}

func replace[T comparable](at *T, v T) {
	var zero T
	if v != zero {
		*at = v
	}
}

// borrowed hides that a value can be closed: its owner does that.
type (
	borrowedSource    struct{ harness.Source }
	borrowedEvaluator struct{ harness.Evaluator }
	borrowedApp       struct{ harness.App }
)

// MaxConcurrency is the app's own; 0 when it has none.
func (a borrowedApp) MaxConcurrency() int {
	if l, ok := a.App.(target.Limited); ok {
		return l.MaxConcurrency()
	}
	return 0
}

// goSource is the Source that Use was given.
func (s *Suite) goSource(ctx context.Context) (harness.Source, error) {
	if cases, ok := s.Dataset.Source.(harness.Cases); ok {
		return inline{cases}, ctx.Err()
	}
	return borrowedSource{s.Dataset.Source}, ctx.Err()
}
