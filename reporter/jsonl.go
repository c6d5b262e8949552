package reporter

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
)

// JSONL writes one line for each trial, as a JSON object; see Schema. Nothing
// of a result is lost: a string that is not UTF-8 is written in base64 (RFC
// 4648, standard alphabet, padded), and the line's "base64" lists the JSON
// pointers (RFC 6901) to such strings. "base64_keys" does the same for members
// whose name is in base64.
type JSONL struct{}

var _ Reporter = JSONL{}

type jsonTrial struct {
	SchemaVersion int         `json:"schema_version"`
	RunID         string      `json:"run_id"`
	Suite         string      `json:"suite"`
	App           string      `json:"app"`
	Case          jsonCase    `json:"case"`
	Trial         int         `json:"trial"`
	Output        *jsonOutput `json:"output"`
	Scores        []jsonScore `json:"scores"`
	Error         *jsonError  `json:"error"`
	LatencyMS     float64     `json:"latency_ms"`
	Attempts      int         `json:"attempts"`
	StartedAt     *time.Time  `json:"started_at"`
	Base64        []string    `json:"base64,omitempty"`
	Base64Keys    []string    `json:"base64_keys,omitempty"`
}

type jsonCase struct {
	ID       string `json:"id"`
	Input    any    `json:"input"`
	Expected any    `json:"expected,omitempty"`
	Extra    any    `json:"extra,omitempty"`
	History  any    `json:"history,omitempty"`
	Metadata any    `json:"metadata,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
}

type jsonOutput struct {
	Value     any            `json:"value"`
	Chunks    []jsonChunk    `json:"chunks,omitempty"`
	ToolCalls []jsonToolCall `json:"tool_calls,omitempty"`
	Usage     *harness.Usage `json:"usage,omitempty"`
	CostUSD   *float64       `json:"cost_usd,omitempty"`
	Metadata  any            `json:"metadata,omitempty"`
}

type jsonChunk struct {
	Text     string `json:"text"`
	Metadata any    `json:"metadata,omitempty"`
}

type jsonToolCall struct {
	Name   string `json:"name"`
	Args   any    `json:"args,omitempty"`
	Result any    `json:"result,omitempty"`
}

type jsonScore struct {
	Name     string     `json:"name"`
	Value    *float64   `json:"value"`
	Pass     *bool      `json:"pass,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Error    *jsonError `json:"error,omitempty"`
	Metadata any        `json:"metadata,omitempty"`
}

type jsonError struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Stack     string `json:"stack,omitempty"`
	Status    int    `json:"status,omitempty"`
	Permanent bool   `json:"permanent,omitempty"`
}

// Write writes the lines.
func (JSONL) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	b := bufio.NewWriter(w)
	for r, err := range d.results() {
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		data, err := JSONL{}.Line(d.Report, r)
		if err != nil {
			return err
		}
		if _, err := b.Write(data); err != nil {
			return err
		}
	}
	return b.Flush()
}

// Line is the line of one result, with its line end. Of the report it takes the
// RunID, the Suite and the App.
func (JSONL) Line(report *harness.Report, r harness.Result) ([]byte, error) {
	if report == nil {
		return nil, errNoReport
	}
	data, err := encodeJSON(trialDocument(report, r), "")
	if err != nil {
		return nil, fmt.Errorf("encode trial %d of case %q: %w", r.Trial, r.Case.ID, err)
	}
	return data, nil
}

// trialDocument is a result in the shape of the format.
func trialDocument(report *harness.Report, r harness.Result) jsonTrial {
	var p plain
	t := jsonTrial{
		SchemaVersion: SchemaVersion,
		RunID:         p.text("/run_id", report.RunID), Suite: p.text("/suite", report.Suite), App: p.text("/app", report.App),
		Case: p.testCase(r.Case), Trial: r.Trial, Scores: []jsonScore{},
		Error: p.trouble("/error", r.Error), LatencyMS: milliseconds(r.Latency),
		Attempts: r.Attempts, StartedAt: timeOrNull(r.Started),
	}
	if r.Output != nil {
		t.Output = p.output(*r.Output)
	}
	for i, s := range r.Scores {
		t.Scores = append(t.Scores, p.score("/scores/"+strconv.Itoa(i), s))
	}
	t.Base64, t.Base64Keys = p.base64, p.base64Keys
	return t
}

