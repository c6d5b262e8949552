package evaluator

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// TestMain is also the program that the tests ask, when the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("EVALUATOR_TEST_PROGRAM") != "" {
		echo()
		return
	}
	goleak.VerifyTestMain(m)
}

// echo answers with what it was asked, and the number of requests so far.
func echo() {
	in := bufio.NewReader(os.Stdin)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request struct{ ID string }
		_ = json.Unmarshal(line, &request)
		reply, _ := json.Marshal(map[string]any{"id": request.ID, "value": 0.5, "pass": true, "metadata": map[string]any{"line": string(line), "n": n}})
		fmt.Println(string(reply))
	}
}

func TestExecRequest(t *testing.T) {
	e := buildProgram(t, 1)
	cost := 0.25
	scores, err := e.Evaluate(context.Background(), harness.Trial{
		Case: harness.Case{
			ID: "a b", Input: map[string]any{"q": "line\nbreak"}, Expected: []any{"x"}, Extra: "more",
			History: []any{"before"}, Metadata: map[string]any{"k": "v"},
		},
		Number: 2, Latency: 1500 * time.Microsecond,
		Output: harness.Output{
			Value: "answer", CostUSD: &cost, Chunks: []harness.Chunk{{Text: "chunk"}},
			ToolCalls: []harness.ToolCall{{Name: "look"}}, Metadata: map[string]any{"model": "m"},
		},
	})
	require.NoError(t, err)
	require.Len(t, scores, 1)
	assert.InDelta(t, 0.5, scores[0].Value, 0)
	assert.JSONEq(t, `{"id": "a b", "trial": 2, "input": {"q": "line\nbreak"}, "output": "answer", "expected": ["x"], "extra": "more",
		"history": ["before"], "metadata": {"k": "v"}, "latency_ms": 1.5, "chunks": [{"text": "chunk"}], "tool_calls": [{"name": "look"}],
		"cost_usd": 0.25, "output_metadata": {"model": "m"}}`, scores[0].Metadata["line"].(string))

	_, err = e.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: func() {}}})
	assert.ErrorContains(t, err, "can't be written as JSON")
}

// Many trials at once share the processes, and each gets its own reply.
func TestExecConcurrently(t *testing.T) {
	e := buildProgram(t, 3)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			id := strconv.Itoa(i)
			scores, err := e.Evaluate(context.Background(), harness.Trial{Case: harness.Case{ID: id}})
			if assert.NoError(t, err) {
				assert.Contains(t, scores[0].Metadata["line"], `"id":"`+id+`"`)
			}
		})
	}
	wg.Wait()
}

func buildProgram(t *testing.T, processes int) *program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	entry := fmt.Sprintf("exec: {command: [%q], processes: %d, env: {EVALUATOR_TEST_PROGRAM: '1'}}", self, processes)
	e, err := NewRegistry().BuildText(entry, Env{})
	require.NoError(t, err)
	p := e.(*program)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	return p
}

// Waiting for a free process is not part of the time that a score may take.
func TestExecWaitingIsNotTheProgramsTime(t *testing.T) {
	e, err := NewRegistry().BuildText(`exec: {timeout: 2s, processes: 1, command: [sh, -c, 'while read l; do sleep 0.3; echo "{\"value\": 1, \"id\": \"x\"}"; done']}`, Env{})
	require.NoError(t, err)
	p := e.(*program)
	defer p.Close()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_, err := p.Evaluate(context.Background(), harness.Trial{Case: harness.Case{ID: "x"}})
			assert.NoError(t, err)
		})
	}
	wg.Wait()

	p.free <- struct{}{} // as if a call were under way
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = p.Evaluate(ctx, harness.Trial{Case: harness.Case{ID: "x"}})
	assert.EqualError(t, err, "exec: no process was free: context canceled")
	<-p.free
}

func TestExprHint(t *testing.T) {
	_, err := NewRegistry().BuildText("expr: output = 3", Env{})
	var e *strict.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "to compare, write == in place of =", e.Hint)
}
