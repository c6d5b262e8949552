package evaluator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/evalrun/evalrun/harness/strict"
)

type execOptions struct {
	Command   []string          `yaml:"command" json:"command" jsonschema:"required,minItems=1,description=The program and its arguments. It starts in the suite's folder."`
	Env       map[string]string `yaml:"env" json:"env,omitempty" jsonschema:"description=Environment variables beside PATH and HOME and TMPDIR and LANG."`
	Processes int               `yaml:"processes" json:"processes,omitempty" jsonschema:"minimum=1,description=How many processes run at once. Default: the suite's concurrency."`
	Timeout   time.Duration     `yaml:"timeout" json:"timeout,omitempty" jsonschema:"type=string,description=How long one score may take such as 10s. Default: 1m."`
	Threshold *float64          `yaml:"threshold" json:"threshold,omitempty" jsonschema:"description=The value that passes. It wins over the program's own verdict."`
}

func execDefinitions() []Definition {
	return []Definition{{
		Name: "exec", Options: execOptions{}, Scalar: "command",
		Doc: "Asks a program of yours, in any language. The program reads one JSON object a line from standard input, {\"id\", \"trial\", \"input\", \"output\", \"expected\", \"extra\", \"history\", \"metadata\", \"latency_ms\", \"chunks\", \"tool_calls\", \"cost_usd\", \"output_metadata\"}, and answers each with one line, flushed at once, {\"id\", \"value\": 0.5, \"pass\": false, \"reason\": \"…\"}, or {\"id\", \"error\": \"…\"} when it can't score. Without a value the verdict counts as 1 or 0; without both it is an error. `threshold` decides the verdict when it is given. " +
			"The program has to be there when the suite is loaded: in PATH, or with a slash in it relative to the suite. Up to `processes` of them stay alive over the run; waiting for a free one is not part of `timeout`. A line that takes longer than `timeout`, that is no JSON or has another id, and a program that ends are errors, and a new process takes over.",
		New: newExec,
	}}
}

func newExec(o Options) (harness.Evaluator, error) {
	var opts execOptions
	if err := o.Decode(&opts); err != nil {
		return nil, err
	}
	switch {
	case len(opts.Command) == 0 || opts.Command[0] == "":
		return nil, o.At("command").Errorf("the command is empty")
	case opts.Processes < 0:
		return nil, o.At("processes").Errorf("processes is negative")
	case opts.Timeout < 0:
		return nil, o.At("timeout").Errorf("timeout is negative")
	case opts.Timeout == 0:
		opts.Timeout = time.Minute
	}
	size := opts.Processes
	if size == 0 {
		size = max(o.Env.Concurrency, 1)
	}
	command := process.Command{Argv: opts.Command, Dir: o.Env.Dir, Env: opts.Env}
	if err := command.Check(); err != nil {
		e := o.At("command").Errorf("%v", err)
		if strings.ContainsAny(opts.Command[0], " \t") {
			e.Hint = "the command is a list, without a shell: " + strict.Words(opts.Command[0])
		}
		return nil, e
	}
	return &program{name: o.Name, opts: opts, pool: process.NewPool(command, size), free: make(chan struct{}, size)}, nil
}

// program is an evaluator that asks long-lived processes.
type program struct {
	name string
	opts execOptions
	pool *process.Pool
	free chan struct{} // holds one for each call under way
}

var (
	_ harness.Evaluator = (*program)(nil)
	_ io.Closer         = (*program)(nil)
)

func (p *program) Name() string { return p.name }

// Close ends the processes.
func (p *program) Close() error { return p.pool.Close() }

