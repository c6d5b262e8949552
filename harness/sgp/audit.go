package sgp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// ErrAudit is the cause of an error of Publisher.Run after which the platform
// does not hold what was posted, each result once and nothing else. Nothing can be
// deleted there; results that are lost can't be told from those that somebody
// moved.
var ErrAudit = errors.New("the platform does not hold what was posted")

// audit compares the platform with the outbox. When something in doubt was sent
// again it waits for what may have arrived late.
func (r *posting) audit(ctx context.Context) (harness.Audit, error) {
	if wait := time.Until(r.resent.Add(r.quiet)); !r.resent.IsZero() && wait > 0 {
		r.notice("some results were posted again: in %s it is checked that none is there twice", wait.Round(time.Second))
		if err := r.pause(ctx, wait); err != nil {
			return harness.Audit{}, err
		}
	}
	for try, began := 0, time.Now(); ; try++ {
		var unread error
		audit, err := r.Outbox.Audit(ctx, r.listed(ctx, &unread))
		switch {
		case err == nil && !audit.Clean():
			return audit, fmt.Errorf("%w: %d results are there, %d are lost, %d are there once more than they should be, %d were not posted by this run",
				ErrAudit, audit.Found, audit.Lost, audit.Duplicated, audit.Unexpected)
		case err == nil:
			return audit, nil
		case ctx.Err() != nil:
			return audit, context.Cause(ctx)
		case unread == nil || permanent(err) || time.Since(began) >= patience:
			return audit, fmt.Errorf("compare what is posted with what the platform has: %w", err)
		}
		if try == 0 {
			r.notice("what the platform has can't be read, which is tried again: %v", err)
		}
		if err := r.pause(ctx, pauseAfter(try)); err != nil {
			return audit, err
		}
	}
}

// listed reads the results that are or may be of this run. unread is why it could
// not.
func (r *posting) listed(ctx context.Context, unread *error) iter.Seq2[[]harness.Listed, error] {
	return func(yield func([]harness.Listed, error) bool) {
		enough := errors.New("enough")
		err := r.readList(ctx, func(results []listedResult) error {
			if ours := r.ours(results); len(ours) > 0 && !yield(ours, nil) {
				return enough
			}
			return nil
		})
		if err != nil && err != enough { //nolint:errorlint // it is this very one
			*unread = err
			yield(nil, err)
		}
	}
}

func (r *posting) ours(results []listedResult) []harness.Listed {
	var out []harness.Listed
	for _, res := range results {
		l := harness.Listed{RemoteID: res.ID}
		if res.keyed {
			if res.key.Run != r.RunID {
				continue
			}
			l.Key = harness.Key{Case: res.key.Case, Trial: res.key.Trial}
		}
		out = append(out, l)
	}
	return out
}

// pause waits, unless ctx ends or there is no time.
func (p *Publisher) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.Hurry:
		return ErrHurried
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
