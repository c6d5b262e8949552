package runner

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestCode(t *testing.T) {
	for name, tc := range map[string]struct {
		report harness.Report
		want   int
	}{
		"pass":                    {harness.Report{Verdict: harness.Pass, Status: harness.Complete}, CodePass},
		"fail":                    {harness.Report{Verdict: harness.Fail, Status: harness.Complete}, CodeFail},
		"inconclusive":            {harness.Report{Verdict: harness.Inconclusive, Status: harness.Complete}, CodeInconclusive},
		"incomplete":              {harness.Report{Verdict: harness.VerdictIncomplete, Status: harness.Complete}, CodeIncomplete},
		"no verdict never passes": {harness.Report{}, CodeInconclusive},
		"stopped, gate passed":    {harness.Report{Verdict: harness.Pass, Status: harness.Incomplete}, CodeIncomplete},
		"pending":                 {harness.Report{Verdict: harness.Fail, Publish: &harness.Publish{Pending: 1}}, CodeUnposted},
		"rejected":                {harness.Report{Verdict: harness.Pass, Publish: &harness.Publish{Rejected: 1}}, CodeUnposted},
		"nothing to post":         {harness.Report{Verdict: harness.Pass, Publish: &harness.Publish{}}, CodePass},
		"no audit":                {harness.Report{Verdict: harness.Pass, Publish: &harness.Publish{Posted: 1}}, CodeUnposted},
		"posting stopped":         {harness.Report{Verdict: harness.Pass, Publish: &harness.Publish{Error: "x"}}, CodeUnposted},
		"lost":                    {audited(harness.Audit{Lost: 1}), CodeUnposted},
		"duplicated":              {audited(harness.Audit{Found: 1, Duplicated: 1}), CodeUnposted},
		"unexpected":              {audited(harness.Audit{Found: 1, Unexpected: 1}), CodeUnposted},
		"posted":                  {audited(harness.Audit{Found: 1}), CodePass},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, Code(&tc.report)) })
	}
}

func audited(a harness.Audit) harness.Report {
	return harness.Report{Verdict: harness.Pass, Publish: &harness.Publish{Posted: 1, Audit: &a}}
}

func TestWorst(t *testing.T) {
	order := []int{70, 2, 130, 143, 4, 5, 1, 3, 0}
	for i, a := range order {
		for _, b := range order[i:] {
			assert.Equal(t, a, Worst(a, b))
			assert.Equal(t, a, Worst(b, a))
		}
	}
}

func TestSelection(t *testing.T) {
	s := Selection{Filter: map[string]string{"lang": "en", "n": "3"}}
	f := s.filter()
	assert.True(t, f(harness.Case{Metadata: map[string]any{"lang": []any{"de", "en"}, "n": 3.0}}))
	assert.False(t, f(harness.Case{Metadata: map[string]any{"lang": "de", "n": 3.0}}))
	assert.False(t, f(harness.Case{}))
	assert.Nil(t, Selection{Limit: 3}.filter())
	for _, tc := range []struct {
		value any
		want  string
		match bool
	}{
		{1e6, "1000000", true}, {1e21, "1000000000000000000000", true}, {0.25, "0.25", true}, {-3.0, "-3", true}, {1e6, "1e+06", false},
		{json.Number("12345678901234567890"), "12345678901234567890", true}, {7, "7", true}, {true, "true", true}, {nil, "", false},
		{[]any{nil, 1e6}, "1000000", true},
	} {
		assert.Equal(t, tc.match, matches(tc.value, tc.want), "%v is %s", tc.value, tc.want)
	}

	seen := map[string]int{}
	for shard := 1; shard <= 4; shard++ {
		f := Selection{Shard: shard, Shards: 4}.filter()
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			if f(harness.Case{ID: id}) {
				seen[id]++
			}
		}
	}
	assert.Len(t, seen, 8)
	for id, n := range seen {
		assert.Equal(t, 1, n, id)
	}

	all := Selection{Cases: []string{"a"}, Filter: map[string]string{"k": "v"}, Shard: 1, Shards: 2, Sample: 0.5, Limit: 9}
	options, err := all.options()
	require.NoError(t, err)
	back, err := selectionOf(options)
	require.NoError(t, err)
	assert.Equal(t, all, back)
	assert.False(t, all.whole())
	assert.True(t, Selection{}.whole())
	_, err = selectionOf(map[string]string{selectionOption: "{"})
	assert.Error(t, err)

	for _, bad := range []string{"", "1", "0/2", "3/2", "a/b", "1/0"} {
		_, _, err := ParseShard(bad)
		assert.Error(t, err, bad)
	}
}
