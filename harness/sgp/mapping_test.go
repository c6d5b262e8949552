package sgp_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/sgp"
)

// sent is what the platform makes of a request: the same data, with an ID. It
// goes through JSON, as it would.
func sent(t *testing.T, r sgp.TestCaseVersionRequest) sgp.TestCase {
	t.Helper()
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var tc sgp.TestCase
	require.NoError(t, json.Unmarshal(data, &tc))
	tc.ID = "tc_9"
	return tc
}

// checkMapping takes a test case to a case, to a request, and to a case again:
// nothing of its content may be lost on the way.
func checkMapping(t *testing.T, tc sgp.TestCase) {
	t.Helper()
	c := sgp.FromTestCase(tc)
	back := sgp.FromTestCase(sent(t, sgp.ToTestCase(c)))
	back.ID = c.ID
	assert.NotContains(t, c.Metadata, "_evalrun")
	if _, had := original(c); !had {
		back.Extra = without(back.Extra)
	}
	if c.Input == nil { // the platform wants text or a map
		c.Input = ""
	}
	assert.Equal(t, exact(t, []byte(asJSON(t, c))), exact(t, []byte(asJSON(t, back))))
}

func original(c harness.Case) (string, bool) {
	extra, _ := c.Extra.(map[string]any)
	kept, _ := extra["_evalrun"].(map[string]any)
	id, ok := kept["id"].(string)
	return id, ok
}

