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
