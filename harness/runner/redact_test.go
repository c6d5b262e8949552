package runner

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestRedactorCleansAllThatAnAppCanSay(t *testing.T) {
	const secret = "hunter2-hunter2"
	no := false
	batch := []harness.Result{{
		Case:  harness.Case{ID: "a", Input: "from the dataset"},
		Error: &harness.Error{Message: "401 for " + secret, Stack: secret},
		Output: &harness.Output{
			Value:     map[string]any{"echo": []any{secret, 1.0}, secret: "key"},
			Chunks:    []harness.Chunk{{Text: secret, Metadata: map[string]any{"k": secret}}},
			ToolCalls: []harness.ToolCall{{Name: "t-" + secret, Args: map[string]any{"key": secret}, Result: secret}},
			Metadata: map[string]any{
				"header": secret, "headers": map[string]string{"x-api-key": secret}, "list": []string{secret},
				"raw": json.RawMessage(`{"k": "` + secret + `"}`), "bytes": []byte("key: " + secret),
				"struct": struct{ Key *string }{&[]string{secret}[0]}, "time": time.Unix(0, 0), "n": int32(3),
			},
		},
		Scores: []harness.Score{{Name: "s-" + secret, Pass: &no, Reason: "found " + secret, Metadata: map[string]any{"raw": secret}},
			{Name: "e", Error: &harness.Error{Message: secret}}},
	}}
	original := batch[0].Output
	NewRedactor(secret).results(batch)
	data, err := json.Marshal(batch)
	assert.NoError(t, err)
	assert.NotContains(t, string(data), secret)
	assert.NotContains(t, string(data), base64.StdEncoding.EncodeToString([]byte("key: " + secret))[8:20])
	assert.Equal(t, time.Unix(0, 0), batch[0].Output.Metadata["time"], "what holds no secret stays what it is")
	assert.Equal(t, int32(3), batch[0].Output.Metadata["n"])
	assert.Equal(t, secret, original.Chunks[0].Text, "what others hold is left alone")
}

func TestRedactorKeepsWhatAnErrorIs(t *testing.T) {
	r := NewRedactor("hunter2-hunter2")
	plain := errors.New("nothing to hide")
	assert.Same(t, plain, r.failure(plain))
	assert.NoError(t, r.failure(nil))
	assert.EqualError(t, r.failure(errors.New("with hunter2-hunter2")), "with [redacted]")

	err := r.failure(fmt.Errorf("start: %w", &Error{Code: CodeUnposted, Err: errors.New("hunter2-hunter2"), Hint: "not hunter2-hunter2"}))
	assert.EqualError(t, err, "start: [redacted]")
	var coded *Error
	require.ErrorAs(t, err, &coded)
	assert.Equal(t, CodeUnposted, coded.Code)
	assert.Equal(t, "not [redacted]", coded.Hint)

	err = r.failure(fmt.Errorf("run: %w", &harness.PanicError{Who: "source", Value: "hunter2-hunter2", Stack: "at hunter2-hunter2"}))
	assert.EqualError(t, err, "run: source panicked: [redacted]")
	var bug *harness.PanicError
	require.ErrorAs(t, err, &bug)
	assert.Equal(t, "at [redacted]", bug.Stack)
}
