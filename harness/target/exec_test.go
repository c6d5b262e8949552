package target_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

func naughty(t testing.TB) []string {
	data, err := os.ReadFile(shared.File(t, "corpora/blns.json"))
	require.NoError(t, err)
	var all []string
	require.NoError(t, json.Unmarshal(data, &all))
	require.Greater(t, len(all), 500)
	return append(all, "$(id)", "`id`", "-rf", "; rm x", "a\x00b", "{{ .Input }}", "${env:HOME}", "line\r\nbreak\u2028\u2029")
}

func TestExecProgram(t *testing.T) {
	tests := []struct {
		mode  string
		input any
		want  any
	}{
		{"echo", "hi", "hi"},
		{"echo", "two lines\n\n", "two lines\n"},
		{"echo", "", ""},
		{"echo", map[string]any{"q": "<b>", "n": 1.0}, `{"n":1,"q":"<b>"}`},
		{"line", "windows", "windows"},
		{"grandchild", "", "answer"},
	}
	for _, tt := range tests {
		out, err := ask(t, build(t, "exec", child(tt.mode)), tt.input)
		require.NoError(t, err)
		assert.Equal(t, tt.want, out.Value)
	}
	out, err := ask(t, build(t, "exec", child("latin1")), "")
	require.NoError(t, err)
	assert.Equal(t, "caf\uFFFD", out.Value)
	assert.Equal(t, map[string]any{"invalid_utf8": true, "raw_base64": base64.StdEncoding.EncodeToString([]byte("caf\xe9"))}, out.Metadata)
}

func TestExecNaughtyStringsArriveExactly(t *testing.T) {
	program, worker := build(t, "exec", child("echo")), build(t, "exec", child("worker")+"protocol: jsonl\nprocesses: 2\n")
	all := naughty(t)
	out, err := ask(t, program, strings.Join(all, "\x00\x00"))
	require.NoError(t, err)
	assert.Equal(t, strings.Join(all, "\x00\x00"), out.Value)
	for _, s := range all {
		out, err := ask(t, worker, s)
		if strings.HasPrefix(s, "reply ") {
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, s, out.Value)
	}
}

func TestExecErrors(t *testing.T) {
	tests := []struct {
		name, options string
		permanent     bool
		want          string
	}{
		{"exits 1", child("exit"), false, ": exit status 1: boom"},
		{"exits 1, jsonl", child("worker") + "protocol: jsonl", false, ": ended before it replied: exit status 1: boom"},
		{"100 MB", child("flood"), true, ": wrote more than 10485760 bytes to standard output"},
		{"more than is allowed", child("flood") + "max_output: 1000", true, ": wrote more than 1000 bytes to standard output"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ask(t, build(t, "exec", tt.options), "exit")
			require.ErrorContains(t, err, tt.want)
			var e *harness.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.permanent, e.Permanent)
			assert.Equal(t, harness.KindApp, e.Kind)
		})
	}
}

// A program that is not there is found when the app is built, or at the call when
// it went away since.
func TestExecProgramThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"command: [no-such-program]":                      `suite.yaml:1:10: no-such-program: cannot start: executable file not found in $PATH|a program without a slash is looked for in PATH; write ./no-such-program for one in the suite's folder`,
		"{protocol: jsonl, command: [./no-such-program]}": `suite.yaml:1:28: ./no-such-program: cannot start: no such file or directory|a program with a slash is looked for from the suite's folder`,
		"command: ['python3 bot.py']":                     `suite.yaml:1:10: python3 bot.py: cannot start: executable file not found in $PATH|the command is a list, without a shell: [python3, bot.py]`,
		"command: python3 bot.py":                         `suite.yaml:1:10: expected a list, found "python3 bot.py"|write [python3, bot.py]`,
		`command: sh -c "echo hi"`:                        `suite.yaml:1:10: expected a list, found "sh -c \"echo hi\""|write [program, argument, …]`,
	} {
		_, err := target.New("exec", options(t, text), target.Env{Dir: dir})
		var e *strict.Error
		require.ErrorAs(t, err, &e, text)
		assert.Equal(t, want, e.Error()+"|"+e.Hint)
	}

	path := filepath.Join(dir, "bot")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
	for _, extra := range []string{"", "\nprotocol: jsonl"} {
		app, err := target.New("exec", options(t, "command: [./bot]"+extra), target.Env{Dir: dir})
		require.NoError(t, err)
		require.NoError(t, os.Rename(path, path+"2"))
		_, err = ask(t, app, "hi")
		var e *harness.Error
		require.ErrorAs(t, err, &e)
		assert.EqualError(t, err, "./bot: cannot start: no such file or directory")
		assert.True(t, e.Permanent, "trying again does not help")
		require.NoError(t, os.Rename(path+"2", path))
		if c, ok := app.(io.Closer); ok {
			require.NoError(t, c.Close())
		}
	}
}

// TestExecHasAConcurrency that a run should keep to.
func TestExecHasAConcurrency(t *testing.T) {
	for extra, want := range map[string]int{"protocol: jsonl": 4, "protocol: jsonl\nprocesses: 2": 2} {
		limited, ok := build(t, "exec", child("worker")+extra).(target.Limited)
		require.True(t, ok)
		assert.Equal(t, want, limited.MaxConcurrency())
	}
	_, limited := build(t, "exec", child("echo")).(target.Limited)
	assert.False(t, limited, "one process for each case: any number")
}

func TestExecTimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := build(t, "exec", child("hang")).Respond(ctx, harness.Input{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var e *harness.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, harness.KindTimeout, e.Kind)
}

func TestExecLines(t *testing.T) {
	app := build(t, "exec", child("worker")+"protocol: jsonl")
	out, err := app.Respond(t.Context(), harness.Input{
		ID: "a", Value: map[string]any{"q": "é\n<>"}, History: []any{"before"}, Metadata: map[string]any{"k": 1.0}, Trial: 2, Seed: 12345,
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"q": "é\n<>"}, out.Value)
	assert.Equal(t, map[string]any{"request": map[string]any{
		"id": "a", "input": map[string]any{"q": "é\n<>"}, "history": []any{"before"}, "metadata": map[string]any{"k": 1.0}, "trial": 2.0, "seed": 12345.0,
	}}, out.Metadata)

	cost := 0.25
	out, err = ask(t, app, `reply {"id":"case-1","output":[1,12345678901234567890],"usage":{"input_tokens":3,"output_tokens":4},"cost_usd":0.25,"chunks":[{"text":"c","metadata":{"p":1}},"d"],"tool_calls":[{"name":"f","args":{"x":1},"result":"y"}],"metadata":{"m":1}}`)
	require.NoError(t, err)
	assert.Equal(t, harness.Output{
		Value: []any{1.0, json.Number("12345678901234567890")}, Usage: &harness.Usage{InputTokens: 3, OutputTokens: 4}, CostUSD: &cost,
		Chunks:    []harness.Chunk{{Text: "c", Metadata: map[string]any{"p": 1.0}}, {Text: "d"}},
		ToolCalls: []harness.ToolCall{{Name: "f", Args: map[string]any{"x": 1.0}, Result: "y"}},
		Metadata:  map[string]any{"m": 1.0},
	}, out)
}

func TestExecBadReplies(t *testing.T) {
	app := build(t, "exec", child("worker")+"protocol: jsonl")
	tests := []struct{ reply, want string }{
		{"Loading model", `wrote a line that is not JSON (only replies may go to standard output): "Loading model"`},
		{"<html>", "wrote a line that is not JSON"},
		{"7", `reply without the request's id "case-1"`},
		{`{"output":"x"}`, `reply without the request's id "case-1"`},
		{`{"id":"other","output":"x"}`, `reply with id "other" to the request with id "case-1"`},
		{`{"id":"case-1"}`, "the reply has neither an output nor an error"},
		{`{"id":"case-1","output":null}`, "the reply has neither an output nor an error"},
		{`{"id":"case-1","error":"no such model"}`, "the app says: no such model"},
		{`{"id":"case-1","error":{"message":"deep"}}`, "the app says: deep"},
		{`{"id":"case-1","output":"x","usage":"many"}`, "reply: usage is not in the form that is expected"},
		{`{"id":"case-1","output":"x","cost_usd":-1}`, "reply: cost_usd is not in the form that is expected"},
		{`{"id":"case-1","output":"x","chunks":[1]}`, "reply: chunks is not in the form that is expected"},
		{`{"id":"case-1","output":"x","tool_calls":{}}`, "reply: tool_calls is not in the form that is expected"},
		{`{"id":"case-1","output":"x","metadata":"y"}`, "reply: metadata is not in the form that is expected"},
	}
	for _, tt := range tests {
		_, err := ask(t, app, "reply "+tt.reply)
		require.ErrorContains(t, err, tt.want, tt.reply)
		out, err := ask(t, app, "still there")
		require.NoError(t, err)
		require.Equal(t, "still there", out.Value)
	}
}

func TestExecManyAtOnce(t *testing.T) {
	for _, extra := range []string{"", "protocol: jsonl\nprocesses: 3\n"} {
		mode := "echo"
		if extra != "" {
			mode = "worker"
		}
		app := build(t, "exec", child(mode)+extra)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				in := strings.Repeat("x", i)
				out, err := app.Respond(t.Context(), harness.Input{ID: in, Value: in})
				if assert.NoError(t, err) {
					assert.Equal(t, in, out.Value)
				}
			})
		}
		wg.Wait()
	}
}

func TestExecStartsInTheSuitesFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "here"), []byte("found"), 0o600))
	app, err := target.New("exec", options(t, "command: [cat, here]"), target.Env{Dir: dir})
	require.NoError(t, err)
	out, err := ask(t, app, "")
	require.NoError(t, err)
	assert.Equal(t, "found", out.Value)
}

func TestReplayAndEcho(t *testing.T) {
	out, err := ask(t, build(t, "echo", "{}"), map[string]any{"a": 1.0})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": 1.0}, out.Value)

	stored := harness.TextApp(func(context.Context, string) (string, error) { return "stored", nil })
	env := target.Env{Replay: func(_ context.Context, run string) (harness.App, error) {
		if run != "R1" {
			return nil, errors.New("there is no such run")
		}
		return stored, nil
	}}
	app, err := target.New("replay", options(t, "run: R1"), env)
	require.NoError(t, err)
	out, err = ask(t, app, "x")
	require.NoError(t, err)
	assert.Equal(t, "stored", out.Value)
	_, err = target.New("replay", options(t, "run: R2"), env)
	require.EqualError(t, err, "open run R2: there is no such run")
	_, err = target.New("replay", options(t, "run: R1"), target.Env{})
	require.ErrorContains(t, err, "replay: there is no store of earlier runs")
}