// without is an extra but for the ID that was kept there.
func without(extra any) any {
	m, ok := extra.(map[string]any)
	if _, kept := m["_evalrun"]; !ok || !kept {
		return extra
	}
	m = maps.Clone(m)
	if delete(m, "_evalrun"); len(m) == 0 {
		return nil
	}
	return m
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

func TestFromTestCase(t *testing.T) {
	var tc sgp.TestCase
	require.NoError(t, json.Unmarshal([]byte(everything), &tc))
	c := sgp.FromTestCase(tc)
	assert.Equal(t, "tc_1", c.ID)
	assert.Equal(t, tc.TestCaseData.Input, c.Input)
	assert.Equal(t, map[string]any{"a": json.Number("1e400")}, c.Expected)
	assert.Equal(t, map[string]any{"messages": []any{}}, c.History)
	assert.Equal(t, map[string]any{"k": []any{nil}, "artifact_ids_filter": []any{}}, c.Metadata)
	extra := c.Extra.(map[string]any)
	assert.Equal(t, "CHUNKS", extra["schema_type"])
	assert.Equal(t, 1.0, extra["new"])
	assert.Equal(t, map[string]any{"new_data": []any{1.0}}, extra["_sgp"])

	r := sgp.ToTestCase(c)
	assert.Equal(t, exact(t, []byte(asJSON(t, tc.TestCaseData))), exact(t, []byte(asJSON(t, r.TestCaseData))))
	assert.JSONEq(t, asJSON(t, tc.ChatHistory), asJSON(t, r.ChatHistory))
	checkMapping(t, tc)
}

func TestPlainTestCaseStaysPlain(t *testing.T) {
	c := sgp.FromTestCase(sgp.TestCase{ID: "a", TestCaseData: sgp.TestCaseData{Input: "hi"}})
	assert.Equal(t, harness.Case{ID: "a", Input: "hi"}, c)
	r := sgp.ToTestCase(harness.Case{ID: "a", Input: "hi", Expected: "yo"})
	assert.JSONEq(t, `{"test_case_data": {"input": "hi", "expected_output": "yo"}, "test_case_metadata": {"_evalrun": {"id": "a"}}}`, asJSON(t, r))
}

// Any case goes up and comes back with its content and its own ID.
func TestCasesComeBack(t *testing.T) {
	for name, c := range map[string]harness.Case{
		"text":                {Input: "a", Expected: "b"},
		"empty text":          {Input: "", Expected: ""},
		"maps":                {Input: map[string]any{"a": 1.0, "n": nil}, Expected: map[string]any{"b": []any{true}}},
		"number":              {Input: "1+1", Expected: 2.0},
		"big number":          {Input: "n", Expected: json.Number("12345678901234567890")},
		"bool":                {Input: "a", Expected: false},
		"list":                {Input: []any{"a", 1.0}, Expected: []any{"x", "y"}},
		"number as text":      {Input: "a", Expected: "2"},
		"chunks":              {Input: "a", Extra: map[string]any{"schema_type": "CHUNKS", "chunks": []any{map[string]any{"text": "t", "x": 1.0}}}},
		"chunks without type": {Input: "a", Extra: map[string]any{"chunks": []any{}}},
		"info":                {Input: "a", Extra: map[string]any{"info": "i", "more": 1.0}},
		"extra text":          {Input: "a", Extra: "text"},
		"extra list":          {Input: "a", Extra: []any{"a", "b"}},
		"extra passages":      {Input: "a", Extra: []any{map[string]any{"text": "t"}}},
		"extra map":           {Input: "a", Extra: map[string]any{"anything": map[string]any{"x": nil}}},
		"extra empty map":     {Input: "a", Extra: map[string]any{}},
		"extra with odd info": {Input: "a", Extra: map[string]any{"info": 5.0, "chunks": "no"}},
		"extra unnamed":       {Input: "a", Extra: map[string]any{"_sgp": map[string]any{"f": 1.0}}},
		"extra odd unnamed":   {Input: "a", Extra: map[string]any{"_sgp": 5.0}},
		"history map":         {Input: "a", History: map[string]any{"turns": 2.0}},
		"history list":        {Input: "a", History: []any{map[string]any{"role": "user", "content": "hi"}}},
		"history text":        {Input: "a", History: "hi"},
		"metadata":            {Input: "a", Metadata: map[string]any{"k": 1.0, "deep": map[string]any{"x": []any{}}}},
		"filter":              {Input: "a", Metadata: map[string]any{"artifact_ids_filter": []any{"x"}}},
		"odd filter":          {Input: "a", Metadata: map[string]any{"artifact_ids_filter": "x"}},
		"cluster":             {Input: "a", Cluster: "doc 1"},
		"all":                 {Input: []any{1.0}, Expected: 3.0, Extra: "e", History: "h", Cluster: "c", Metadata: map[string]any{"m": 1.0}},
	} {
		t.Run(name, func(t *testing.T) {
			c.ID = "mine"
			before := asJSON(t, c)
			tc := sent(t, sgp.ToTestCase(c))
			assert.Equal(t, before, asJSON(t, c), "the case itself is not changed")
			back := sgp.FromTestCase(tc)
			assert.Equal(t, "tc_9", back.ID)
			id, ok := original(back)
			if m, isMap := c.Extra.(map[string]any); c.Extra == nil || isMap && len(m) > 0 {
				assert.True(t, ok)
				assert.Equal(t, "mine", id)
			} else {
				assert.Equal(t, c.Extra, back.Extra, "there is no room for the ID")
			}

			twice := sgp.FromTestCase(sent(t, sgp.ToTestCase(back))) // pulled, and pushed again
			assert.Equal(t, back, twice)

			back.ID, back.Extra = "mine", without(back.Extra)
			assert.JSONEq(t, before, asJSON(t, back))
			assert.Equal(t, c.Metadata, twice.Metadata, "the app sees nothing that was kept")
		})
	}
}

// What was edited on the platform counts, and what was kept beside it does not.
func TestEditsOnThePlatformCount(t *testing.T) {
	c := harness.Case{ID: "a", Input: []any{1.0}, Expected: 2.0, Extra: "e", History: "h"}
	tc := sent(t, sgp.ToTestCase(c))
	tc.TestCaseData.ExpectedOutput = "3"
	tc.TestCaseData.ExpectedExtraInfo = sgp.StringInfo("new")
	tc.ChatHistory = nil
	back := sgp.FromTestCase(tc)
	assert.Equal(t, []any{1.0}, back.Input)
	assert.Equal(t, "3", back.Expected)
	assert.Equal(t, map[string]any{"schema_type": "STRING", "info": "new"}, without(back.Extra))
	assert.Nil(t, back.History)
}

func TestOddHistoryIsKept(t *testing.T) {
	var tc sgp.TestCase
	require.NoError(t, json.Unmarshal([]byte(`{"id": "a", "test_case_data": {"input": "a"}, "chat_history": ["hi"]}`), &tc))
	assert.Equal(t, []any{"hi"}, sgp.FromTestCase(tc).History)
}

// Real rows of a public dataset, whatever their fields hold.
func TestRealRows(t *testing.T) {
	file, err := os.Open(shared.File(t, "data/gsm8k_test.jsonl"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	rows := bufio.NewScanner(file)
	rows.Buffer(nil, 1<<20)
	n := 0
	for ; rows.Scan(); n++ {
		var row map[string]any
		require.NoError(t, json.Unmarshal(rows.Bytes(), &row))
		c := harness.Case{ID: "x", Input: row["question"], Expected: row["answer"]}
		back := sgp.FromTestCase(sent(t, sgp.ToTestCase(c)))
		require.Equal(t, c.Input, back.Input)
		require.Equal(t, c.Expected, back.Expected)
	}
	assert.Equal(t, 1319, n)
}
