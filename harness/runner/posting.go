package runner

import (
	"cmp"
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
	// left counts the results that are pending or in doubt.
	left func(context.Context) (int64, error)
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
	to, err := r.destination(ctx, client)
	if err != nil {
		return nil, usage(err, "")
	}
	out := &posting{publisher: sgp.Publisher{
		Client: client, Outbox: r.stored, RunID: r.stored.ID(), EvaluationID: to.EvaluationID,
		ApplicationSpecID: to.ApplicationSpecID, DatasetVersion: to.DatasetVersion, Questions: p.SGP.Questions,
		Grace: lastWords, QuietTime: p.SGP.QuietTime, Notice: r.notice,
	}}
	out.left = func(ctx context.Context) (int64, error) {
		pending, posting, _, _, err := r.stored.PostCounts(ctx)
		return pending + posting, err
	}
	if r.published != nil {
		r.published(&out.publisher)
	}
	return out, nil
}

// notice tells the user what posting waits for.
func (r *runner) notice(text string) {
	if r.options.Notice != nil {
		r.options.Notice(r.redact.Text(text))
	}
}

// destination is where the run's results go, which is kept with the run: where
// they went before, or an evaluation that is found or made. What the suite names
// counts before what is kept; results that were posted keep an evaluation.
func (r *runner) destination(ctx context.Context, client *sgp.Client) (store.Publish, error) {
	p := r.suite.Publish.SGP
	var to store.Publish
	if kept := r.stored.Spec().Publish; kept != nil {
		to = *kept
	}
	if to.EvaluationID == "" || p.EvaluationID != "" && p.EvaluationID != to.EvaluationID {
		if r.source != nil { // no evaluation for a dataset that is not there
			if _, err := r.source.Page(ctx, ""); err != nil {
				return to, fmt.Errorf("read the dataset: %w", err)
			}
		}
		evaluation, err := r.evaluation(ctx, client)
		if err != nil {
			return to, err
		}
		to = store.Publish{
			Platform: "sgp", EvaluationID: evaluation.ID, ApplicationSpecID: evaluation.ApplicationSpecID,
			DatasetVersion: strconv.Itoa(r.suite.Dataset.SGP.Version),
		}
	}
	to.ApplicationSpecID = cmp.Or(p.ApplicationSpecID, to.ApplicationSpecID)
	if to.ApplicationSpecID == "" { // before anything is paid for
		return to, fmt.Errorf("evaluation %s names no application spec: say publish.sgp.application_spec_id", to.EvaluationID)
	}
	if kept := r.stored.Spec().Publish; kept != nil && *kept == to {
		return to, nil
	}
	return to, r.stored.SetPublish(ctx, to)
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
	return client.GetEvaluation(ctx, p.EvaluationID)
}

// start posts in the background until finish; what it returns takes news of
// stored results. Posting outlives ctx, but waits for little after its end.
func (p *posting) start(ctx context.Context) chan<- struct{} {
	if p == nil {
		return nil
	}
	p.publisher.Hurry = ctx.Done()
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.more, p.done = make(chan struct{}, 1), make(chan error, 1)
	p.more <- struct{}{} // what an earlier start left is news
	go func() { p.done <- p.publisher.Run(ctx, p.more) }()
	return p.more
}

// lastWords is how long a batch that is being sent may still take when posting
// has to stop. One that is cut off is looked up when the run is resumed.
const lastWords = time.Second

// finish waits until everything is posted and audited, or given up. Once ctx has
// ended, be it before or meanwhile, posting waits for no quiet time, and finish no
// longer than grace, and not at all when abort is closed. cut: there was more to
// do.
func (p *posting) finish(ctx context.Context, grace time.Duration, abort <-chan struct{}) (err error, cut bool) {
	if p == nil {
		return nil, false
	}
	defer p.cancel()
	close(p.more)
	defer p.sayHowMany(ctx)()
	select {
	case err = <-p.done:
	case <-ctx.Done():
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case err = <-p.done:
		case <-timer.C:
			err, cut = p.stop()
		case <-abort:
			err, cut = p.stop()
		}
	}
	switch {
	case err == nil:
		return nil, false
	case errors.Is(err, sgp.ErrHurried) || errors.Is(err, context.Canceled):
		return errors.New("posting was stopped with the run"), true
	case cut:
		return fmt.Errorf("posting was stopped: %w", err), true
	}
	return err, false
}

// sayHowMany tells a human from time to time what is still waited for, until it is
// told to stop.
func (p *posting) sayHowMany(ctx context.Context) (stop func()) {
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for pause := 5 * time.Second; ; pause = 30 * time.Second {
			select {
			case <-time.After(pause):
			case <-ended:
				return
			}
			if n, err := p.left(context.WithoutCancel(ctx)); err == nil && n > 0 {
				p.publisher.Notice(fmt.Sprintf("waiting for the platform: %d results are not posted yet", n))
			}
		}
	}()
	return func() { close(ended); <-gone }
}

// stop cuts posting off, but for its last words.
func (p *posting) stop() (err error, cut bool) {
	p.cancel()
	return <-p.done, true
}
