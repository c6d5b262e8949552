package runner

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// run does what is to do, the posting beside it, and reports.
func (r *runner) run(ctx context.Context) (Outcome, error) {
	if r.todo == (work{}) {
		return r.nothing(ctx)
	}
	news := r.posting.start(ctx)
	var e ending
	if r.todo.run {
		var err error
		if e, err = r.engine(ctx, news); err != nil {
			_, _ = r.posting.finish(ctx, r.grace(), r.options.Abort) // a new run has nothing to post
			return Outcome{}, errors.Join(usage(err, ""), r.giveUp(ctx))
		}
		r.record(ctx, &e)
	}
	posted, cut := r.posting.finish(ctx, r.grace(), r.options.Abort)
	if err := r.stored.Close(); err != nil && e.err == nil {
		e.err = err
	}
	if e.stopShow != nil {
		e.stopShow()
	}
	report, err := r.report(context.WithoutCancel(ctx), e)
	if err != nil {
		return Outcome{}, &Error{Code: CodeIncomplete, Err: errors.Join(err, e.err),
			Hint: "the results that were stored are kept, and the run can be resumed"}
	}
	if posted != nil && report.Publish != nil && !errors.Is(posted, sgp.ErrAudit) { // of that the audit tells
		report.Publish.Error = r.redact.Text(posted.Error())
		report.Publish.Audit = nil // the one that is stored is an earlier one's
	}
	out := Outcome{RunID: r.stored.ID(), Report: report, Err: r.redact.failure(e.err), only: r.only}
	if ctx.Err() != nil && (r.todo.run && report.Status == harness.Incomplete || cut) {
		out.interrupted = context.Cause(ctx)
	}
	return out, nil
}

// nothing reports a run that has come to its end already.
func (r *runner) nothing(ctx context.Context) (Outcome, error) {
	report, err := r.report(ctx, ending{})
	return Outcome{RunID: r.before.ID, Report: report, Idle: true}, err
}

// ending is how the engine ended.
type ending struct {
	report   *harness.Report // nil when it had nothing to do
	reasons  []string        // why the run is incomplete
	err      error           // likewise, nil when it is complete
	stopShow func()
}

// engine runs the cases. An error means that it refused to.
func (r *runner) engine(ctx context.Context, news chan<- struct{}) (ending, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	progress := &harness.Progress{}
	e := ending{stopShow: func() {}}
	if r.options.Started != nil {
		e.stopShow = r.options.Started(r.stored.ID(), progress)
	}
	r.progress.Store(progress)
	pacer := r.pacer()
	r.app = withCostLimit(r.app, r.options.MaxCost, r.paid, stop)
	kept, err := r.watch(ctx, &journal{run: r.stored, redact: r.redact, news: news}, stop)
	if err != nil {
		e.stopShow()
		return e, err
	}
	if r.journaled != nil {
		kept = r.journaled(kept)
	}
	drive := r.options.Drive
	if drive == nil {
		drive = harness.Run
	}
	e.report, e.err = drive(ctx, r.config(kept, pacer, progress))
	if e.report == nil {
		e.stopShow()
		return e, e.err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errFailedFast) && errors.Is(e.err, errFailedFast) {
		e.err, e.report.Reasons = cause, []string{cause.Error()} // no interruption, but what was asked for
	}
	if e.err == nil {
		if e.err = r.sameCases(e.report.Cases.Planned); e.err != nil {
			e.report.Status = harness.Incomplete
			e.report.Reasons = append(e.report.Reasons, e.err.Error())
		}
	}
	for _, reason := range e.report.Reasons {
		e.reasons = append(e.reasons, r.redact.Text(reason))
	}
	if e.report.Status == harness.Incomplete && len(e.reasons) == 0 {
		e.reasons = []string{"the run did not reach its end"}
	}
	for _, warning := range e.report.Warnings {
		r.note(warning)
	}
	if r.batches != nil {
		for _, warning := range r.batches.Warnings() {
			r.note(warning)
		}
	}
	r.noteRefusals()
	r.note(costNote(e.report, r.options.MaxCost))
	if e.err == nil {
		r.note(r.missing())
	}
	if r.server != nil {
		if err := r.server.Err(); err != nil {
			r.note("the server of start: " + err.Error())
		}
	}
	return e, nil
}

