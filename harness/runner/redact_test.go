package runner

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
)

func TestRedactorFindsEveryForm(t *testing.T) {
	const secret = `s3cr3t/+"key"`
	quoted, _ := json.Marshal(secret)
	r := NewRedactor(secret, "short")
	for _, form := range []string{
		secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
		url.QueryEscape(secret), url.PathEscape(secret), string(quoted),
	} {
		out := r.Text("before " + form + " after")
		assert.NotContains(t, out, form)
		assert.Contains(t, out, "[redacted]")
	}
	assert.Equal(t, "short is left", r.Text("short is left"))
	assert.Equal(t, "x", NewRedactor().Text("x"))
}

func TestRedactorCleansAllThatAnAppCanSay(t *testing.T) {
	const secret = "hunter2-hunter2"
	no := false
	batch := []harness.Result{{
		Case:  harness.Case{ID: "a", Input: "from the dataset"},
		Error: &harness.Error{Message: "401 for " + secret, Stack: secret},
		Output: &harness.Output{
			Value:     map[string]any{"echo": []any{secret, 1.0}, secret: "key"},
			Chunks:    []harness.Chunk{{Text: secret, Metadata: map[string]any{"k": secret}}},
			ToolCalls: []harness.ToolCall{{Name: "t", Args: map[string]any{"key": secret}, Result: secret}},
			Metadata:  map[string]any{"header": secret},
		},
		Scores: []harness.Score{{Name: "s", Pass: &no, Reason: "found " + secret, Metadata: map[string]any{"raw": secret}},
			{Name: "e", Error: &harness.Error{Message: secret}}},
	}}
	original := batch[0].Output
	NewRedactor(secret).results(batch)
	data, err := json.Marshal(batch)
	assert.NoError(t, err)
	assert.NotContains(t, string(data), secret)
	assert.Equal(t, secret, original.Chunks[0].Text, "what others hold is left alone")
}
