package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/harness/target"
)

// Run runs a suite with one of its apps and judges it. An error means that there
// is nothing to report: the app was not called, a new run is not in the store,
// and a run that was to be resumed is as it was. What happens later is in the
// Outcome.
func Run(ctx context.Context, s *suite.Suite, o Options) (Outcome, error) {
	return newRunner(s, o).do(ctx)
}

func newRunner(s *suite.Suite, o Options) *runner {
	r := &runner{suite: s, options: o, redact: NewRedactor(s.Secrets...)}
	r.hosts = r.newHosts()
	s.Hosts = r.hosts
	return r
}

func (r *runner) do(ctx context.Context) (Outcome, error) {
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return Outcome{}, r.redact.failure(errors.Join(err, r.giveUp(ctx)))
	}
	outcome, err := r.run(ctx)
	return outcome, r.redact.failure(err)
}

// runner is one run of a suite while it goes on.
type runner struct {
	suite     *suite.Suite
	options   Options
	only      bool // posting: nothing else is done, see Publish
	selection Selection
	redact    *Redactor

	todo       work
	before     store.Info // of the resumed run
	stored     *store.Run // nil when there is nothing to do
	source     harness.Source
	cases      *retell.Source // the source, when it is that
	app        harness.App
	evaluators []harness.Evaluator
	server     *process.Server                                         // nil without start
	posting    *posting                                                // nil without publish
	paid       float64                                                 // US dollars, for answers of the resumed run
	ahead      func(ctx context.Context, trials []harness.Input) error // of the app; nil when it does not care
	batches    *retell.App                                             // the app, when it is that
	most       int                                                     // calls of the app at once; 0: as the suite says
	found      map[string]bool                                         // of the cases that the selection names
	notes      []string                                                // warnings that are kept with the run
	closers    []io.Closer

	// For tests; nil outside of them.
	hosts      *pace.Hosts                           // that the run calls
	progress   atomic.Pointer[harness.Progress]      // of the engine, once it runs
	substitute func(harness.App) harness.App         // another app than the suite's
	journaled  func(harness.Journal) harness.Journal // something around the journal
	published  func(*sgp.Publisher)                  // changes of the publisher
}

// work is what is left to do of a run.
type work struct{ run, post bool }

// resumed tells whether the run was there already.
func (r *runner) resumed() bool { return r.options.Resume != "" || r.options.RetryErrors }

// prepare opens whatever the run needs. The run itself comes late and is changed
// last: when anything is wrong there is none in the store, or it is as it was.
func (r *runner) prepare(ctx context.Context) error {
	var err error
	if r.resumed() {
		err = r.find(ctx)
	} else {
		r.start()
	}
	if err == nil && r.todo.run {
		err = r.build(ctx)
	}
	if err == nil && r.todo != (work{}) {
		spec := store.Spec{Suite: r.suite.Name, App: r.appName(), Options: r.appOptions()}
		err = r.options.Against.known(ctx, r.options.Store, store.Info{Spec: spec})
	}
	if err == nil && r.todo != (work{}) {
		err = r.open(ctx)
	}
	if err == nil && r.todo.run {
		r.paid, err = r.spent(ctx)
	}
	if err == nil && r.todo.run && r.batches != nil {
		err = r.beginBatches()
	}
	if err == nil && r.todo.run {
		err = r.startServer(ctx)
	}
	if err == nil && r.todo.run && r.batches != nil {
		err = r.openCases(ctx)
	}
	if err == nil && r.todo != (work{}) {
		r.posting, err = r.preparePosting(ctx)
	}
	if err == nil && r.options.RetryErrors && r.todo.run {
		if _, err = r.stored.ForgetErrored(ctx); err != nil {
			err = usage(err, "")
		}
	}
	if err == nil && r.options.RetryRejected && r.only {
		if _, err = r.stored.ForgetRejected(ctx); err != nil {
			err = usage(err, "")
		}
	}
	return err
}

// start chooses what a new run takes.
func (r *runner) start() {
	r.todo = work{run: true, post: true}
	r.selection = r.options.Selection
	if r.selection.Sample == 0 && r.suite.Sample < 1 {
		r.selection.Sample = r.suite.Sample
	}
}

// build makes the source, the evaluators and the app.
func (r *runner) build(ctx context.Context) error {
	var err error
	if r.source, err = r.suite.Source(ctx); err != nil {
		return usage(err, "")
	}
	r.keep(r.source)
	r.cases, _ = r.source.(*retell.Source)
	if err := r.sameFile(); err != nil {
		return err
	}
	fast, err := r.fastChecks()
	if err != nil {
		return err
	}
	if len(fast) > 0 {
		r.source = &shuffled{Source: r.source, seed: r.suite.Seed}
	}
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
	if r.substitute != nil {
		r.app = r.substitute(r.app)
	}
	if l, ok := r.app.(target.Limited); ok {
		r.most = l.MaxConcurrency()
	}
	r.batches, _ = r.app.(*retell.App)
	if a, ok := r.app.(interface {
		Ahead(ctx context.Context, trials []harness.Input) error
	}); ok {
		r.ahead = a.Ahead
	}
	return nil
}

// open makes the run in the store, or takes up the one that is there.
func (r *runner) open(ctx context.Context) error {
	var err error
	if r.resumed() {
		r.stored, err = r.options.Store.Resume(ctx, r.before.ID)
		if errors.Is(err, store.ErrLocked) {
			return usage(err, "wait for it, or stop that process")
		}
	} else {
		var spec store.Spec
		if spec, err = r.spec(); err == nil {
			r.stored, err = r.options.Store.Create(ctx, spec)
		}
	}
	if err != nil {
		return usage(err, "")
	}
	return nil
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
	r.server = server
	r.keep(server)
	return nil
}

// giveUp lets go of a run before anything was called: a new one is deleted, one
// that was there is left as it is.
func (r *runner) giveUp(ctx context.Context) error {
	switch {
	case r.stored == nil:
		return nil
	case r.resumed():
		return r.stored.Close()
	}
	err := r.stored.Discard(context.WithoutCancel(ctx))
	if err != nil { // it is there, and others must be able to take it up
		err = errors.Join(err, r.stored.Close())
	}
	return err
}

// keep remembers what has to be closed.
func (r *runner) keep(v any) {
	if c, ok := v.(io.Closer); ok {
		r.closers = append(r.closers, c)
	}
}

// close closes everything in the reverse order.
func (r *runner) close() {
	for _, c := range slices.Backward(r.closers) {
		_ = c.Close() // children that die badly at the end change no result
	}
	r.closers = nil
}