// plain turns values into what JSON can carry and notes what is in base64.
type plain struct {
	base64, base64Keys []string
}

func (p *plain) testCase(c harness.Case) jsonCase {
	return jsonCase{
		ID:    p.text("/case/id", c.ID),
		Input: p.value("/case/input", c.Input), Expected: p.value("/case/expected", c.Expected),
		Extra: p.value("/case/extra", c.Extra), History: p.value("/case/history", c.History),
		Metadata: p.members("/case/metadata", c.Metadata), Cluster: p.text("/case/cluster", c.Cluster),
	}
}

func (p *plain) output(o harness.Output) *jsonOutput {
	out := &jsonOutput{
		Value: p.value("/output/value", o.Value), Usage: o.Usage, CostUSD: finiteOrNull(o.CostUSD),
		Metadata: p.members("/output/metadata", o.Metadata),
	}
	for i, c := range o.Chunks {
		at := "/output/chunks/" + strconv.Itoa(i)
		out.Chunks = append(out.Chunks, jsonChunk{Text: p.text(at+"/text", c.Text), Metadata: p.members(at+"/metadata", c.Metadata)})
	}
	for i, c := range o.ToolCalls {
		at := "/output/tool_calls/" + strconv.Itoa(i)
		out.ToolCalls = append(out.ToolCalls, jsonToolCall{
			Name: p.text(at+"/name", c.Name), Args: p.members(at+"/args", c.Args), Result: p.value(at+"/result", c.Result),
		})
	}
	return out
}

func (p *plain) score(at string, s harness.Score) jsonScore {
	out := jsonScore{
		Name: p.text(at+"/name", s.Name), Reason: p.text(at+"/reason", s.Reason),
		Error: p.trouble(at+"/error", s.Error), Metadata: p.members(at+"/metadata", s.Metadata),
	}
	if s.Error == nil { // value and verdict mean nothing beside an error
		out.Value, out.Pass = finite(s.Value), s.Pass
	}
	return out
}

func (p *plain) trouble(at string, e *harness.Error) *jsonError {
	if e == nil {
		return nil
	}
	return &jsonError{
		Kind: p.text(at+"/kind", string(e.Kind)), Message: p.text(at+"/message", e.Message),
		Stack: p.text(at+"/stack", e.Stack), Status: e.Status, Permanent: e.Permanent,
	}
}

func (p *plain) text(at, s string) string {
	if utf8.ValidString(s) {
		return s
	}
	p.base64 = append(p.base64, at)
	return base64.StdEncoding.EncodeToString([]byte(s))
}

// members is value for an optional map: nil stays away.
func (p *plain) members(at string, m map[string]any) any {
	if len(m) == 0 {
		return nil
	}
	return p.value(at, m)
}

// value makes a copy of v with JSON types only. Go values of other types are
// taken as encoding/json writes them, and as text when it can't.
func (p *plain) value(at string, v any) any {
	switch v := v.(type) {
	case nil, bool, json.Number, int, int64:
		return v
	case string:
		return p.text(at, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = p.value(at+"/"+strconv.Itoa(i), e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			name := k
			if !utf8.ValidString(k) {
				name = base64.StdEncoding.EncodeToString([]byte(k))
				p.base64Keys = append(p.base64Keys, at+"/"+pointerToken(name))
			}
			out[name] = p.value(at+"/"+pointerToken(name), v[k])
		}
		return out
	}
	data, err := json.Marshal(v)
	if err != nil {
		return p.text(at, fmt.Sprintf("%v", v))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		return p.text(at, string(data))
	}
	return out
}

// pointerToken escapes one step of a JSON pointer.
func pointerToken(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
