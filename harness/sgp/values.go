package sgp

import (
	"bytes"
	"encoding/json"
	"maps"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

// fromExtraInfo is Case.Extra: the extra info as a JSON object, and the fields
// without a name here.
func fromExtraInfo(d TestCaseData) any {
	var extra map[string]any
	if d.ExpectedExtraInfo != nil {
		extra, _ = plain(d.ExpectedExtraInfo).(map[string]any)
	}
	if len(d.Unknown) > 0 {
		if extra == nil {
			extra = map[string]any{}
		}
		extra[unnamedKey] = plain(d.Unknown)
	}
	if extra == nil {
		return nil
	}
	return extra
}

// toExtraInfo is the reverse; other things than extra info become text.
func toExtraInfo(extra any) (*ExtraInfo, Unknown) {
	extra = plain(extra)
	var unknown Unknown
	if m, ok := extra.(map[string]any); ok {
		if unnamed, ok := m[unnamedKey].(map[string]any); ok {
			m = maps.Clone(m)
			delete(m, unnamedKey)
			unknown = Unknown{}
			for k, v := range unnamed {
				unknown[k], _ = wire.Marshal(v)
			}
			if extra = m; len(m) == 0 {
				return nil, unknown
			}
		}
	}
	switch e := extra.(type) {
	case nil:
		return nil, unknown
	case string:
		return StringInfo(e), unknown
	case map[string]any:
		if _, ok := Chunks(e["chunks"]); ok || isText(e["info"]) || isEmptyList(e["chunks"]) {
			var info ExtraInfo
			data, err := wire.Marshal(e)
			if err == nil && json.Unmarshal(data, &info) == nil {
				return &info, unknown
			}
		}
	case []any:
		if chunks, ok := Chunks(e); ok {
			return ChunksInfo(chunks...), unknown
		}
	}
	return StringInfo(text(extra)), unknown
}

// textOrMap is v where it is text, or a map and the schema allows that; else
// JSON text.
func textOrMap(v any, schema string) any {
	if s, ok := v.(string); ok {
		return s
	}
	if m, ok := plain(v).(map[string]any); ok && schema != Generation {
		return m
	}
	return text(v)
}

// text is JSON text, or the string itself.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	data, err := wire.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

// plain turns a Go value into what JSON decodes to; nil when it can't be.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, map[string]any:
		return v
	}
	data, err := wire.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := wire.DecodeValue(data)
	if err != nil {
		return nil
	}
	return out
}

// same compares values by their JSON.
func same(a, b any) bool {
	x, errX := wire.Marshal(a)
	y, errY := wire.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func texts(v any) ([]string, bool) {
	switch list := v.(type) {
	case []string:
		return list, true
	case []any:
		out := make([]string, len(list))
		for i, item := range list {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func isEmptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}
