package sgp

import (
	"maps"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
)

// The names under which a case keeps what the platform, or harness.Case, has no
// field for.
const (
	// keptKey, in a test case's metadata, holds the case's own ID, its cluster,
	// and those of its fields whose value the platform's types can't hold. In
	// Case.Extra it holds the ID alone: an ID can give the answer away, and the app
	// does not see Extra.
	keptKey = "_evalrun"
	// unnamedKey, in Case.Extra, holds the fields of test_case_data that this
	// package does not name. It is there, and not in Metadata, because the app
	// must not see what may give the answer away.
	unnamedKey = "_sgp"
	// filterKey, in Case.Metadata, holds test_case_data.artifact_ids_filter: the
	// app may need it.
	filterKey = "artifact_ids_filter"
)

// FromTestCase makes a case of a test case.
//
//	test_case_data.input, .expected_output  Input, Expected
//	.expected_extra_info                    Extra, as the JSON object that it is
//	.artifact_ids_filter                    Metadata["artifact_ids_filter"]
//	unnamed fields of test_case_data        Extra["_sgp"]
//	chat_history                            History
//	test_case_metadata                      Metadata
//
// Extra, History and Metadata are nil when there is nothing to hold. What
// ToTestCase had to put elsewhere comes back to its place; the ID that the case
// had then is in Extra["_evalrun"]["id"], where Extra is nothing else or an
// object with something in it. Nothing of "_evalrun" is in Metadata, which the
// app sees.
func FromTestCase(tc TestCase) harness.Case {
	c, id := fromTestCase(tc)
	if id == "" {
		return c
	}
	switch extra := c.Extra.(type) {
	case nil:
		c.Extra = map[string]any{keptKey: map[string]any{"id": id}}
	case map[string]any:
		if len(extra) > 0 {
			extra = maps.Clone(extra)
			extra[keptKey] = map[string]any{"id": id}
			c.Extra = extra
		}
	}
	return c
}

// fromTestCase gives the ID that the case had before it was pushed as well, ""
// when it is not known.
func fromTestCase(tc TestCase) (c harness.Case, id string) {
	c = fromNative(tc.TestCaseData, tc.ChatHistory, tc.TestCaseMetadata)
	if raw, ok := tc.Unknown["chat_history"]; ok && tc.ChatHistory == nil { // not an object, as it should be
		c.History, _ = wire.DecodeValue(raw)
	}
	c.ID = tc.ID
	delete(c.Metadata, keptKey)
	if len(c.Metadata) == 0 {
		c.Metadata = nil
	}
	kept, _ := tc.TestCaseMetadata[keptKey].(map[string]any)
	restore(&c, TestCaseVersionRequest{TestCaseData: tc.TestCaseData, ChatHistory: tc.ChatHistory}, kept)
	c.Cluster, _ = kept["cluster"].(string)
	id, _ = kept["id"].(string)
	return c, id
}

// ownID is the ID that FromTestCase put into Extra, and the Extra without it.
func ownID(extra any) (id string, rest any) {
	m, _ := extra.(map[string]any)
	kept, _ := m[keptKey].(map[string]any)
	if id, _ = kept["id"].(string); id == "" {
		return "", extra
	}
	if m = maps.Clone(m); len(m) == 1 {
		return id, nil
	}
	delete(m, keptKey)
	return id, m
}

// ToTestCase makes a request of a case, from which FromTestCase makes the same
// case again but for its ID, which the platform gives. Values of input and
// expected that are neither text nor a map go as JSON text, a History that is
// not a map goes as {"messages": History}, an Extra that is not in the
// platform's form as text; the values themselves are kept beside, in
// test_case_metadata["_evalrun"].
func ToTestCase(c harness.Case) TestCaseVersionRequest { return toTestCase(c, Flexible) }

