package runner

import (
	"context"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// journal writes to the store without secrets, and tells the outbox of news.
type journal struct {
	run    *store.Run
	redact *Redactor
	news   chan<- struct{} // nil when nothing is posted
}

var (
	_ harness.Journal = (*journal)(nil)
	_ harness.Witness = (*journal)(nil)
)

// Begin keeps what is under way.
func (j *journal) Begin(place int, c harness.Case, trial int) { j.run.Begin(place, c, trial) }

// Plan registers the cases.
func (j *journal) Plan(ctx context.Context, page []harness.Case) (harness.Planned, error) {
	there, err := j.run.Plan(ctx, page)
	return there, keptHint(err)
}

// Write stores a batch; it is synced when Write returns.
func (j *journal) Write(ctx context.Context, batch []harness.Result) error {
	j.redact.results(batch)
	if err := j.run.Write(ctx, batch); err != nil {
		return err
	}
	select {
	case j.news <- struct{}{}:
	default: // it has not got to the last news yet, and will see this too
	}
	return nil
}
