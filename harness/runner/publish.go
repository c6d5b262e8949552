package runner

import (
	"context"
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// Publish finishes the posting of a stored run, whatever became of the run: it
// posts what is pending, looks up what is in doubt, and audits what the platform
// has. The suite says how; it may have changed since the run, but for its dataset,
// and a run that was not published goes to where it says now. The app is not
// called, and of the options only Store, Grace, Abort, RetryRejected and Notice
// count.
//
// The Outcome's Code is CodePass when everything is posted and the audit found
// nothing wrong, else CodeUnposted. Errors are as those of Run.
func Publish(ctx context.Context, s *suite.Suite, o Options, id string) (Outcome, error) {
	o.Resume, o.RetryErrors, o.Selection = id, false, Selection{}
	r := newRunner(s, o)
	r.only = true
	return r.do(ctx)
}

// postable tells whether a run's results can be posted as the suite says.
func (r *runner) postable(info store.Info) error {
	switch {
	case r.suite.Publish == nil:
		return usage(fmt.Errorf("%s publishes nothing", r.suite.Path),
			"say where the results go: publish: {sgp: {evaluation: {name: NAME}}} makes an evaluation, {sgp: {evaluation_id: ID}} names one that is there")
	case info.Spec.Dataset != r.suite.Dataset.String():
		return usage(fmt.Errorf("run %s is of the dataset %s, and %s has %s", info.ID, info.Spec.Dataset, r.suite.Path, r.suite.Dataset),
			"results on the platform belong to the cases that were asked: start a new run")
	case info.Completed == 0:
		return usage(fmt.Errorf("run %s has no result to post", info.ID), "evalrun run --resume="+info.ID+" goes on with it")
	}
	return whollyScored(info)
}

// published is what became of a run's results on a platform; nil when they go to
// none.
func published(ctx context.Context, st *store.Store, info store.Info) (*harness.Publish, error) {
	p := info.Spec.Publish
	if p == nil {
		return nil, nil
	}
	out := &harness.Publish{
		Platform: p.Platform, EvaluationID: p.EvaluationID, Posted: info.Posts.Posted,
		Pending: info.Posts.Pending + info.Posts.Posting, Rejected: info.Posts.Rejected, Audit: info.Audit,
	}
	if out.Rejected == 0 {
		return out, nil
	}
	const most = 20 // in a report
	for receipt, err := range st.Posts(ctx, info.ID, store.PostQuery{OnlyRejected: true}) {
		if err != nil {
			return nil, fmt.Errorf("read what was rejected of run %s: %w", info.ID, err)
		}
		if out.Rejections = append(out.Rejections, receipt); len(out.Rejections) == most {
			break
		}
	}
	return out, nil
}
