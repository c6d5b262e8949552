package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
)

// Run runs a suite with one of its apps and judges it. An error means that there
// is no run: nothing was called. What happens later is in the Outcome.
func Run(ctx context.Context, s *suite.Suite, o Options) (Outcome, error) {
	r := &runner{suite: s, options: o, redact: NewRedactor(s.Secrets...)}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return Outcome{}, r.scrub(err)
	}
	return r.run(ctx)
}

// runner is one run of a suite while it goes on.
type runner struct {
	suite     *suite.Suite
	options   Options
	selection Selection
	redact    *Redactor

	stored     *store.Run
	resumed    bool
	source     harness.Source
	app        harness.App
	evaluators []harness.Evaluator
	posting    *posting // nil without publish
	closers    []io.Closer
}

// prepare opens whatever the run needs, and the run itself last: when anything
// is wrong there is no run in the store.
func (r *runner) prepare(ctx context.Context) error {
	var err error
	if r.source, err = r.suite.Source(ctx); err != nil {
		return usage(err, "")
	}
	r.keep(r.source)
	r.evaluators, err = r.suite.BuildEvaluators(evaluator.Env{Dir: r.suite.Dir, Concurrency: r.suite.Concurrency})
	if err != nil {
		return usage(err, "")
	}
	for _, e := range r.evaluators {
		r.keep(e)
	}
	env := target.Env{Dir: r.suite.Dir, Concurrency: r.suite.Concurrency, Replay: replayer(r.options.Store)}
	if r.app, err = r.suite.App(r.options.App, env); err != nil {
		return usage(err, "")
	}
	r.keep(r.app)
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.startServer(ctx); err != nil {
		return errors.Join(err, r.discard(ctx, err))
	}
	if r.posting, err = r.preparePosting(ctx); err != nil {
		return errors.Join(err, r.discard(ctx, err))
	}
	return nil
}

// open starts or resumes the run in the store.
func (r *runner) open(ctx context.Context) error {
	if r.options.Resume != "" || r.options.RetryErrors {
		return r.resume(ctx)
	}
	r.selection = r.options.Selection
	if r.selection.Sample == 0 && r.suite.Sample < 1 {
		r.selection.Sample = r.suite.Sample
	}
	spec, err := r.spec()
	if err != nil {
		return usage(err, "")
	}
	if r.stored, err = r.options.Store.Create(ctx, spec); err != nil {
		return usage(err, "")
	}
	return nil
}

