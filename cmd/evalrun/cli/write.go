package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

// reportSource is what reports are written of.
type reportSource struct {
	ctx    context.Context
	store  *store.Store
	report *harness.Report
	id     string
	part   string // the table shows this alone: "gate", "publish" or "" for all
}

// data is what a format needs of the results: the table reads only those that it
// shows.
func (s reportSource) data(format string) reporter.Data {
	q := store.Query{}
	if format == "table" || format == "markdown" {
		q.OnlyErrored, q.OnlyFailed = true, true
	}
	if format == "json" {
		return reporter.Data{Report: s.report}
	}
	return reporter.Data{Report: s.report, Results: s.store.Results(s.ctx, s.id, q)}
}

// write writes all outputs; one that fails does not keep back the others.
func (a *app) write(s reportSource, outputs []output) error {
	var errs []error
	carriesData := slices.ContainsFunc(outputs, func(o output) bool { return o.path == "" && o.format != "table" })
	for _, o := range outputs {
		if o.path == "" && o.format == "table" && a.quiet {
			continue
		}
		if err := a.writeOne(s, o); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", strings.TrimSuffix(o.format+":"+o.path, ":"), err))
		}
	}
	if a.quiet {
		a.sayVerdict(s)
	}
	if carriesData && !a.quiet {
		errs = append(errs, a.render(s, "table", a.stderr))
	}
	return errors.Join(errs...)
}

// sayVerdict says in one line what went wrong, and nothing when all is well.
func (a *app) sayVerdict(s reportSource) {
	r := s.report
	if s.part == "publish" && r.Publish.Clean() || runner.Code(r) == runner.CodePass {
		return
	}
	line := fmt.Sprintf("evalrun: %s: %s", reporter.Terminal(r.Suite), r.Verdict)
	for _, c := range r.Gate {
		if c.Verdict != harness.Pass {
			line += fmt.Sprintf("; %s: %s", c.Check, c.Reason)
		}
	}
	for _, reason := range slices.Concat(r.Reasons, r.Warnings) {
		line += "; " + reason
	}
	line += s.firstError()
	if p := r.Publish; p != nil && !p.Clean() {
		line += fmt.Sprintf("; %s pending, %d rejected", reporter.Plural(p.Pending, "result", "results"), p.Rejected)
		if a := p.Audit; a != nil {
			line += fmt.Sprintf(", %d lost, %d duplicated, %d unexpected", a.Lost, a.Duplicated, a.Unexpected)
		}
		if p.Error != "" {
			line += ": " + p.Error
		}
	}
	a.say("%s", line)
}

// firstError is the first error of the run's trials, in words; "" without any.
func (s reportSource) firstError() string {
	if s.report.Trials.Errored == 0 {
		return ""
	}
	for r, err := range s.store.Results(s.ctx, s.id, store.Query{OnlyErrored: true}) {
		if err != nil {
			return "" // the verdict stands without it
		}
		what := r.Error
		for _, score := range r.Scores {
			if what == nil {
				what = score.Error
			}
		}
		if what != nil {
			return fmt.Sprintf("; the first error, of case %s: %s", r.Case.ID, reporter.Terminal(what.Message))
		}
	}
	return ""
}

func (a *app) writeOne(s reportSource, o output) error {
	return o.write(a.stdout, func(w io.Writer) error { return a.render(s, o.format, w) })
}

// write has the output written to its file, which it is given up with when that
// fails, or to standard output.
func (o output) write(stdout io.Writer, text func(io.Writer) error) error {
	if o.path == "" {
		return text(stdout)
	}
	f, err := o.open()
	if err != nil {
		return err
	}
	if err := text(f); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Close()
}

// open opens the report's file. A suite says itself where its reports may be.
func (o output) open() (file, error) {
	if o.suite == nil {
		return create(o.path)
	}
	return o.suite.Create(o.path)
}

// render writes one report to w.
func (a *app) render(s reportSource, format string, w io.Writer) error {
	r, err := a.Reporters.New(format)
	if err != nil {
		return err
	}
	if format == "table" {
		t, _ := a.terminal(w)
		table := reporter.Table{Width: t.width, Color: t.color, GateOnly: s.part == "gate", PublishOnly: s.part == "publish"}
		if a.verbose {
			table.Failures = 1 << 30
		}
		r = table
	}
	b := bufio.NewWriterSize(w, 64<<10)
	if err := guarded(r, b, s.data(format)); err != nil {
		return err
	}
	return b.Flush()
}

// guarded writes a report. A panic of a reporter keeps back that report alone.
func guarded(r reporter.Reporter, w io.Writer, d reporter.Data) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &harness.PanicError{Who: "reporter", Value: v, Stack: string(debug.Stack())}
		}
	}()
	return r.Write(w, d)
}
