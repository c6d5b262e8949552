package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/redact"
)

// results takes the secrets out of everything in a batch that did not come from
// the dataset. It changes the batch in place, but nothing that others hold.
func (r *Redactor) results(batch []harness.Result) {
	if r.Idle() {
		return
	}
	for i := range batch {
		b := &batch[i]
		b.Error = r.trouble(b.Error)
		b.Output = r.Output(b.Output)
		b.Scores = r.scores(b.Scores)
	}
}

// Output is a copy of an answer without the secrets.
func (r *Redactor) Output(in *harness.Output) *harness.Output {
	if in == nil {
		return nil
	}
	out := *in
	out.Value, out.Metadata = r.value(out.Value), r.object(out.Metadata)
	out.Chunks = nil
	for _, c := range in.Chunks {
		c.Text, c.Metadata = r.Text(c.Text), r.object(c.Metadata)
		out.Chunks = append(out.Chunks, c)
	}
	out.ToolCalls = nil
	for _, c := range in.ToolCalls {
		c.Name, c.Args, c.Result = r.Text(c.Name), r.object(c.Args), r.value(c.Result)
		out.ToolCalls = append(out.ToolCalls, c)
	}
	return &out
}

func (r *Redactor) scores(in []harness.Score) []harness.Score {
	var out []harness.Score
	for _, s := range in {
		s.Name, s.Reason, s.Error, s.Metadata = r.Text(s.Name), r.Text(s.Reason), r.trouble(s.Error), r.object(s.Metadata)
		out = append(out, s)
	}
	return out
}

func (r *Redactor) trouble(e *harness.Error) *harness.Error {
	if e == nil {
		return nil
	}
	c := *e
	c.Message, c.Stack = r.Text(c.Message), r.Text(c.Stack)
	return &c
}

func (r *Redactor) object(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		out[r.Text(k)] = r.value(e)
	}
	return out
}

// value is a JSON value with its strings redacted. A Go value of another type
// comes back as the JSON value that it stands for when that holds a secret.
func (r *Redactor) value(v any) any {
	switch v := v.(type) {
	case nil, bool, float64, int, int64, json.Number:
		return v
	case string:
		return r.Text(v)
	case map[string]any:
		if v == nil {
			return nil
		}
		return r.object(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.value(e)
		}
		return out
	}
	data, err := json.Marshal(v)
	if err != nil {
		return v // the store can't write it either, and says so
	}
	var plain any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&plain); err != nil {
		return redact.Mark
	}
	if clean := r.value(plain); !reflect.DeepEqual(clean, plain) {
		return clean
	}
	return v
}

// failure is an error without the secrets. What it is an error of stays known:
// its exit code, its hint, a panic.
func (r *Redactor) failure(err error) error {
	if err == nil || r.Idle() {
		return err
	}
	text := err.Error()
	clean := r.Text(text)
	var bug *harness.PanicError
	if errors.As(err, &bug) {
		c := &harness.PanicError{Who: bug.Who, Value: r.Text(fmt.Sprint(bug.Value)), Stack: r.Text(bug.Stack)}
		return &cleaned{clean, c}
	}
	if clean == text {
		return err
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Code: e.Code, Err: errors.New(clean), Hint: r.Text(e.Hint)}
	}
	return errors.New(clean)
}

// cleaned is an error with another text than that of its cause.
type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.err }
