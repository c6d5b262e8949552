package evaltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/baseline"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// mostShown is how many wrong cases the gate shows.
const mostShown = 10

// against is what the run is compared with. While the baseline is written nothing
// is compared with the old one.
func (e *eval) against() runner.Against {
	if updateAsked() && e.Baseline != "" {
		e.suite.Gate = withoutComparisons(e.suite.Gate)
		return runner.Against{}
	}
	if e.noBaseline != nil { // which the gate says
		return runner.Against{}
	}
	return runner.Against{Baseline: e.Baseline}
}

func withoutComparisons(checks []gate.Check) []gate.Check {
	var out []gate.Check
	for _, c := range checks {
		if !c.Compares() {
			out = append(out, c)
		}
	}
	return out
}

// needsBaseline is the error about a baseline that is not there, or is none.
func (e *eval) needsBaseline() error {
	if e.Baseline == "" || updateAsked() {
		return nil
	}
	f, err := os.Open(e.Baseline)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no baseline %s yet; to write it from a run of today:\n%s", e.Baseline, e.updateCommand())
	}
	if err != nil {
		return fmt.Errorf("Params.Baseline: %w", err)
	}
	defer f.Close()
	if _, err := baseline.Read(e.Baseline, f); err != nil {
		return fmt.Errorf("Params.Baseline: %w\nto write it anew from a run of today:\n%s", err, e.updateCommand())
	}
	return nil
}

// noneRun ends an eval of which no case was run.
func (e *eval) noneRun(d *driver) {
	e.t.Helper()
	judged := false
	e.parent.Run("gate", func(t *testing.T) {
		t.Helper()
		judged = true
		switch {
		case len(d.cases) == 0:
			t.Error("the source has no case, so nothing was shown")
		case d.stales > 0:
			t.Errorf("not judged: the recording is stale for %d of %d cases", d.stales, len(d.cases))
		case d.refused != nil:
			t.Error(d.refused)
		default:
			t.Skipf("not judged: none of %d cases was run", len(d.cases))
		}
	})
	if !judged && d.refused != nil && d.chosen.n() > 0 { // -run leaves gate out
		e.t.Error(d.refused)
	}
}

// after writes what is to be written of a run and judges it.
func (e *eval) after(ctx context.Context, st *store.Store, d *driver, o runner.Outcome) {
	e.t.Helper()
	ctx = context.WithoutCancel(ctx)
	part := d.part()
	if part != "" {
		o.Report.Warnings = append(o.Report.Warnings, part+": the gate was not judged for all")
		if o.Report.Verdict == harness.Pass {
			o.Report.Verdict = harness.Inconclusive
		}
	}
	if err := e.writeOutputs(ctx, st, o.Report); err != nil {
		e.t.Errorf("evaltest: %s", message(err))
	}
	if err := d.keepRecording(d.cases); err != nil {
		e.t.Errorf("evaltest: %s", message(err))
	}
	judged := false
	updating := updateAsked() && e.Baseline != ""
	e.parent.Run("gate", func(t *testing.T) {
		t.Helper()
		judged = true
		if d.stales > 0 {
			t.Errorf("not judged: the recording is stale for %d of %d cases", d.stales, len(d.cases))
			return
		}
		if part != "" && !unposted(o) {
			text := fmt.Sprintf("not judged: %s; without -run and -skip the gate judges all of them", part)
			if updating {
				text += fmt.Sprintf(" and writes %s, which was not written", e.Baseline)
			}
			t.Skip(text)
		}
		e.judge(t, d, o, e.baselineNote(ctx, st, o.RunID))
		if updating && !t.Failed() {
			if err := e.writeBaseline(ctx, st, o.Report); err != nil {
				t.Errorf("evaltest: %s", message(err))
				return
			}
			t.Logf("wrote %s", e.Baseline)
		}
	})
	if !judged && updating {
		e.t.Logf("%s was not written: -run or -skip leaves the gate out, which does that", e.Baseline)
	}
	if !judged && !e.t.Failed() && (d.short() || unposted(o)) { // -run leaves gate out
		e.t.Error(e.summary(o.Report))
	}
}

