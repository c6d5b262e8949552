package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
)

// errFailedFast begins the reason why a run stopped when its gate was certain to fail.
var errFailedFast = errors.New("stopped early, as the gate is certain to fail")

// hasFailedFast tells whether a reason is that.
func hasFailedFast(reason string) bool { return strings.HasPrefix(reason, errFailedFast.Error()) }

// fastChecks are the checks that may end the run early: those of a resumed run are
// the ones that it began with, since the order of its cases follows from them.
func (r *runner) fastChecks() ([]gate.Check, error) {
	checks := r.suite.Gate
	if r.resumed() {
		var err error
		if checks, err = Checks(r.before); err != nil {
			return nil, err
		}
	}
	var out []gate.Check
	for _, c := range checks {
		if c.FailsFast() {
			out = append(out, c)
		}
	}
	return out, nil
}

// watch makes the journal that ends the run when a regression is certain. Without a
// check that asks for that, or a baseline, it is the journal itself. A run that has
// stopped for this and is resumed goes on to its end.
func (r *runner) watch(ctx context.Context, kept *journal, stop context.CancelCauseFunc) (harness.Journal, error) {
	checks, err := r.fastChecks()
	stopped := slices.ContainsFunc(r.before.Reasons, hasFailedFast)
	if err != nil || len(checks) == 0 || stopped {
		return kept, err
	}
	info, err := r.options.Store.Info(ctx, r.stored.ID())
	if err != nil {
		return nil, err
	}
	reduce, err := reducer(info.Spec)
	if err != nil {
		return nil, err
	}
	w := &watcher{journal: kept, now: NewSide(r.options.Store, info), trials: max(info.Spec.Trials, 1), stop: stop, left: map[string]int{}}
	for _, c := range checks {
		base, err := r.options.Against.side(ctx, r.options.Store, info, c.Compare.Baseline)
		if errors.Is(err, gate.ErrNoBaseline) {
			continue // which the check says at the end
		}
		if err != nil {
			return nil, err
		}
		if test := c.NewSequential(base.About(), w.now.About(), r.options.Against.AllowUnlike, reduce); test != nil {
			w.tests = append(w.tests, watched{base, test})
		}
	}
	if len(w.tests) == 0 {
		return kept, nil
	}
	return w, nil
}

// watcher looks at each case of the run when all its trials are stored, in the order
// of the run: that in which answers arrive depends on what they are.
type watcher struct {
	*journal
	now    StoredSide
	trials int
	tests  []watched
	stop   context.CancelCauseFunc

	mu      sync.Mutex
	planned []string       // IDs of the cases that were not looked at yet, in order
	left    map[string]int // trials that they lack
	over    bool
}

type watched struct {
	base compare.Side
	test *gate.Sequential
}

var (
	_ harness.Journal = (*watcher)(nil)
	_ harness.Witness = (*watcher)(nil)
)

// Plan remembers the order of the cases.
func (w *watcher) Plan(ctx context.Context, page []harness.Case) (harness.Planned, error) {
	there, err := w.journal.Plan(ctx, page)
	if err != nil {
		return there, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return there, nil
	}
	for _, c := range page {
		w.planned = append(w.planned, c.ID)
		w.left[c.ID] = w.trials
	}
	for _, key := range there.Finished {
		w.left[key.Case]--
	}
	return there, w.look(ctx)
}

// Write stores a batch and looks at the cases that are whole now.
func (w *watcher) Write(ctx context.Context, batch []harness.Result) error {
	if err := w.journal.Write(ctx, batch); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil
	}
	for _, r := range batch {
		if !r.Pending {
			w.left[r.Case.ID]--
		}
	}
	return w.look(ctx)
}

// look takes the cases that are whole, up to the first that is not.
func (w *watcher) look(ctx context.Context) error {
	for len(w.planned) > 0 && w.left[w.planned[0]] <= 0 {
		id := w.planned[0]
		now, there, err := w.now.Case(ctx, id)
		if err != nil || !there || len(now.Trials) < w.trials {
			return err
		}
		w.planned = w.planned[1:]
		delete(w.left, id)
		for _, one := range w.tests {
			base, there, err := one.base.Case(ctx, id)
			switch {
			case err != nil:
				return err
			case !there || base.Hash != now.Hash:
			case one.test.Add(base, now):
				w.over, w.planned, w.left = true, nil, nil
				w.stop(fmt.Errorf("%w: %s", errFailedFast, one.test.Stop()))
				return nil
			}
		}
	}
	return nil
}

// mostShuffled is how many cases can be put into random order: they are in memory.
const mostShuffled = 1_000_000

// shuffled is a source in an order that follows from a seed. It reads all of the
// source before the first case.
type shuffled struct {
	harness.Source
	seed  int64
	cases harness.Cases
	read  bool
}

// Page gives a page of the new order.
func (s *shuffled) Page(ctx context.Context, cursor string) (harness.Page, error) {
	for next := ""; !s.read; {
		page, err := s.Source.Page(ctx, next)
		if err != nil {
			s.cases = nil
			return page, err
		}
		if s.cases = append(s.cases, page.Cases...); len(s.cases) > mostShuffled {
			s.cases = nil
			return page, fmt.Errorf("fail_fast asks cases in random order, which is possible for %d of them at most; leave it out for larger datasets", mostShuffled)
		}
		if next = page.Next; next == "" {
			s.read = true
			random := rand.New(rand.NewPCG(uint64(s.seed), 0x6661696c66617374))
			random.Shuffle(len(s.cases), func(i, j int) { s.cases[i], s.cases[j] = s.cases[j], s.cases[i] })
		}
	}
	return s.cases.Page(ctx, cursor)
}

// Digest is the source's, "" when it has none.
func (s *shuffled) Digest() (string, error) {
	if d, ok := s.Source.(interface{ Digest() (string, error) }); ok {
		return d.Digest()
	}
	return "", nil
}
