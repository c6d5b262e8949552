package runner

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// Redactor takes secret values out of text, however they are encoded.
type Redactor struct {
	replacer *strings.Replacer
}

// minSecret is the length below which a value is too common to be looked for.
const minSecret = 8

// NewRedactor looks for these values and for their base64, hexadecimal, URL and
// JSON forms. Values shorter than 8 bytes are left alone: they would be found in
// ordinary text.
func NewRedactor(secrets ...string) *Redactor {
	var pairs []string
	seen := map[string]bool{}
	add := func(form string) {
		if len(form) >= minSecret && !seen[form] {
			seen[form] = true
			pairs = append(pairs, form, "[redacted]")
		}
	}
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		add(s)
		add(base64.StdEncoding.EncodeToString([]byte(s)))
		add(base64.RawStdEncoding.EncodeToString([]byte(s)))
		add(base64.URLEncoding.EncodeToString([]byte(s)))
		add(base64.RawURLEncoding.EncodeToString([]byte(s)))
		add(hex.EncodeToString([]byte(s)))
		add(strings.ToUpper(hex.EncodeToString([]byte(s))))
		add(url.QueryEscape(s))
		add(url.PathEscape(s))
		if quoted, err := json.Marshal(s); err == nil {
			add(string(quoted[1 : len(quoted)-1]))
		}
	}
	if len(pairs) == 0 {
		return &Redactor{}
	}
	return &Redactor{strings.NewReplacer(pairs...)}
}

// Text is s without the secrets.
func (r *Redactor) Text(s string) string {
	if r == nil || r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// results takes the secrets out of everything in a batch that did not come from
// the dataset. It changes the batch in place, but nothing that others hold.
func (r *Redactor) results(batch []harness.Result) {
	if r == nil || r.replacer == nil {
		return
	}
	for i := range batch {
		b := &batch[i]
		b.Error = r.trouble(b.Error)
		if b.Output != nil {
			out := *b.Output
			out.Value = r.value(out.Value)
			out.Metadata, _ = r.value(out.Metadata).(map[string]any)
			out.Chunks, out.ToolCalls = r.chunks(out.Chunks), r.calls(out.ToolCalls)
			b.Output = &out
		}
		scores := make([]harness.Score, len(b.Scores))
		for j, s := range b.Scores {
			s.Reason, s.Error = r.Text(s.Reason), r.trouble(s.Error)
			s.Metadata, _ = r.value(s.Metadata).(map[string]any)
			scores[j] = s
		}
		b.Scores = scores
	}
}

func (r *Redactor) trouble(e *harness.Error) *harness.Error {
	if e == nil {
		return nil
	}
	c := *e
	c.Message, c.Stack = r.Text(c.Message), r.Text(c.Stack)
	return &c
}

func (r *Redactor) chunks(in []harness.Chunk) []harness.Chunk {
	var out []harness.Chunk
	for _, c := range in {
		c.Text = r.Text(c.Text)
		c.Metadata, _ = r.value(c.Metadata).(map[string]any)
		out = append(out, c)
	}
	return out
}

func (r *Redactor) calls(in []harness.ToolCall) []harness.ToolCall {
	var out []harness.ToolCall
	for _, c := range in {
		c.Args, _ = r.value(c.Args).(map[string]any)
		c.Result = r.value(c.Result)
		out = append(out, c)
	}
	return out
}

// value copies a JSON value with its strings redacted.
func (r *Redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.Text(v)
	case map[string]any:
		if v == nil {
			return nil
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[r.Text(k)] = r.value(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.value(e)
		}
		return out
	}
	return v
}
