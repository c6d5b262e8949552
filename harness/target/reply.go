package target

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/jsonx"
)

// textOutput is an answer that is text.
func textOutput(b []byte) harness.Output {
	if utf8.Valid(b) {
		return harness.Output{Value: string(b)}
	}
	return harness.Output{
		Value:    strings.ToValidUTF8(string(b), "\uFFFD"),
		Metadata: map[string]any{"invalid_utf8": true, "raw_base64": base64.StdEncoding.EncodeToString(b)},
	}
}

// more adds what an object says beside the answer. What does not have the form
// of the package comment is left alone, and named in the error.
func more(out *harness.Output, m map[string]any) error {
	var errs []error
	check := func(key string, ok bool) {
		if !ok && m[key] != nil {
			errs = append(errs, fmt.Errorf("%s is not in the form that is expected", key))
		}
	}
	usage, ok := usageOf(m["usage"])
	out.Usage = usage
	check("usage", ok)
	if cost, ok := number(m["cost_usd"]); ok && cost >= 0 {
		out.CostUSD = &cost
	} else {
		check("cost_usd", false)
	}
	out.Chunks, ok = chunksOf(m["chunks"])
	check("chunks", ok)
	out.ToolCalls, ok = toolCallsOf(m["tool_calls"])
	check("tool_calls", ok)
	metadata, ok := m["metadata"].(map[string]any)
	check("metadata", ok)
	for k, v := range metadata {
		if out.Metadata == nil {
			out.Metadata = map[string]any{}
		}
		out.Metadata[k] = v
	}
	return errors.Join(errs...)
}

// usageOf reads token counts by our names or by those of OpenAI.
func usageOf(v any) (*harness.Usage, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	var u harness.Usage
	found := false
	for _, f := range []struct {
		to    *int64
		names []string
	}{{&u.InputTokens, []string{"input_tokens", "prompt_tokens"}}, {&u.OutputTokens, []string{"output_tokens", "completion_tokens"}}} {
		for _, name := range f.names {
			if n, ok := number(m[name]); ok && n >= 0 && n < 1<<53 {
				*f.to, found = int64(n), true
				break
			}
		}
	}
	if !found {
		return nil, false
	}
	return &u, true
}

// chunksOf reads passages: objects with a text, or texts.
func chunksOf(v any) ([]harness.Chunk, bool) {
	l, ok := v.([]any)
	if !ok {
		return nil, false
	}
	chunks := make([]harness.Chunk, 0, len(l))
	for _, item := range l {
		switch item := item.(type) {
		case string:
			chunks = append(chunks, harness.Chunk{Text: item})
		case map[string]any:
			text, ok := item["text"].(string)
			if !ok {
				return nil, false
			}
			metadata, _ := item["metadata"].(map[string]any)
			chunks = append(chunks, harness.Chunk{Text: text, Metadata: metadata})
		default:
			return nil, false
		}
	}
	return chunks, true
}

// toolCallsOf reads {name, args, result}, or OpenAI's {function: {name,
// arguments}} whose arguments are JSON in a text.
func toolCallsOf(v any) ([]harness.ToolCall, bool) {
	l, ok := v.([]any)
	if !ok {
		return nil, false
	}
	calls := make([]harness.ToolCall, 0, len(l))
	for _, item := range l {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		call := harness.ToolCall{Result: m["result"]}
		if f, ok := m["function"].(map[string]any); ok {
			m = f
		}
		if call.Name, ok = m["name"].(string); !ok {
			return nil, false
		}
		args := m["args"]
		if args == nil {
			args = m["arguments"]
		}
		switch args := args.(type) {
		case nil:
		case map[string]any:
			call.Args = args
		case string: // a model can get its JSON wrong; the text is then kept
			decoded, err := jsonx.Decode([]byte(args))
			if call.Args, ok = decoded.(map[string]any); err != nil || !ok {
				call.Args = map[string]any{"arguments": args}
			}
			if args == "" {
				call.Args = nil
			}
		default:
			return nil, false
		}
		calls = append(calls, call)
	}
	return calls, true
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// problem gives the error that an object reports in its error field: a text, or
// an object with a message.
func problem(m map[string]any) (message, code string, ok bool) {
	switch e := m["error"].(type) {
	case nil:
		return "", "", false
	case string:
		return e, "", e != ""
	case bool:
		return "error", "", e
	case map[string]any:
		code, _ = e["code"].(string)
		if text, isText := e["message"].(string); isText {
			return text, code, true
		}
	}
	text, _ := asJSON(m["error"])
	return text, code, true
}

// excerpt is the beginning of what an app sent, quoted, on one line, without
// control characters.
func excerpt(b []byte) string {
	const size = 200
	rest := ""
	b = bytes.TrimSpace(b)
	if len(b) > size {
		b, rest = b[:size], "…"
	}
	text := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(b), "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	return strconv.Quote(text) + rest
}