func toTestCase(c harness.Case, schema string) TestCaseVersionRequest {
	id := c.ID
	if own, extra := ownID(c.Extra); own != "" { // it was there before
		id, c.Extra = own, extra
	}
	r := toNative(c, schema)
	back := fromNative(r.TestCaseData, r.ChatHistory, nil)
	kept := map[string]any{"id": id}
	if c.Cluster != "" {
		kept["cluster"] = c.Cluster
	}
	for name, values := range map[string][2]any{
		"input": {c.Input, back.Input}, "expected": {c.Expected, back.Expected},
		"extra": {c.Extra, back.Extra}, "history": {c.History, back.History},
	} {
		if values[0] != nil && !same(values[0], values[1]) {
			kept[name] = values[0]
		}
	}
	if r.TestCaseMetadata == nil {
		r.TestCaseMetadata = map[string]any{}
	}
	r.TestCaseMetadata[keptKey] = kept
	return r
}

// restore puts kept values back where the platform still has what was made of
// them; where it was edited there, the edit counts.
func restore(c *harness.Case, native TestCaseVersionRequest, kept map[string]any) {
	fields := map[string]struct {
		into *any
		now  func(TestCaseVersionRequest) any
	}{
		"input":    {&c.Input, func(r TestCaseVersionRequest) any { return r.TestCaseData.Input }},
		"expected": {&c.Expected, func(r TestCaseVersionRequest) any { return r.TestCaseData.ExpectedOutput }},
		"extra": {&c.Extra, func(r TestCaseVersionRequest) any {
			return []any{r.TestCaseData.ExpectedExtraInfo, r.TestCaseData.Unknown}
		}},
		"history": {&c.History, func(r TestCaseVersionRequest) any { return r.ChatHistory }},
	}
	for name, f := range fields {
		value, ok := kept[name]
		if !ok {
			continue
		}
		was := harness.Case{Input: kept["input"], Expected: kept["expected"], Extra: kept["extra"], History: kept["history"]}
		for _, schema := range []string{Flexible, Generation} {
			if same(f.now(toNative(was, schema)), f.now(native)) {
				*f.into = value
			}
		}
	}
}

// toNative uses the platform's own fields only. With the schema Generation input
// and expected output are text.
func toNative(c harness.Case, schema string) TestCaseVersionRequest {
	var r TestCaseVersionRequest
	r.TestCaseData.Input = textOrMap(c.Input, schema)
	if c.Input == nil {
		r.TestCaseData.Input = ""
	}
	if c.Expected != nil {
		r.TestCaseData.ExpectedOutput = textOrMap(c.Expected, schema)
	}
	r.TestCaseData.ExpectedExtraInfo, r.TestCaseData.Unknown = toExtraInfo(c.Extra)
	switch h := plain(c.History).(type) {
	case nil:
	case map[string]any:
		r.ChatHistory = h
	default:
		r.ChatHistory = map[string]any{"messages": h}
	}
	for k, v := range c.Metadata {
		if ids, ok := texts(v); k == filterKey && ok {
			r.TestCaseData.ArtifactIDsFilter = ids
			continue
		}
		if r.TestCaseMetadata == nil {
			r.TestCaseMetadata = map[string]any{}
		}
		r.TestCaseMetadata[k] = v
	}
	return r
}

func fromNative(d TestCaseData, history, metadata map[string]any) harness.Case {
	c := harness.Case{Input: d.Input, Expected: d.ExpectedOutput, Extra: fromExtraInfo(d)}
	if history != nil {
		c.History = history
	}
	if len(metadata) > 0 || d.ArtifactIDsFilter != nil {
		c.Metadata = map[string]any{}
		maps.Copy(c.Metadata, metadata)
	}
	if d.ArtifactIDsFilter != nil {
		ids := make([]any, len(d.ArtifactIDsFilter))
		for i, id := range d.ArtifactIDsFilter {
			ids[i] = id
		}
		c.Metadata[filterKey] = ids
	}
	return c
}