// unposted tells whether the platform lacks results that were to go there.
func unposted(o runner.Outcome) bool { return o.Report.Publish != nil && !o.Report.Publish.Clean() }

// baselineNote says when the baseline is of an app with other settings.
func (e *eval) baselineNote(ctx context.Context, st *store.Store, id string) string {
	if e.versus.Baseline == "" {
		return ""
	}
	info, err := st.Info(ctx, id)
	if err != nil {
		return ""
	}
	base, err := runner.FindSide(ctx, st, e.Baseline, info, "")
	if err != nil { // which the gate says
		return ""
	}
	was, is := base.About().Digests["app"], runner.NewSide(st, info).About().Digests["app"]
	if was == "" || is == "" || was == is {
		return ""
	}
	return fmt.Sprintf("\nnote: the app's settings have changed since %s was written", e.Baseline)
}

// judge makes the verdict the subtest's.
func (e *eval) judge(t *testing.T, d *driver, o runner.Outcome, note string) {
	t.Helper()
	text := e.summary(o.Report) + note
	switch code := o.Code(); {
	case code == runner.CodeInconclusive && e.strict && !verdicts(o.Report):
		t.Errorf("%s\nno evaluator says whether an answer is right, so nothing could fail: give one a threshold, or the test a Gate", text)
	case code == runner.CodePass:
		t.Log(text)
	case code == runner.CodeInconclusive && e.AllowInconclusive:
		t.Skip(text)
	default:
		t.Error(text + e.renewal(o.Report) + d.shown())
	}
}

// renewal is what to do when a comparison with the baseline does not pass because
// the cases, or what is wanted of them, have changed; "" when that is not so.
func (e *eval) renewal(r *harness.Report) string {
	if e.Baseline == "" {
		return ""
	}
	for i, g := range r.Gate {
		if g.Verdict != harness.Pass && (i >= len(e.suite.Gate) || e.suite.Gate[i].Compares()) {
			return "\nif what has changed since the baseline is meant to be so, this writes it anew:\n" + e.updateCommand()
		}
	}
	return ""
}

// updateCommand writes the baseline.
func (e *eval) updateCommand() string {
	return envUpdate + "=1 " + e.place.rerun(e.t.Name(), e.mode == live)
}

// verdicts tells whether any metric says right or wrong.
func verdicts(r *harness.Report) bool {
	for _, m := range r.Metrics {
		if m.PassRate != nil {
			return true
		}
	}
	return false
}

// summary is the verdict with its checks.
func (e *eval) summary(r *harness.Report) string {
	var b strings.Builder
	b.WriteByte('\n')
	if err := (reporter.Table{GateOnly: true}).Write(&b, reporter.Data{Report: r}); err != nil {
		return err.Error()
	}
	return strings.TrimRight(e.redact.Text(b.String()), "\n")
}

// shown are the first trials that were wrong and did not fail by themselves.
func (d *driver) shown() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := ""
	if len(d.wrong) > 0 {
		text = "\n" + strings.Join(d.wrong, "\n")
	}
	if more := len(d.noted) - len(d.wrong); more > 0 {
		text += fmt.Sprintf("\n… and %d cases more; -v shows all", more)
	}
	return text
}

// writeBaseline writes the scores of the run to the baseline's file.
func (e *eval) writeBaseline(ctx context.Context, st *store.Store, r *harness.Report) error {
	info, err := st.Info(ctx, r.RunID)
	if err != nil {
		return err
	}
	f, err := suite.CreateFile(e.Baseline)
	if err != nil {
		return err
	}
	if err := baseline.Write(ctx, f, runner.NewSide(st, info)); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Close()
}
