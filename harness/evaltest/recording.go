package evaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/suite"
)

// recorder keeps the answers of an app.
type recorder struct {
	harness.App
	d    *driver
	tape *tape
}

// Respond asks the app.
func (r *recorder) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	begin := time.Now()
	out, err := r.App.Respond(ctx, in)
	if err != nil {
		return out, err
	}
	took := time.Since(begin)
	clean := r.d.redact.Output(&out)
	data, err := wire.Marshal(clean)
	if err != nil {
		return out, fmt.Errorf("record the answer: %w", err)
	}
	r.tape.mu.Lock()
	defer r.tape.mu.Unlock()
	key := harness.Key{Case: in.ID, Trial: in.Trial}
	now := recorded{Case: in.ID, Trial: in.Trial, Asked: askedOf(in), Output: data, MS: float64(took.Microseconds()) / 1000}
	if before := r.tape.answers[key]; before.Asked == now.Asked && bytes.Equal(before.Output, now.Output) {
		now.MS = before.MS // so that the line stays as it is
	}
	r.tape.answers[key], r.tape.fresh[key] = now, true
	return out, nil
}

// record puts a recorder around the app of a Config, or a replay in its place.
func (d *driver) record(c harness.Config) (harness.Config, error) {
	if d.mode != recording && d.mode != replaying {
		return c, nil
	}
	var err error
	if d.tape, err = readTape(d.recordingPath()); err != nil {
		return c, err
	}
	app := d.suite.Digests(d.suite.Apps[0].Name)["app"]
	if d.mode == recording {
		if err := writable(d.recordingPath()); err != nil {
			return c, fmt.Errorf("nothing is asked, for %s can't be written: %w", d.recordingPath(), err)
		}
		if d.tape.head.SchemaVersion != 0 && d.tape.head.App != app {
			d.anew = true
			clear(d.tape.answers)
		}
		d.tape.head = recordingHead{SchemaVersion: recordingVersion, Eval: d.suite.Name, App: app}
		c.App = &recorder{c.App, d, d.tape}
		return c, nil
	}
	if d.tape.head.App != app {
		return c, fmt.Errorf("%s is stale: the app's settings changed since it was recorded. To record it anew:\n%s", d.recordingPath(), d.recordCommand())
	}
	c.App, c.Pacer, c.Ahead = d.tape, nil, nil
	for _, tc := range d.cases {
		if d.stale(tc) != "" {
			d.allStale++
		}
	}
	return c, nil
}

// writable finds out whether a file can be written, and leaves it as it is.
func writable(path string) error {
	f, err := suite.CreateFile(path)
	if err != nil {
		return err
	}
	return f.Discard()
}

// needsAll is the error about a recording that can't be kept in part: the rest of
// it is of an app with other settings.
func (d *driver) needsAll(what string) error {
	return fmt.Errorf("%s: the app's settings changed since %s was recorded; record all cases:\n%s", what, d.recordingPath(), d.recordCommand())
}

// stale says why a case can't be replayed; "" when it can, or need not be.
func (d *driver) stale(tc harness.Case) string {
	if d.mode != replaying {
		return ""
	}
	for n := 1; n <= d.trials; n++ {
		in := harness.Input{ID: tc.ID, Value: tc.Input, History: tc.History, Metadata: tc.Metadata, Trial: n}
		if why := d.tape.stale(in); why != "" {
			return why
		}
	}
	return ""
}

// tellStale says why the case of a subtest can't be replayed, and how to record it:
// by itself, unless others are stale too.
func (d *driver) tellStale(test, id, why string) string {
	command := d.recordCommand()
	if d.allStale == 1 {
		command = envRecord + "=1 " + d.place.rerun(test, true)
	}
	return fmt.Sprintf("the recording %s is stale for case %q: %s. To record it anew:\n%s", d.recordingPath(), id, why, command)
}

// keepRecording writes the recording: of the cases that there are, what was recorded
// now and, of those that were not chosen, what was there before.
func (d *driver) keepRecording(cases []harness.Case) error {
	d.t.Helper()
	if d.mode != recording {
		return nil
	}
	if d.anew && d.part() != "" { // some trials were left out
		return d.needsAll("not recorded")
	}
	lines := []any{d.tape.head}
	missing, kept := 0, 0
	for _, c := range cases {
		for n := 1; n <= d.trials; n++ {
			if r, ok := d.tape.answers[harness.Key{Case: c.ID, Trial: n}]; ok {
				lines = append(lines, r)
				if !d.tape.fresh[harness.Key{Case: c.ID, Trial: n}] {
					kept++
				}
			} else {
				missing++
			}
		}
	}
	f, err := suite.CreateFile(d.recordingPath())
	if err != nil {
		return err
	}
	for _, line := range lines {
		data, err := wire.Marshal(line)
		if err == nil {
			_, err = f.Write(append(data, '\n'))
		}
		if err != nil {
			return errors.Join(err, f.Discard())
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	text := fmt.Sprintf("recorded %d answers in %s", len(lines)-1-kept, d.recordingPath())
	if kept > 0 {
		text += fmt.Sprintf("; %d others are kept", kept)
	}
	d.t.Log(text)
	if missing > 0 {
		return fmt.Errorf("%s lacks %d answers: of trials that had errors or were not chosen", d.recordingPath(), missing)
	}
	return nil
}