func (r *runner) spec() (store.Spec, error) {
	options, err := r.selection.options()
	if err != nil {
		return store.Spec{}, err
	}
	for key, value := range r.options.Tags {
		if options == nil {
			options = map[string]string{}
		}
		options["tag."+key] = value
	}
	spec := store.Spec{
		Suite: r.suite.Name, Text: string(r.suite.Text), Path: r.suite.Path, App: r.appName(),
		Dataset: r.suite.Dataset.String(), Seed: r.suite.Seed, Trials: r.suite.Trials,
		Evaluators: r.suite.Metrics, Options: options,
		Version: r.options.Version, Revision: r.options.Revision,
	}
	if d, ok := r.source.(interface{ Digest() (string, error) }); ok {
		if spec.DatasetDigest, err = d.Digest(); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

func (r *runner) appName() string {
	if r.options.App == "" && len(r.suite.Apps) > 0 {
		return r.suite.Apps[0].Name
	}
	return r.options.App
}

// startServer starts what the suite says beside the app.
func (r *runner) startServer(ctx context.Context) error {
	start := r.suite.Start
	if start == nil {
		return nil
	}
	command := process.Command{Argv: start.Command, Dir: start.Dir, Env: start.Env}
	server, err := process.Start(ctx, command, start.Ready, start.Wait)
	if err != nil {
		return usage(fmt.Errorf("start: %w", err), "")
	}
	r.keep(server)
	return nil
}

// keep remembers what has to be closed.
func (r *runner) keep(v any) {
	if c, ok := v.(io.Closer); ok {
		r.closers = append(r.closers, c)
	}
}

// close closes everything in the reverse order. The run was closed by then
// unless there was none.
func (r *runner) close() {
	for _, c := range slices.Backward(r.closers) {
		_ = c.Close() // children that die badly at the end change no result
	}
	r.closers = nil
}

// discard gives the run up again before anything was called.
func (r *runner) discard(ctx context.Context, why error) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(
		r.stored.Finish(ctx, string(harness.Incomplete), []string{r.redact.Text("did not start: " + why.Error())}, 0),
		r.stored.Close())
}

// run runs the engine with the outbox beside it, and reports.
func (r *runner) run(ctx context.Context) (Outcome, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	progress := &harness.Progress{}
	id := r.stored.ID()
	stopShow := func() {}
	if r.options.Started != nil {
		stopShow = r.options.Started(id, progress)
	}
	r.app = withCostLimit(r.app, r.options.MaxCost, stop)
	j := &journal{run: r.stored, redact: r.redact, news: r.posting.start(ctx)}
	report, err := harness.Run(ctx, r.config(j, progress))
	posted := r.posting.finish(context.Cause(ctx), r.grace(), r.options.Abort)
	stopShow()
	err = r.scrub(err)

	if report == nil { // the engine refused its configuration
		return Outcome{}, errors.Join(usage(err, ""), r.discard(ctx, err))
	}
	reasons := slices.Clone(report.Reasons)
	for i := range reasons {
		reasons[i] = r.redact.Text(reasons[i])
	}
	keep := context.WithoutCancel(ctx)
	finishErr := r.stored.Finish(keep, string(report.Status), reasons, report.Cases.Planned)
	closeErr := r.stored.Close()
	if err2 := cmp.Or(finishErr, closeErr); err2 != nil && err == nil {
		err = err2
	}
	final, ferr := r.finalReport(keep, report)
	if ferr != nil {
		return Outcome{}, &Error{Code: CodeIncomplete, Err: errors.Join(ferr, err), Hint: "the results that were stored are kept: evalrun run --resume"}
	}
	if posted != nil && final.Publish != nil {
		final.Publish.Error = r.redact.Text(posted.Error())
	}
	return Outcome{RunID: id, Report: final, Err: err, cause: context.Cause(ctx)}, nil
}

func (r *runner) grace() time.Duration { return cmp.Or(r.options.Grace, 10*time.Second) }

func (r *runner) config(j *journal, p *harness.Progress) harness.Config {
	s := r.suite
	c := harness.Config{
		Source: r.source, App: r.app, Evaluators: r.evaluators, Journal: j,
		Trials: s.Trials, Concurrency: s.Concurrency, Timeout: s.Timeout,
		Retry: harness.Retry{Max: s.Retries}, Grace: r.grace(), Abort: r.options.Abort,
		Filter: r.selection.filter(), Sample: r.selection.Sample, Limit: r.selection.Limit,
		Seed: s.Seed, Progress: p,
	}
	if s.RateLimit > 0 {
		burst := max(1, min(s.Concurrency, int(s.RateLimit/60)))
		c.Limiter = rate.NewLimiter(rate.Limit(s.RateLimit/60), burst)
	}
	return c
}

func (r *runner) scrub(err error) error {
	if err == nil || r.redact.replacer == nil {
		return err
	}
	text := err.Error()
	clean := r.redact.Text(text)
	if clean == text {
		return err
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Code: e.Code, Err: errors.New(clean), Hint: e.Hint}
	}
	return errors.New(clean)
}

// Tags are the tags that a run was given.
func Tags(spec store.Spec) map[string]string {
	tags := map[string]string{}
	for key := range maps.Keys(spec.Options) {
		if name, ok := strings.CutPrefix(key, "tag."); ok {
			tags[name] = spec.Options[key]
		}
	}
	return tags
}
