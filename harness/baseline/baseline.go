// Package baseline keeps what a run found out about each case in a file for
// version control, so that later runs can be compared with it where the store is
// not: in CI.
//
// The file is JSON, one line per case, sorted by ID. The same results give the
// same bytes, and a case that changed is one line of a diff. Answers are not in
// it, only their scores:
//
//	{
//	"schema_version": 1,
//	"about": {"run": "01K…", "suite": "support-bot", "trials": 3, …},
//	"cases": {
//	"greeting": {"hash":"5d41…","trials":[{"ms":120,"equals":true,"close":0.91}, …]},
//	"late-parcel": {"hash":"7d79…","trials":[{"error":"timeout"}, …]}
//	}
//	}
//
// A score is true or false where its metric gives verdicts, else a number, and
// null where it could not be made. ms is the latency in milliseconds, usd the
// price of an answer.
package baseline

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
)

// SchemaVersion is that of the files that Write makes.
const SchemaVersion = 1

// about is compare.About as the file has it.
type about struct {
	Run     string            `json:"run,omitempty"`
	Suite   string            `json:"suite"`
	App     string            `json:"app,omitempty"`
	Trials  int               `json:"trials"`
	Reduce  string            `json:"reduce"`
	Metrics []string          `json:"metrics"`
	Digests map[string]string `json:"digests,omitempty"`
}

// entry is a case as the file has it.
type entry struct {
	Hash    string            `json:"hash"`
	Cluster string            `json:"cluster,omitempty"`
	Trials  []json.RawMessage `json:"trials"`
}

// The names of a trial's fields that are no metric.
const (
	errorField   = "error"
	latencyField = "ms"
	costField    = "usd"
	// metricPrefix keeps a metric that has the name of one of them apart from it.
	metricPrefix = "metric:"
)

// Write writes a run down. It keeps the lines of all cases to sort them.
func Write(ctx context.Context, w io.Writer, side compare.Side) error {
	type line struct{ id, text string }
	var lines []line
	for c, err := range side.Cases(ctx) {
		if err != nil {
			return fmt.Errorf("baseline: read %s: %w", side.About().Name, err)
		}
		text, err := encode(c)
		if err != nil {
			return fmt.Errorf("baseline: case %q: %w", c.ID, err)
		}
		lines = append(lines, line{c.ID, text})
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.id, b.id) })
	what := side.About()
	head, err := json.Marshal(about{what.Run, what.Suite, what.App, what.Trials, what.Reduce, what.Metrics, what.Digests})
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "{\n\"schema_version\": %d,\n\"about\": %s,\n\"cases\": {", SchemaVersion, head)
	for i, l := range lines {
		if i > 0 {
			_ = out.WriteByte(',') // the writer keeps its first error for Flush
		}
		_, _ = out.WriteString("\n" + l.text)
	}
	_, _ = out.WriteString("\n}\n}\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("baseline: write: %w", err)
	}
	return nil
}

// encode makes the line of a case.
func encode(c compare.Case) (string, error) {
	e := entry{Hash: c.Hash, Cluster: c.Cluster, Trials: []json.RawMessage{}}
	for _, t := range c.Trials {
		fields := map[string]any{}
		if t.Error != "" {
			fields[errorField] = t.Error
		}
		if t.LatencyMS > 0 {
			fields[latencyField] = math.Round(t.LatencyMS*1000) / 1000
		}
		if t.CostUSD != nil {
			fields[costField] = *t.CostUSD
		}
		for name, s := range t.Scores {
			fields[fieldOf(name)] = scoreField(s)
		}
		data, err := json.Marshal(fields)
		if err != nil {
			return "", err
		}
		e.Trials = append(e.Trials, data)
	}
	id, err := json.Marshal(c.ID)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(e)
	return string(id) + ": " + string(data), err
}

func fieldOf(metric string) string {
	switch metric {
	case errorField, latencyField, costField:
		return metricPrefix + metric
	}
	return metric
}

