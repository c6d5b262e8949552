package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
)

// posting posts the run's stored results while the run goes on, and what is left
// of them afterwards. A nil posting posts nothing.
type posting struct {
	publisher sgp.Publisher
	more      chan struct{}
	done      chan error
	cancel    context.CancelFunc
}

// preparePosting finds or creates the evaluation. It is nil when the suite
// publishes nothing.
func (r *runner) preparePosting(ctx context.Context) (*posting, error) {
	p := r.suite.Publish
	if p == nil {
		return nil, nil
	}
	client, err := r.suite.SGP()
	if err != nil {
		return nil, usage(err, "")
	}
	r.keep(client)
	to := r.stored.Spec().Publish
	if to == nil || to.EvaluationID == "" {
		if r.source != nil { // no evaluation for a dataset that is not there
			if _, err := r.source.Page(ctx, ""); err != nil {
				return nil, usage(fmt.Errorf("read the dataset: %w", err), "")
			}
		}
		evaluation, err := r.evaluation(ctx, client)
		if err != nil {
			return nil, usage(err, "")
		}
		to = &store.Publish{
			Platform: "sgp", EvaluationID: evaluation.ID, ApplicationSpecID: evaluation.ApplicationSpecID,
			DatasetVersion: strconv.Itoa(r.suite.Dataset.SGP.Version),
		}
		if err := r.stored.SetPublish(ctx, *to); err != nil {
			return nil, usage(err, "")
		}
	}
	out := &posting{publisher: sgp.Publisher{
		Client: client, Outbox: r.stored, RunID: r.stored.ID(), EvaluationID: to.EvaluationID,
		ApplicationSpecID: to.ApplicationSpecID, DatasetVersion: to.DatasetVersion, Questions: p.SGP.Questions,
		QuietTime: p.SGP.QuietTime, Grace: lastWords,
	}}
	if r.published != nil {
		r.published(&out.publisher)
	}
	return out, nil
}

// evaluation is the one that the suite names, or a new one.
func (r *runner) evaluation(ctx context.Context, client *sgp.Client) (sgp.Evaluation, error) {
	p := r.suite.Publish.SGP
	if p.Evaluation != nil {
		return sgp.StartEvaluation(ctx, client, sgp.RunEvaluation{
			RunID: r.stored.ID(), Name: p.Evaluation.Name, Description: p.Evaluation.Description,
			ApplicationSpecID: p.ApplicationSpecID, Application: r.suite.Name,
		})
	}
	found, err := client.GetEvaluation(ctx, p.EvaluationID)
	if p.ApplicationSpecID != "" {
		found.ApplicationSpecID = p.ApplicationSpecID
	}
	return found, err
}

// start posts in the background until finish; what it returns takes news of
// stored results. Posting outlives ctx.
func (p *posting) start(ctx context.Context) chan<- struct{} {
	if p == nil {
		return nil
	}
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.more, p.done = make(chan struct{}, 1), make(chan error, 1)
	p.more <- struct{}{} // what an earlier start left is news
	go func() { p.done <- p.publisher.Run(ctx, p.more) }()
	return p.more
}

// lastWords is how long a batch that is being sent may still take when posting
// has to stop. One that is cut off is looked up when the run is resumed.
const lastWords = time.Second

// finish waits until everything is posted or given up. Once ctx has ended, be it
// before or meanwhile, it waits no longer than grace, and not at all when abort
// is closed; posting was cut off then.
func (p *posting) finish(ctx context.Context, grace time.Duration, abort <-chan struct{}) (err error, cut bool) {
	if p == nil {
		return nil, false
	}
	defer p.cancel()
	close(p.more)
	select {
	case err := <-p.done:
		return err, false
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-p.done:
		return err, false
	case <-timer.C:
	case <-abort:
	}
	p.cancel()
	if err := <-p.done; err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("posting was stopped: %w", err), true
	}
	return errors.New("posting was stopped with the run"), true
}