// execRequest is one line to the program.
type execRequest struct {
	ID       string             `json:"id"`
	Trial    int                `json:"trial"`
	Input    any                `json:"input"`
	Output   any                `json:"output"`
	Expected any                `json:"expected,omitempty"`
	Extra    any                `json:"extra,omitempty"`
	History  any                `json:"history,omitempty"`
	Metadata map[string]any     `json:"metadata,omitempty"`
	Latency  float64            `json:"latency_ms"`
	Chunks   []harness.Chunk    `json:"chunks,omitempty"`
	Tools    []harness.ToolCall `json:"tool_calls,omitempty"`
	CostUSD  *float64           `json:"cost_usd,omitempty"`
	Answer   map[string]any     `json:"output_metadata,omitempty"`
}

// execReply is one line of the program.
type execReply struct {
	Value    *float64       `json:"value"`
	Pass     *bool          `json:"pass"`
	Reason   string         `json:"reason"`
	Error    string         `json:"error"`
	Metadata map[string]any `json:"metadata"`
}

func (p *program) Evaluate(ctx context.Context, t harness.Trial) ([]harness.Score, error) {
	line, err := json.Marshal(execRequest{
		ID: t.Case.ID, Trial: t.Number, Input: t.Case.Input, Output: t.Output.Value,
		Expected: t.Case.Expected, Extra: t.Case.Extra, History: t.Case.History, Metadata: t.Case.Metadata,
		Latency: float64(t.Latency) / float64(time.Millisecond), Chunks: t.Output.Chunks, Tools: t.Output.ToolCalls,
		CostUSD: t.Output.CostUSD, Answer: t.Output.Metadata,
	})
	if err != nil {
		return nil, fmt.Errorf("exec: the case can't be written as JSON: %w", err)
	}
	answer, err := p.ask(ctx, line)
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	var reply execReply
	if err := json.Unmarshal(answer, &reply); err != nil {
		return nil, fmt.Errorf("exec: %w: %s", badReply(err), show(string(answer)))
	}
	s, err := p.score(reply)
	if err != nil {
		return nil, err
	}
	return []harness.Score{s}, nil
}

// ask waits for a free process and then at most the timeout for its reply.
func (p *program) ask(ctx context.Context, line []byte) ([]byte, error) {
	select {
	case p.free <- struct{}{}:
		defer func() { <-p.free }()
	case <-ctx.Done():
		return nil, fmt.Errorf("no process was free: %w", ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	defer cancel()
	return p.pool.Call(ctx, line)
}

// badReply says in words what a reply has in the place of something else.
func badReply(err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return fmt.Errorf("reply: %w", err)
	}
	found := map[string]string{"string": "text", "bool": "true or false", "object": "an object", "array": "a list"}[mismatch.Value]
	if found == "" {
		found = "a number"
	}
	expected := "an object"
	switch mismatch.Type.Kind() {
	case reflect.Float64:
		expected = "a number"
	case reflect.Bool:
		expected = "true or false"
	case reflect.String:
		expected = "text"
	}
	field := mismatch.Field
	if field == "" {
		field = "it"
	}
	return fmt.Errorf("reply: %s is %s, expected %s", field, found, expected)
}

// score makes a score of the program's reply.
func (p *program) score(r execReply) (harness.Score, error) {
	switch {
	case r.Error != "":
		return harness.Score{}, errors.New(shorten("exec: the program says: " + r.Error))
	case r.Value == nil && r.Pass == nil:
		return harness.Score{}, errors.New(`exec: the reply has neither "value" nor "pass"`)
	}
	s := harness.Score{Pass: r.Pass, Reason: shorten(r.Reason), Metadata: r.Metadata}
	if r.Value != nil {
		s.Value = *r.Value
	} else {
		s.Value = one(*r.Pass)
	}
	if p.opts.Threshold != nil {
		s = harness.Graded(s.Value, *p.opts.Threshold, s.Reason)
		s.Metadata = r.Metadata
	}
	if s.Pass != nil && !*s.Pass && s.Reason == "" {
		s.Reason = fmt.Sprintf("the program gave %s and no reason", showNumber(s.Value))
	}
	return s, nil
}
