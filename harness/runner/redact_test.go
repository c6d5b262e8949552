package runner

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

func TestRedactorTakesTheLongestSecret(t *testing.T) {
	for _, secrets := range [][]string{{"hunter2-hunter2", "hunter2-hunter2-and-more"}, {"hunter2-hunter2-and-more", "hunter2-hunter2"}} {
		assert.Equal(t, "a [redacted] b [redacted] c", NewRedactor(secrets...).Text("a hunter2-hunter2-and-more b hunter2-hunter2 c"))
	}
}

// A secret is found in base64 wherever it stands in what was encoded.
func TestRedactorFindsBase64AtEveryOffset(t *testing.T) {
	for _, secret := range []string{"hunter2-", "hunter2-h", "hunter2-hu", "??>>~~hunter2"} {
		r := NewRedactor(secret)
		for _, before := range []string{"", "u", "us", "use", "user:", "admin:"} {
			for _, after := range []string{"", "x", "xy", "xyz"} {
				for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
					whole := enc.EncodeToString([]byte(before + secret + after))
					out := r.Text("Authorization: Basic " + whole)
					assert.Contains(t, out, redacted, "%q in %s", secret, whole)
					assert.LessOrEqual(t, len(out), len("Authorization: Basic ")+len(redacted)+len(whole)-len(secret), "%s", out)
				}
			}
		}
	}
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

func FuzzRedactor(f *testing.F) {
	f.Add("hunter2-hunter2", "user:hunter2-hunter2 and more", 1)
	f.Fuzz(func(t *testing.T, secret, text string, offset int) {
		r := NewRedactor(secret)
		if len(secret) < minSecret {
			assert.Equal(t, text, r.Text(text))
			return
		}
		if strings.ContainsAny(secret, redacted) && strings.Contains(redacted+text+redacted, secret[:2]) {
			return // what stands in its place may be part of it
		}
		assert.NotContains(t, r.Text(text), secret)
		before := make([]byte, uint(offset)%7)
		assert.Contains(t, r.Text(base64.StdEncoding.EncodeToString(append(before, secret...))), redacted)
	})
}
