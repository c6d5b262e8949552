// Package fuzz holds the fuzz test of the platform's types. It is apart from
// their other tests because those link an OpenAPI validator, whose size makes
// fuzzing a thousand times slower.
package fuzz

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// Whatever is decoded is encoded again without loss, what that gives decodes to
// the same, and a test case keeps its content on its way to a case and back.
func FuzzUnions(f *testing.F) {
	f.Add([]byte(`{"id": "a", "schema_type": "FLEXIBLE", "test_case_data": {"input": {"n": 9007199254740993, "null": null},
		"expected_output": 1e400, "expected_extra_info": {"schema_type": "CHUNKS", "chunks": [{"text": "c", "rank": 1}], "new": 1},
		"artifact_ids_filter": [], "new_data": [1]}, "chat_history": {"messages": []}, "test_case_metadata": {"k": [null]}, "new": 1}`))
	f.Add([]byte(`{"test_case_data": {"input": 1, "expected_extra_info": {"info": null}}, "id": 5, "chat_history": [1]}`))
	f.Add([]byte(`{"test_case_data": {"input": "[1]"}, "test_case_metadata": {"_evalrun": {"id": "x", "input": [1], "expected": 2}, "artifact_ids_filter": "x"}}`))
	f.Add([]byte(`{"generation_output": {"a": 1e999}, "content": [{"text": 1}], "items": [], "total_item_count": 3, "detail": [{"loc": ["body", 1]}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{
			&sgp.TestCase{}, &sgp.TestCaseResult{}, &sgp.TestCaseResultRequest{}, &sgp.TestCaseEvaluationData{}, &sgp.ExtraInfo{},
			&sgp.ChatMessage{}, &sgp.File{}, &sgp.Page[sgp.TestCase]{}, &sgp.HTTPValidationError{}, &sgp.EvaluationDataset{},
		} {
			if json.Unmarshal(data, v) != nil {
				continue
			}
			first := encode(t, v)
			if err := json.Unmarshal(first, v); err != nil {
				t.Fatalf("%T wrote %s: %v", v, first, err)
			}
			if second := encode(t, v); !bytes.Equal(first, second) {
				t.Fatalf("%T is not stable: %s and then %s", v, first, second)
			}
			if tc, ok := v.(*sgp.TestCase); ok {
				mapped(t, *tc)
			}
		}
	})
}

// mapped takes a test case to a case, to a request and, as the platform would
// give it back, to a case again.
func mapped(t *testing.T, tc sgp.TestCase) {
	c := sgp.FromTestCase(tc)
	if c.Input == nil { // the platform wants text or a map
		c.Input = ""
	}
	var there sgp.TestCase
	if err := json.Unmarshal(encode(t, sgp.ToTestCase(c)), &there); err != nil {
		t.Fatal(err)
	}
	there.ID = c.ID
	back := sgp.FromTestCase(there)
	for _, c := range []harness.Case{c, back} {
		if _, seen := c.Metadata["_evalrun"]; seen {
			t.Fatalf("the app sees what was kept: %v", c.Metadata)
		}
	}
	c.Extra, back.Extra = without(c.Extra), without(back.Extra) // its own ID came along
	if want, got := encode(t, c), encode(t, back); !bytes.Equal(want, got) {
		t.Fatalf("%s came back as %s", want, got)
	}
}

// without is a case's extra but for the ID that was kept there.
func without(extra any) any {
	m, ok := extra.(map[string]any)
	if !ok {
		return extra
	}
	m = maps.Clone(m)
	if delete(m, "_evalrun"); len(m) == 0 {
		return nil
	}
	return m
}

func encode(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	return data
}