// filter is the selection's; it remembers which of the cases asked for there are.
func (r *runner) filter() func(harness.Case) bool {
	choose := r.selection.filter()
	if len(r.selection.Cases) == 0 {
		return choose
	}
	r.found = map[string]bool{}
	return func(c harness.Case) bool {
		r.found[c.ID] = true
		return choose(c)
	}
}

// missing is the warning about cases that were asked for and are not there.
func (r *runner) missing() string {
	var ids []string
	for _, id := range r.selection.Cases {
		if r.found != nil && !r.found[id] {
			ids = append(ids, strconv.Quote(id))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return "no case " + strings.Join(ids, ", ") + " in the dataset"
}

// note keeps a warning with the run; "" is none.
func (r *runner) note(text string) {
	if text = r.redact.Text(text); text != "" && !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// noteMark begins what is kept among a run's reasons and is none: a warning,
// which belongs into every report of the run.
const noteMark = "warning: "

// record keeps how the run ended, before anything waits for the platform.
func (r *runner) record(ctx context.Context, e *ending) {
	kept := slices.Clone(e.reasons)
	for _, n := range r.notes {
		kept = append(kept, noteMark+n)
	}
	ctx = context.WithoutCancel(ctx)
	var err error
	if r.otherGate(r.stored.Spec()) { // it has changed since the run began
		err = r.stored.SetGate(ctx, gateTexts(r.suite.Gate))
	}
	if spec := r.stored.Spec(); r.resumed() && !r.only {
		if digests, changed := mixed(spec.Digests, r.suite.Digests(r.appName())); changed {
			err = errors.Join(err, r.stored.SetEvaluators(ctx, spec.Evaluators, digests))
		}
	}
	err = errors.Join(err, r.keepSelected(ctx))
	err = errors.Join(err, r.stored.Finish(ctx, string(e.report.Status), kept, e.report.Cases.Planned))
	if err != nil {
		e.report.Status = harness.Incomplete
		e.reasons = append(e.reasons, r.redact.Text(err.Error()))
		e.err = cmp.Or(e.err, err)
	}
}

// keepSelected keeps what Drive chose of the cases.
func (r *runner) keepSelected(ctx context.Context) error {
	if r.options.Selected == nil {
		return nil
	}
	ids := r.options.Selected()
	if ids == nil {
		return nil
	}
	options, err := Selection{Cases: ids}.options()
	if err != nil {
		return err
	}
	return r.stored.SetOption(ctx, selectionOption, options[selectionOption])
}

// splitNotes tells the reasons from the warnings of a stored run.
func splitNotes(kept []string) (reasons, notes []string) {
	for _, text := range kept {
		if note, ok := strings.CutPrefix(text, noteMark); ok {
			notes = append(notes, note)
		} else {
			reasons = append(reasons, text)
		}
	}
	return reasons, notes
}

func (r *runner) grace() time.Duration { return cmp.Or(r.options.Grace, 10*time.Second) }

// concurrency is how many calls of the app are made at once.
func (r *runner) concurrency() int {
	if r.most > 0 {
		return min(r.suite.Concurrency, r.most)
	}
	return r.suite.Concurrency
}

func (r *runner) config(j harness.Journal, pacer harness.Pacer, p *harness.Progress) harness.Config {
	s := r.suite
	c := s.Values()
	c.Source, c.App, c.Evaluators, c.Journal, c.Progress = r.source, r.app, r.evaluators, j, p
	c.Trials, c.Concurrency, c.Timeout, c.Retry.Max = s.Trials, r.concurrency(), s.Timeout, s.Retries
	c.Sample, c.Seed = r.selection.Sample, s.Seed
	if r.ahead != nil {
		c.Ahead = r.ahead
	}
	c.Grace, c.Abort = r.grace(), r.options.Abort
	if f, own := r.filter(), c.Filter; f != nil {
		c.Filter = func(tc harness.Case) bool { return f(tc) && (own == nil || own(tc)) }
	}
	if r.selection.Limit > 0 {
		c.Limit = r.selection.Limit
	}
	if c.Pacer == nil {
		c.Pacer = pacer
	}
	if !s.Reduce.IsMean() {
		c.Reduce = s.Reduce.Reduce
	}
	if r.batches != nil { // it ends the wait at its deadline; reading what there is then may take its time
		c.Timeout, c.Retry.Max = r.batches.Deadline+s.MaxRetryElapsed+10*time.Minute, 0
	}
	return c
}
