package evaltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/evalrun/evalrun/harness/suite"
)

// recordingVersion is the version of the files that are written.
const recordingVersion = 1

// A recording is a file with a line for its head and one for each answer, ordered
// as the cases are. Nothing in it depends on when it was made, so that recording
// the same answers again changes nothing.
type recordingHead struct {
	SchemaVersion int    `json:"schema_version"`
	Eval          string `json:"eval"`
	// App is a digest of what the app is made of; see Params.Settings.
	App string `json:"app,omitempty"`
}

type recorded struct {
	Case  string `json:"case"`
	Trial int    `json:"trial"`
	// Asked are digests of what the app was asked, by part.
	Asked asked `json:"asked"`
	// MS is the latency in milliseconds.
	MS     float64         `json:"ms"`
	Output json.RawMessage `json:"output"`
}

// asked are digests of what an app sees of a case: 8 hexadecimal digits each, ""
// for what is not there.
type asked struct {
	Input    string `json:"input"`
	History  string `json:"history,omitempty"`
	Metadata string `json:"metadata,omitempty"`
}

func askedOf(in harness.Input) asked {
	a := asked{Input: shortDigest(in.Value)}
	if in.History != nil {
		a.History = shortDigest(in.History)
	}
	if len(in.Metadata) > 0 {
		a.Metadata = shortDigest(in.Metadata)
	}
	return a
}

func shortDigest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		data = fmt.Append(nil, v)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// changed names the parts that are others than those of b.
func (a asked) changed(b asked) string {
	var parts []string
	for _, p := range []struct{ name, a, b string }{
		{"input", a.Input, b.Input}, {"history", a.History, b.History}, {"metadata", a.Metadata, b.Metadata},
	} {
		if p.a != p.b {
			parts = append(parts, p.name)
		}
	}
	return strings.Join(parts, ", ")
}

// tape is what a recording holds.
type tape struct {
	head recordingHead

	mu      sync.Mutex
	answers map[harness.Key]recorded
	fresh   map[harness.Key]bool // those that are recorded now
}

// readTape reads a recording; a file that is not there is an empty one.
func readTape(path string) (*tape, error) {
	t := &tape{answers: map[harness.Key]recorded{}, fresh: map[harness.Key]bool{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		if err := t.line(n, bytes.TrimSuffix(line, []byte("\r"))); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
		}
	}
	return t, nil
}

func (t *tape) line(n int, line []byte) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if n == 0 {
		if err := dec.Decode(&t.head); err != nil {
			return fmt.Errorf("this is no recording: expected {\"schema_version\": %d, …}: %w", recordingVersion, err)
		}
		if t.head.SchemaVersion != recordingVersion {
			return fmt.Errorf("schema_version is %d, and this program knows %d", t.head.SchemaVersion, recordingVersion)
		}
		return nil
	}
	var r recorded
	if err := dec.Decode(&r); err != nil {
		return fmt.Errorf("expected a recorded answer: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more than one JSON value in the line")
	}
	key := harness.Key{Case: r.Case, Trial: r.Trial}
	if _, twice := t.answers[key]; twice || r.Case == "" || r.Trial < 1 {
		return fmt.Errorf("case %q, trial %d: recorded twice, or no such trial", r.Case, r.Trial)
	}
	t.answers[key] = r
	return nil
}

// stale says what has changed since a trial of a case was recorded; "" when nothing
// has.
func (t *tape) stale(in harness.Input) string {
	r, ok := t.answers[harness.Key{Case: in.ID, Trial: in.Trial}]
	switch {
	case !ok && in.Trial > 1:
		return fmt.Sprintf("its trial %d was not recorded", in.Trial)
	case !ok:
		return "it was not recorded"
	}
	if parts := r.Asked.changed(askedOf(in)); parts != "" {
		return "its " + parts + " changed since it was recorded"
	}
	return ""
}

// Respond replays an answer.
func (t *tape) Respond(_ context.Context, in harness.Input) (harness.Output, error) {
	var out harness.Output
	if why := t.stale(in); why != "" { // it was looked at before
		return out, &harness.Error{Kind: harness.KindApp, Message: "case " + in.ID + ": " + why, Permanent: true}
	}
	r := t.answers[harness.Key{Case: in.ID, Trial: in.Trial}]
	if err := json.Unmarshal(r.Output, &out); err != nil {
		return out, fmt.Errorf("the recorded answer of case %q: %w", in.ID, err)
	}
	var whole struct {
		Value json.RawMessage `json:"value"`
	}
	err := json.Unmarshal(r.Output, &whole)
	if err == nil && len(whole.Value) > 0 {
		out.Value, err = jsonx.Decode(whole.Value) // whole numbers as they are
	}
	out.Took = max(time.Duration(r.MS*float64(time.Millisecond)), 1)
	return out, err
}

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
	data, err := plainJSON(clean)
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
		data, err := plainJSON(line)
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

// plainJSON is JSON without the escaping of <, > and &.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