func scoreField(s compare.Score) any {
	switch {
	case s.Missing:
		return nil
	case s.Pass != nil:
		return *s.Pass
	}
	return s.Value
}

// ErrSchema is the cause of an error of Read about a file of another version.
var ErrSchema = errors.New("this version of the file is not known")

// Read reads a file that Write has made. The name is for messages. The cases are
// held in memory.
func Read(name string, r io.Reader) (*compare.List, error) {
	var file struct {
		SchemaVersion int             `json:"schema_version"`
		About         about           `json:"about"`
		Cases         json.RawMessage `json:"cases"`
	}
	dec := json.NewDecoder(r)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("baseline %s: not a baseline file: %w", name, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("baseline %s: not a baseline file: there is more after its end", name)
	}
	if file.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("baseline %s: %w: it says schema_version %d, and this program knows %d", name, ErrSchema, file.SchemaVersion, SchemaVersion)
	}
	var cases []compare.Case
	for c, err := range decode(file.Cases) {
		if err != nil {
			return nil, fmt.Errorf("baseline %s: %w", name, err)
		}
		cases = append(cases, c)
	}
	a := file.About
	return compare.NewList(compare.About{
		Name: name, Run: a.Run, Suite: a.Suite, App: a.App, Trials: a.Trials, Reduce: a.Reduce, Metrics: a.Metrics, Digests: a.Digests,
	}, cases), nil
}

// decode ranges over the cases of the file's object.
func decode(data json.RawMessage) iter.Seq2[compare.Case, error] {
	return func(yield func(compare.Case, error) bool) {
		entries, err := entriesOf(data)
		if err != nil {
			yield(compare.Case{}, fmt.Errorf("its cases: %w", err))
			return
		}
		for _, id := range slices.Sorted(maps.Keys(entries)) {
			c := compare.Case{ID: id, Hash: entries[id].Hash, Cluster: entries[id].Cluster}
			for i, raw := range entries[id].Trials {
				t, err := trial(raw)
				if err != nil {
					yield(c, fmt.Errorf("case %q, trial %d: %w", id, i+1, err))
					return
				}
				c.Trials = append(c.Trials, t)
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// entriesOf reads the lines of the file, and refuses a case that has two of them, as
// a merge may leave it.
func entriesOf(data json.RawMessage) (map[string]entry, error) {
	entries := map[string]entry{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("expected an object, a case for each ID")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		id, _ := t.(string)
		if _, twice := entries[id]; twice {
			return nil, fmt.Errorf("case %q is there twice", id)
		}
		var e entry
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("case %q: %w", id, err)
		}
		entries[id] = e
	}
	return entries, nil
}

func trial(raw json.RawMessage) (compare.Trial, error) {
	t := compare.Trial{Scores: map[string]compare.Score{}}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return t, err
	}
	for name, value := range fields {
		var ok bool
		switch name {
		case errorField:
			var kind string
			kind, ok = value.(string)
			t.Error = harness.ErrorKind(kind)
		case latencyField:
			t.LatencyMS, ok = value.(float64)
		case costField:
			var cost float64
			cost, ok = value.(float64)
			t.CostUSD = &cost
		default:
			if len(name) > len(metricPrefix) && name[:len(metricPrefix)] == metricPrefix {
				name = name[len(metricPrefix):]
			}
			t.Scores[name], ok = score(value)
		}
		if !ok {
			return t, fmt.Errorf("%q is %v, which it can't be", name, value)
		}
	}
	return t, nil
}

func score(value any) (compare.Score, bool) {
	switch v := value.(type) {
	case nil:
		return compare.Score{Missing: true}, true
	case bool:
		s := compare.Score{Pass: &v}
		if v {
			s.Value = 1
		}
		return s, true
	case float64:
		return compare.Score{Value: v}, true
	}
	return compare.Score{}, false
}
