package target

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/process"
	"github.com/evalrun/evalrun/harness/strict"
)

type execOptions struct {
	Command   []string          `yaml:"command" json:"command" jsonschema:"required,minItems=1" jsonschema_description:"The program and its arguments. A program without a slash is looked up in PATH; one with a slash is relative to the suite's folder."`
	Protocol  string            `yaml:"protocol" json:"protocol,omitempty" jsonschema:"enum=text,enum=jsonl" jsonschema_description:"text: one process for each case, input and answer as text (the default). jsonl: long-lived processes that answer JSON lines."`
	Processes int               `yaml:"processes" json:"processes,omitempty" jsonschema:"minimum=1" jsonschema_description:"With protocol jsonl: how many processes at most. Fewer than the suite's concurrency hold the run to as many. Default: the suite's concurrency."`
	Env       map[string]string `yaml:"env" json:"env,omitempty" jsonschema_description:"Environment variables beside PATH, HOME, TMPDIR and LANG."`
	MaxOutput int64             `yaml:"max_output" json:"max_output,omitempty" jsonschema:"minimum=1" jsonschema_description:"The longest answer (with protocol jsonl, the longest line) in bytes. Default: 10485760."`
}

func newExec(n strict.Node, env Env) (harness.App, error) {
	var o execOptions
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	switch {
	case len(o.Command) == 0 || o.Command[0] == "":
		return nil, n.Errorf("exec: command is missing: the program and its arguments, such as [python3, bot.py]")
	case o.Processes < 0:
		return nil, n.Get("processes").Errorf("processes is %d; expected 1 or more", o.Processes)
	case o.MaxOutput < 0:
		return nil, n.Get("max_output").Errorf("max_output is %d; expected 1 or more", o.MaxOutput)
	}
	c := process.Command{Argv: o.Command, Dir: env.Dir, Env: o.Env, MaxOutput: o.MaxOutput}
	if err := c.Check(); err != nil {
		return nil, absent(n.Get("command"), c.Argv[0], err)
	}
	switch o.Protocol {
	case "", "text":
		if o.Processes > 0 {
			return nil, n.Get("processes").Errorf("processes is for protocol jsonl; without it there is one process for each case")
		}
		return programApp{c}, nil
	case "jsonl":
		if o.Processes == 0 {
			o.Processes = env.Concurrency
		}
		return &workerApp{pool: process.NewPool(c, o.Processes), processes: o.Processes}, nil
	}
	return nil, n.Get("protocol").Errorf("unknown protocol %q; expected text or jsonl", o.Protocol)
}

// absent is the error about a program that can't be started, with a hint at where
// it was looked for.
func absent(at strict.Node, program string, err error) error {
	e := at.Errorf("%v", err)
	switch {
	case strings.ContainsAny(program, " \t"):
		e.Hint = "the command is a list, without a shell: " + strict.Words(program)
	case strings.ContainsAny(program, `/\`):
		e.Hint = "a program with a slash is looked for from the suite's folder"
	default:
		e.Hint = "a program without a slash is looked for in PATH; write ./" + program + " for one in the suite's folder"
	}
	return e
}

// programApp starts a process for each case.
type programApp struct{ command process.Command }

// Respond gives the process the input and takes its output for the answer.
func (a programApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	out, err := process.Run(ctx, a.command, []byte(in.Text()))
	if err != nil {
		return harness.Output{}, programError(err)
	}
	out = bytes.TrimSuffix(out, []byte("\n"))
	return textOutput(bytes.TrimSuffix(out, []byte("\r"))), nil
}

// workerApp asks long-lived processes by JSON lines.
type workerApp struct {
	pool      *process.Pool
	processes int
}

var (
	_ io.Closer = (*workerApp)(nil)
	_ Limited   = (*workerApp)(nil)
)

// MaxConcurrency is the number of processes: each answers one request at a time.
func (a *workerApp) MaxConcurrency() int { return a.processes }

// Close ends the processes.
func (a *workerApp) Close() error { return a.pool.Close() }

// Respond asks one of the processes.
func (a *workerApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	request, err := wire.Marshal(in)
	if err != nil {
		return harness.Output{}, permanent("the input can't be sent as JSON: " + err.Error())
	}
	line, err := a.pool.Call(ctx, request)
	if err != nil {
		return harness.Output{}, programError(err)
	}
	v, err := jsonx.Decode(line)
	if err != nil {
		return harness.Output{}, permanent("the reply can't be read: " + err.Error())
	}
	m, ok := v.(map[string]any)
	if !ok {
		return harness.Output{}, permanent("the reply is " + jsonx.Kind(v) + ", not an object: " + excerpt(line))
	}
	if message, _, failed := problem(m); failed {
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Message: "the app says: " + message}
	}
	if m["output"] == nil {
		return harness.Output{}, permanent("the reply has neither an output nor an error: " + excerpt(line))
	}
	out := harness.Output{Value: m["output"]}
	if err := more(&out, m); err != nil {
		return harness.Output{}, permanent("reply: " + err.Error() + ": " + excerpt(line))
	}
	return out, nil
}

// programError says whether trying again may help: not when the program is not
// there, or writes without end.
func programError(err error) error {
	e := &harness.Error{Kind: harness.KindApp, Message: err.Error(), Err: err}
	for _, lasting := range []error{exec.ErrNotFound, fs.ErrNotExist, fs.ErrPermission, process.ErrOutput} {
		e.Permanent = e.Permanent || errors.Is(err, lasting)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Kind = harness.KindTimeout
	}
	return e
}

func permanent(message string) error {
	return &harness.Error{Kind: harness.KindApp, Message: message, Permanent: true}
}
