package reporter

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
)

// SchemaVersion is the version of the json and jsonl formats. It goes up when a
// reader of the old version would misread the new one; fields may be added
// without that.
const SchemaVersion = 1

//go:embed schema/*.json
var schemas embed.FS

// Schema is the JSON Schema (draft 2020-12) of the json format, of one line of the
// jsonl format, or of a comparison in the json format.
func Schema(format string) ([]byte, error) {
	if format != "json" && format != "jsonl" && format != "comparison" {
		return nil, fmt.Errorf("no JSON Schema for the format %q: there are json, jsonl and comparison", format)
	}
	return schemas.ReadFile("schema/" + format + ".schema.json")
}

// JSON writes the report, without the single results, as one JSON object; see
// Schema. A number that is not known is null, never 0 or NaN. Bytes that are
// not UTF-8 become visible escapes.
type JSON struct{}

var _ Reporter = JSON{}

// Write writes the object.
func (JSON) Write(w io.Writer, d Data) error {
	if d.Report == nil {
		return errNoReport
	}
	data, err := encodeJSON(document(d.Report), "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err = w.Write(data)
	return err
}

type jsonReport struct {
	SchemaVersion int                      `json:"schema_version"`
	RunID         string                   `json:"run_id"`
	Suite         string                   `json:"suite"`
	App           string                   `json:"app"`
	StartedAt     *time.Time               `json:"started_at"`
	FinishedAt    *time.Time               `json:"finished_at"`
	Status        string                   `json:"status"`
	Reasons       []string                 `json:"reasons"`
	Verdict       string                   `json:"verdict"`
	Cases         jsonCounts               `json:"cases"`
	Trials        int                      `json:"trials"`
	Reduce        string                   `json:"reduce,omitempty"`
	TrialCounts   jsonCounts               `json:"trial_counts"`
	Errors        map[string]int64         `json:"errors"`
	Retries       int64                    `json:"retries"`
	Abandoned     int64                    `json:"abandoned"`
	Evaluators    map[string]jsonEvaluator `json:"evaluators"`
	Latency       jsonLatency              `json:"latency_ms"`
	Tokens        jsonTokens               `json:"tokens"`
	CostUSD       *float64                 `json:"cost_usd"`
	CostUnknown   int64                    `json:"cost_unknown"`
	Gate          jsonGate                 `json:"gate"`
	Quarantine    []jsonQuarantined        `json:"quarantine,omitempty"`
	Publish       *jsonPublish             `json:"publish"`
	Warnings      []string                 `json:"warnings"`
}

// jsonQuarantined is a case that is known to be flaky.
type jsonQuarantined struct {
	Case   string `json:"case"`
	Until  string `json:"until"`
	Reason string `json:"reason"`
}

type jsonCounts struct {
	Planned   int64 `json:"planned"`
	Completed int64 `json:"completed"`
	Errored   int64 `json:"errored"`
}

type jsonEvaluator struct {
	N          int64         `json:"n"`
	Scored     int64         `json:"scored"`
	Unscored   int64         `json:"unscored"`
	Mean       *float64      `json:"mean"`
	StdDev     *float64      `json:"std_dev"`
	Min        *float64      `json:"min"`
	Max        *float64      `json:"max"`
	Judged     int64         `json:"judged"`
	Passed     int64         `json:"passed"`
	PassRate   *float64      `json:"pass_rate"`
	Interval   *jsonInterval `json:"interval"`
	MeanBounds *jsonBounds   `json:"mean_bounds"`
	PassBounds *jsonBounds   `json:"pass_bounds"`
}

type jsonInterval struct {
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	Level *float64 `json:"level"`
}

type jsonBounds struct {
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}

type jsonLatency struct {
	N    int64    `json:"n"`
	Mean *float64 `json:"mean"`
	P50  *float64 `json:"p50"`
	P95  *float64 `json:"p95"`
	Max  *float64 `json:"max"`
}

type jsonTokens struct {
	Input   int64 `json:"input"`
	Output  int64 `json:"output"`
	Counted int64 `json:"counted"`
}

type jsonGate struct {
	Checks []jsonCheck `json:"checks"`
}

type jsonCheck struct {
	Check       string         `json:"check"`
	Verdict     string         `json:"verdict"`
	Value       *float64       `json:"value"`
	Reason      string         `json:"reason"`
	Comparisons []jsonCompared `json:"comparisons,omitempty"`
}

type jsonPublish struct {
	Platform     string `json:"platform"`
	EvaluationID string `json:"evaluation_id"`
	Posted       int64  `json:"posted"`
	Pending      int64  `json:"pending"`
	Rejected     int64  `json:"rejected"`
	// Rejections are the first of them.
	Rejections []jsonRejection `json:"rejections,omitempty"`
	Audit      *harness.Audit  `json:"audit"`
	Error      string          `json:"error,omitempty"`
}

type jsonRejection struct {
	Case    string `json:"case"`
	Trial   int    `json:"trial"`
	Message string `json:"message"`
}

// document is the report in the shape of the format.
func document(r *harness.Report) jsonReport {
	out := jsonReport{
		SchemaVersion: SchemaVersion, RunID: validUTF8(r.RunID), Suite: validUTF8(r.Suite), App: validUTF8(r.App),
		StartedAt: timeOrNull(r.StartedAt), FinishedAt: timeOrNull(r.FinishedAt),
		Status: string(r.Status), Reasons: validTexts(r.Reasons), Verdict: string(r.Verdict),
		Cases: jsonCounts(r.Cases), Trials: r.TrialsPerCase, Reduce: validUTF8(r.Reduce), TrialCounts: jsonCounts(r.Trials),
		Errors: map[string]int64{}, Retries: r.Retries, Abandoned: r.Abandoned,
		Evaluators: map[string]jsonEvaluator{},
		Tokens:     jsonTokens{Input: r.Tokens.Input, Output: r.Tokens.Output, Counted: r.Tokens.Counted},
		CostUSD:    finiteOrNull(r.CostUSD), CostUnknown: r.CostUnknown,
		Gate: jsonGate{Checks: []jsonCheck{}}, Warnings: validTexts(r.Warnings),
	}
	for kind, n := range r.Errors {
		out.Errors[validUTF8(string(kind))] += n
	}
	for _, m := range r.Metrics {
		out.Evaluators[validUTF8(m.Name)] = evaluatorDocument(m)
	}
	out.Latency.N = r.Latency.N
	if r.Latency.N > 0 {
		l := r.Latency
		out.Latency.Mean, out.Latency.P50 = finite(milliseconds(l.Mean)), finite(milliseconds(l.P50))
		out.Latency.P95, out.Latency.Max = finite(milliseconds(l.P95)), finite(milliseconds(l.Max))
	}
	for _, c := range r.Gate {
		check := jsonCheck{Check: validUTF8(c.Check), Verdict: string(c.Verdict), Value: finiteOrNull(c.Value), Reason: validUTF8(c.Reason)}
		for _, x := range c.Comparisons {
			check.Comparisons = append(check.Comparisons, comparedDocument(x))
		}
		out.Gate.Checks = append(out.Gate.Checks, check)
	}
	for _, q := range r.Quarantine {
		out.Quarantine = append(out.Quarantine, jsonQuarantined{validUTF8(q.Case), validUTF8(q.Until), validUTF8(q.Reason)})
	}
	out.Publish = publishDocument(r.Publish)
	return out
}

func publishDocument(p *harness.Publish) *jsonPublish {
	if p == nil {
		return nil
	}
	out := &jsonPublish{
		Platform: validUTF8(p.Platform), EvaluationID: validUTF8(p.EvaluationID),
		Posted: p.Posted, Pending: p.Pending, Rejected: p.Rejected, Error: validUTF8(p.Error),
	}
	for _, r := range p.Rejections {
		out.Rejections = append(out.Rejections, jsonRejection{validUTF8(r.Key.Case), r.Key.Trial, validUTF8(r.Message)})
	}
	if p.Audit != nil {
		a := *p.Audit
		a.At = a.At.UTC()
		out.Audit = &a
	}
	return out
}

func evaluatorDocument(m harness.Metric) jsonEvaluator {
	e := jsonEvaluator{N: m.N, Scored: m.Scored, Unscored: m.Unscored, Judged: m.Judged, Passed: m.Passed}
	if m.N > 0 {
		e.Mean, e.Min, e.Max = finite(m.Mean), finite(m.Min), finite(m.Max)
		e.MeanBounds = &jsonBounds{Low: finite(m.MeanBounds[0]), High: finite(m.MeanBounds[1])}
	}
	if m.N > 1 {
		e.StdDev = finite(m.StdDev)
	}
	if m.PassRate != nil {
		e.PassRate = finite(*m.PassRate)
		e.PassBounds = &jsonBounds{Low: finite(m.PassBounds[0]), High: finite(m.PassBounds[1])}
	}
	if i := m.Interval; i != nil {
		e.Interval = &jsonInterval{Low: finite(i.Low), High: finite(i.High), Level: finite(i.Level)}
	}
	return e
}

func finiteOrNull(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return finite(*v)
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// validTexts is never nil: an empty list is [].
func validTexts(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, s := range texts {
		out = append(out, validUTF8(s))
	}
	return out
}

// encodeJSON writes v with a line end. Characters that act on a terminal are
// JSON escapes, so that the document may be printed on one.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeHidden(b.Bytes()), nil
}

// escapeHidden writes the hidden runes of a JSON text as \u escapes. Beyond
// ASCII, and DEL, such runes occur within strings only.
func escapeHidden(data []byte) []byte {
	clean := true
	for _, c := range data {
		clean = clean && c < 0x7f
	}
	if clean {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r < 0x7f || !hidden(r):
			out = append(out, data[i:i+size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}
